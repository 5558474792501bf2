"""Django's command, which with --noinput refuses a weak password, too."""

import os
from typing import Any

from django.contrib.auth.management.commands import createsuperuser
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError


class Command(createsuperuser.Command):
    def handle(self, *args: Any, **options: Any) -> str | None:
        if not options["interactive"] and (password := os.environ.get("DJANGO_SUPERUSER_PASSWORD")):
            name = options.get("username") or os.environ.get("DJANGO_SUPERUSER_USERNAME") or ""
            email = options.get("email") or os.environ.get("DJANGO_SUPERUSER_EMAIL") or ""
            try:
                validate_password(password, User(username=name, email=email))
            except ValidationError as error:
                refused = " ".join(error.messages)
                raise CommandError(f"DJANGO_SUPERUSER_PASSWORD is too weak. {refused}") from error
        return super().handle(*args, **options)
