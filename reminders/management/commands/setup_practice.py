"""What a practice needs besides its tables: roles and scripts. Run it after each migration."""

from typing import Any

from django.core.management.base import BaseCommand

from contacts.roles import ADMIN, AUDITOR, FRONT_DESK, MANAGER, ensure_roles
from reminders.wording.default_scripts import ensure_default_scripts


class Command(BaseCommand):
    help = "Make the roles and the default scripts where they are missing; what is there stays as it is."

    def handle(self, *args: Any, **options: Any) -> None:
        ensure_roles()
        ensure_default_scripts()
        self.stdout.write(f"The roles are there: {FRONT_DESK}, {MANAGER}, {AUDITOR}, {ADMIN}.")
        self.stdout.write("The default scripts are there: see Scripts in the admin.")
