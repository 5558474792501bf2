"""manage.py rescue_login NAME: a link for a new password, for when no administrator can log in."""

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.sign_in.passwords import make_password_link
from config.sign_in.second_factor import remove_factors
from contacts.audit.sign_ins import SignInKind
from contacts.audit.trail import record_deed
from contacts.models import AuditEntry


class Command(BaseCommand):
    help = "Print a link by which this person sets a new password. --remove-app: and remove app and passkeys."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the username")
        parser.add_argument("--remove-app", action="store_true", help="for a phone that is lost")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["name"], is_active=True).first()
        if user is None:
            raise CommandError(f"There is nobody who can log in as {options['name']}.")
        sign_in = AuditEntry.Kind.SIGN_IN
        for kind in remove_factors(user) if options["remove_app"] else ():
            record_deed(kind.value, by=None, about=user, kind=sign_in)
        record_deed(SignInKind.LINK_MADE.value, by=None, about=user, kind=sign_in)
        self.stdout.write(f"For {user.username} only, once:\n{make_password_link(user)}")
