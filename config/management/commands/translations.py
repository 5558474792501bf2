"""manage.py translations: bring the translations of pages up to date with the code, and compile them."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.translations import TRANSLATED, find_translation_faults, update_catalogue, write_compiled


class Command(BaseCommand):
    help = "Add new words of pages to locale/, remove old ones, and compile; name what isn't translated."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="only fail if something is missing or wrong")

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        missing: list[str] = []
        for language in TRANSLATED:
            missing += find_translation_faults(language) if check else update_catalogue(language)
        if not check:
            for code, _name in settings.LANGUAGES:
                write_compiled(code)
        if missing:
            raise CommandError("\n".join(["Translate these in locale/:", *missing]))
