"""Creates what a practice needs besides tables: roles and default scripts. Run it after each migration."""

from typing import Any

from django.core.management.base import BaseCommand

from contacts.roles import ADMIN, AUDITOR, FRONT_DESK, MANAGER, ensure_roles
from reminders.wording.default_scripts import ensure_default_scripts
from reminders.wording.pronunciations import ensure_pronunciations


class Command(BaseCommand):
    help = "Create the roles and the default scripts if they are missing; existing ones stay as they are."

    def handle(self, *args: Any, **options: Any) -> None:
        ensure_roles()
        ensure_default_scripts()
        ensure_pronunciations()
        self.stdout.write(f"The roles exist: {FRONT_DESK}, {MANAGER}, {AUDITOR}, {ADMIN}.")
        self.stdout.write("The default scripts exist: see Scripts at the front desk.")
