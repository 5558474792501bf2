"""manage.py write_rules: write docs/rules.md, the product rules with the tests that name them."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.rule_page import UnclearRule, build_rule_page


class Command(BaseCommand):
    help = "Write docs/rules.md: the product rules, and the tests that name them."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="only fail if the page isn't up to date")
        parser.add_argument("--root", type=Path, default=settings.BASE_DIR, help="the repository")

    def handle(self, *args: Any, check: bool, root: Path, **options: Any) -> None:
        page = root / "docs" / "rules.md"
        try:
            text = build_rule_page(root)
        except (UnclearRule, FileNotFoundError) as error:
            raise CommandError(str(error)) from None
        if not check:
            page.write_text(text)
        elif not page.exists() or page.read_text() != text:
            raise CommandError("docs/rules.md is not up to date: run manage.py write_rules.")
