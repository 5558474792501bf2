"""manage.py evidence_keys: the public keys that verify evidence; with --new, a new private key."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from reminders.evidence.keys import NoEvidenceKey, list_public_keys, make_private_key


class Command(BaseCommand):
    help = "Prints the public keys that verify the evidence of calls, to be published."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--new", action="store_true", help="print a new private key instead, for EVIDENCE_KEY: a secret"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["new"]:
            self.stdout.write(make_private_key())
            return
        try:
            keys = list_public_keys()
        except NoEvidenceKey as error:
            raise CommandError(str(error)) from None
        for one in keys:
            self.stdout.write(f"{one.key_id}  {one.written}  {'signs now' if one.signs else 'earlier key'}")
        if not any(one.signs for one in keys):
            raise CommandError("EVIDENCE_KEY is not set, so nothing is signed.")
