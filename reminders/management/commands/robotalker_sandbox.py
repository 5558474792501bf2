"""``manage.py robotalker_sandbox --port 8100``: a simulator of Robotalker's servers."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from reminders.sandbox.command_line import add_options, read_settings
from reminders.sandbox.server import serve


class Command(BaseCommand):
    help = "Run a simulator of Robotalker's servers: calls ring on a web page, and nobody is really called."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        add_options(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            serve(read_settings(options))
        except ValueError as error:
            raise CommandError(str(error)) from error
