"""manage.py pull_contacts: import Robotalker's opt-outs now, as is done every night."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from reminders.robotalker.errors import RobotalkerError
from reminders.sweeps.optout_pull import NotNow, pull_contacts


class Command(BaseCommand):
    help = (
        "Records the opt-outs of Robotalker's list of contacts here; it never removes an opt-out. "
        "Run it after restoring a backup, before sending is resumed."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = pull_contacts()
        except (NotNow, RobotalkerError) as error:
            raise CommandError(f"The list could not be read: {error}") from None
        self.stdout.write(f"{report}.")
