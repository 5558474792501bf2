"""Make the roles; run it after each migration, as often as you like."""

from typing import Any

from django.core.management.base import BaseCommand

from contacts.roles import ADMIN, AUDITOR, FRONT_DESK, MANAGER, ensure_roles


class Command(BaseCommand):
    help = "Make the groups Front desk, Manager, Auditor and Admin, and give each its permissions."

    def handle(self, *args: Any, **options: Any) -> None:
        ensure_roles()
        self.stdout.write(f"The roles are there: {FRONT_DESK}, {MANAGER}, {AUDITOR}, {ADMIN}.")
