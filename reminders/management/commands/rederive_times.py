"""Derives the moments of upcoming appointments again. Run it after each migration."""

from typing import Any

from django.core.management.base import BaseCommand

from reminders.planning.shifts import rederive_times


class Command(BaseCommand):
    help = (
        "Give upcoming appointments the moment that their date and time have by the installed time zone "
        "data, and move their reminders along. What patients were told, and their confirmations, stay. "
        "Run it after each migration; running it again changes nothing."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        changed = rederive_times()
        self.stdout.write(f"Upcoming appointments that have a new moment: {changed}.")
