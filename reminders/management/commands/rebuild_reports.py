"""Count everything that reports show again, from the calls and visits themselves."""

from typing import Any

from django.core.management.base import BaseCommand

from reminders.reports.counting import rebuild_counts


class Command(BaseCommand):
    help = "Count everything that reports show again."

    def handle(self, *args: Any, **options: Any) -> None:
        rebuild_counts()
        self.stdout.write("All reports were counted again.")
