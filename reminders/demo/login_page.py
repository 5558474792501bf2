"""What the login page shows of the demo clinic."""

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
    """The demo clinic's logins; none unless this is a developer's machine with the demo on it."""
    names = {login.username for login in LOGINS}
    there = set(User.objects.filter(username__in=names).values_list("username", flat=True))
    return [
        DemoLogin(login.group, login.username, PASSWORD)
        for login in LOGINS
        if "frontdesk" in there and login.username in there
    ]


def demo_logins(request: HttpRequest) -> dict[str, Any]:
    """A context processor, only in use with DEBUG. Lazy: only the login page asks."""
    del request
    return {"demo_logins": read_demo_logins}
