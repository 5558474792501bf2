"""Derives the moments of upcoming appointments again. Run it after each migration."""

from typing import Any

from django.core.management.base import BaseCommand

from reminders.planning.shifts import recount_open_days, rederive_times


class Command(BaseCommand):
    help = (
        "Give upcoming appointments the moment that their date and time have by the installed time zone "
        "data, and move their reminders along, as well as those that count open days, by the installed "
        "public holidays. What patients were told, and their confirmations, stay. "
        "Run it after each migration; running it again changes nothing."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        changed = rederive_times()
        self.stdout.write(f"Upcoming appointments that have a new moment: {changed}.")
        self.stdout.write(f"Reminders that have a new time by the public holidays: {recount_open_days()}.")
