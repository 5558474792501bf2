"""``manage.py robotalker_sandbox --port 8100``: the stand-in for Robotalker's servers."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from reminders.sandbox.command_line import add_options, read_settings
from reminders.sandbox.server import serve


class Command(BaseCommand):
    help = "Run a stand-in for Robotalker's servers: it rings on a page of phones and calls nobody."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        add_options(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            serve(read_settings(options))
        except ValueError as error:
            raise CommandError(str(error)) from error
