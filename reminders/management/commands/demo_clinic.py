"""Fill an empty database with the demo clinic."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from reminders.demo.clinic import DemoReport, build_demo_clinic, has_contacts, rebuild_demo_clinic

NOT_IN_PRODUCTION = "The demo clinic is for trying Callboard out. It can only be created while DEBUG is on."
NOT_EMPTY = (
    "This database already has a practice, so nothing was changed. "
    "To replace it with a new demo clinic, use --reset: that deletes all of its data."
)


class Command(BaseCommand):
    help = "Create the demo clinic: a practice with appointments around now, made-up people and numbers."

    def add_arguments(self, parser: CommandParser) -> None:
        mode = parser.add_mutually_exclusive_group()
        mode.add_argument("--if-empty", action="store_true", help="do nothing when there are contacts")
        mode.add_argument(
            "--reset", action="store_true", help="delete the practice's data first, and create it again"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError(NOT_IN_PRODUCTION)
        if options["reset"]:
            self._say(rebuild_demo_clinic(timezone.now()))
        elif not has_contacts():
            self._say(build_demo_clinic(timezone.now()))
        elif not options["if_empty"]:
            raise CommandError(NOT_EMPTY)

    def _say(self, report: DemoReport) -> None:
        self.stdout.write(
            f"The demo clinic is ready: {report.contacts} people, {report.today_and_ahead} appointments from "
            f"today on, {report.reminders} reminders planned. Its time zone is {report.zone}."
        )
