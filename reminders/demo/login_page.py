"""The demo clinic's logins for the login page."""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest

from reminders.demo.users import LOGINS, PASSWORD


@dataclass(frozen=True)
class DemoLogin:
    """A login of the demo clinic; the login page shows it on a developer's machine only."""

    role: str
    name: str
    password: str


def read_demo_logins() -> list[DemoLogin]:
    """The demo clinic's logins; empty if the demo doesn't exist."""
    names = {login.username for login in LOGINS}
    existing = set(User.objects.filter(username__in=names).values_list("username", flat=True))
    return [
        DemoLogin(login.group, login.username, PASSWORD)
        for login in LOGINS
        if "frontdesk" in existing and login.username in existing
    ]


def demo_logins(request: HttpRequest) -> dict[str, Any]:
    """A context processor, used only with DEBUG. It passes a function, since only the login page needs it."""
    del request
    return {"demo_logins": read_demo_logins}
