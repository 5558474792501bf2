"""manage.py write_role_matrix: write into docs/security.md which role may use which page."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.role_matrix import write_matrix


class Command(BaseCommand):
    help = "Write the tables of roles in docs/security.md, from the URLs and the views."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="only fail if the page isn't up to date")

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        page: Path = settings.BASE_DIR / "docs" / "security.md"
        before = page.read_text()
        try:
            text = write_matrix(before)
        except ValueError as error:
            raise CommandError(str(error)) from None
        if not check:
            page.write_text(text)
        elif before != text:
            raise CommandError("docs/security.md is not up to date: run manage.py write_role_matrix.")
