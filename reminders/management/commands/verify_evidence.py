"""manage.py verify_evidence: whether a file of evidence is as it was signed, or what was changed."""

from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from reminders.evidence.canonical import NotADocument
from reminders.evidence.keys import NoEvidenceKey, decode_key, list_public_keys
from reminders.evidence.signatures import Verification, name_public_key, verify_evidence

LARGEST_FILE = 50 * 1024 * 1024  # bytes


class Command(BaseCommand):
    help = (
        "Says whether a file of evidence is valid, or what was changed in it, and ends with status 1 if it "
        "isn't. It needs no database."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--public-key",
            action="append",
            default=[],
            help="a public key in base64, to trust instead of this installation's own; may be repeated",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        keys = read_trusted_keys(options["public_key"])
        try:
            found = verify_evidence(read_file(options["file"]), keys)
        except NotADocument as error:
            raise CommandError(f"Not valid: it is not a file of evidence; {error}.") from None
        if not found.is_valid:
            raise CommandError("\n".join(["Not valid.", *describe_faults(found)]))
        self.stdout.write(f"Valid: nothing was changed since it was signed with key {found.key_id}.")


def read_trusted_keys(written: Sequence[str]) -> dict[str, bytes]:
    """The public keys to trust, by id. Raises CommandError for one that can't be read."""
    try:
        if not written:
            return {one.key_id: one.key for one in list_public_keys()}
        keys = [decode_key(one) for one in written]
    except (NoEvidenceKey, ValueError) as error:
        raise CommandError(f"A key can't be read: {error}.") from None
    return {name_public_key(key): key for key in keys}


def read_file(path: Path) -> bytes:
    """The file's bytes. Raises CommandError if it can't be read or is far too large."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise CommandError("Not valid: it is far larger than any file of evidence.")
        return path.read_bytes()
    except OSError as error:
        raise CommandError(f"The file can't be read: {error.strerror}.") from None


def describe_faults(found: Verification) -> Iterator[str]:
    """What is wrong, a line for each; names from the file are printed so that they can't trick a terminal."""
    if not found.is_key_known:
        yield f"It was signed with key {ascii(found.key_id)[1:-1]}, which is not among the keys to trust."
    elif not found.is_signature_right:
        yield "Its signature does not fit: the list of digests was changed, or another key signed it."
    for words, names in (
        ("Changed", found.changed),
        ("Added", found.added),
        ("Taken out", found.missing),
    ):
        for name in names:
            yield f"{words}: {ascii(name)[1:-1]}"
    if not (found.is_whole or found.changed or found.added or found.missing):
        yield "Changed: the order or the kind of its sections."
