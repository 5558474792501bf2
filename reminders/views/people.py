"""Who is asking."""

from django.contrib.auth.models import User
from django.http import HttpRequest


def signed_in(request: HttpRequest) -> User:
    """The user; LoginRequiredMiddleware has seen to it that there is one."""
    if not isinstance(request.user, User):
        raise TypeError("this page is for people who have logged in")
    return request.user
