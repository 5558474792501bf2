"""The demo's logins. They exist only while DEBUG is on, because their password is public."""

from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, User

from contacts.roles import ensure_roles

PASSWORD = "callboard"  # noqa: S105 - public on purpose


@dataclass(frozen=True)
class Login:
    """One login; `group` is a role of contacts/roles.py."""

    username: str
    first_name: str
    last_name: str
    group: str
    is_staff: bool = False
    is_superuser: bool = False


LOGINS = (
    Login("frontdesk", "Robin", "Ames", "Front desk"),
    Login("manager", "Jo", "Lindqvist", "Manager", is_staff=True),
    Login("admin", "Sam", "Reyes", "Admin", is_staff=True, is_superuser=True),
)


def ensure_logins() -> dict[str, User]:
    """The demo's users by name, created if missing; existing ones keep their password.

    Raises RuntimeError without DEBUG.
    """
    if not settings.DEBUG:
        raise RuntimeError(
            "The demo logins have a public password, so they are created only while DEBUG is on."
        )
    ensure_roles()
    hashed = make_password(PASSWORD)  # once: hashing is slow on purpose
    return {login.username: _ensure_user(login, hashed) for login in LOGINS}


def _ensure_user(login: Login, hashed: str) -> User:
    user, is_new = User.objects.get_or_create(
        username=login.username,
        defaults={
            "first_name": login.first_name,
            "last_name": login.last_name,
            "is_staff": login.is_staff,
            "is_superuser": login.is_superuser,
            "password": hashed,
        },
    )
    if is_new:
        user.groups.set([Group.objects.get(name=login.group)])
    return user
