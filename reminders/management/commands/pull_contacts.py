"""manage.py pull_contacts: take over at once who has opted out at Robotalker, as every night."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from reminders.robotalker.errors import RobotalkerError
from reminders.sweeps.optout_pull import NotNow, pull_contacts


class Command(BaseCommand):
    help = (
        "Opts out here who has opted out on Robotalker's list of contacts; never the other way round. "
        "Run it after a restore, before sending is switched on again."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = pull_contacts()
        except (NotNow, RobotalkerError) as error:
            raise CommandError(f"The list could not be had: {error}") from None
        self.stdout.write(f"{report}.")
