"""Django's command, without a way to make a user with a weak password."""

import getpass
import os
from typing import Any

from django.contrib.auth.management.commands import createsuperuser
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

PASSWORD = "DJANGO_SUPERUSER_PASSWORD"  # noqa: S105 - the name of a variable of the environment


class Command(createsuperuser.Command):
    """The questions are ours, since Django's offer to go on with a weak password; the rest is Django's."""

    def handle(self, *args: Any, **options: Any) -> str | None:
        if options["interactive"] and self.stdin.isatty():
            try:
                options |= self._ask(options)
            except KeyboardInterrupt:
                raise CommandError("Nobody was added.") from None
        if not options["interactive"] and (password := os.environ.get(PASSWORD)):
            name = options.get("username") or os.environ.get("DJANGO_SUPERUSER_USERNAME") or ""
            email = options.get("email") or os.environ.get("DJANGO_SUPERUSER_EMAIL") or ""
            if refused := _find_weakness(password, name, email):
                raise CommandError(f"{PASSWORD} is too weak. {refused}")
        return super().handle(*args, **options)

    def _ask(self, options: dict[str, Any]) -> dict[str, Any]:
        """What is asked at the terminal, as options of --noinput; the password goes into the environment."""
        name, email = options["username"], options["email"]
        while not name:
            typed = input("Username: ").strip()
            fault = self._validate_username(typed, "username", options["database"])  # type: ignore[attr-defined]
            name = "" if fault else typed
            if fault:
                self.stderr.write(str(fault))
        while email is None:
            email = self.get_input_data(User._meta.get_field("email"), "E-mail address (may be empty): ")
        os.environ[PASSWORD] = self._ask_password(name, email)
        return {"interactive": False, "username": name, "email": email}

    def _ask_password(self, name: str, email: str) -> str:
        while True:
            password = getpass.getpass()
            if getpass.getpass("Password (again): ") != password:
                self.stderr.write("The two are not the same.")
            elif refused := _find_weakness(password, name, email):
                self.stderr.write(refused)
            else:
                return password


def _find_weakness(password: str, name: str, email: str) -> str:
    """Why this password is refused; "" if it isn't."""
    try:
        validate_password(password, User(username=name, email=email))
    except ValidationError as error:
        return " ".join(error.messages)
    return ""
