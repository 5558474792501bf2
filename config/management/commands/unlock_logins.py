"""manage.py unlock_logins: whoever has to wait after too many wrong passwords may try again at once."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from redis import RedisError

from config.sign_in_limits import clear_locks


class Command(BaseCommand):
    help = "End every wait after too many wrong passwords, for all names and addresses."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            clear_locks()
        except (RedisError, OSError) as error:
            raise CommandError(f"Redis does not answer: {type(error).__name__}") from None
        self.stdout.write("Everybody may try to log in again.")
