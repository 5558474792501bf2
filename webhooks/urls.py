"""The door's addresses."""

from django.contrib.auth.decorators import login_not_required
from django.urls import path, register_converter

from webhooks.views import RobotalkerHook


class AnyToken:
    """Whatever follows, also nothing, or a line break: the door itself says what isn't a token."""

    regex = "(?s:.*)"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(AnyToken, "any")

urlpatterns = [
    path("robotalker/<any:token>", login_not_required(RobotalkerHook.as_view()), name="robotalker_hook"),
]
