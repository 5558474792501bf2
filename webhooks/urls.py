"""The address of the webhook endpoint."""

from django.contrib.auth.decorators import login_not_required
from django.urls import path, re_path

from webhooks.views import RobotalkerHook, show_ping

urlpatterns = [
    path("ping/<str:token>", login_not_required(show_ping), name="ping"),
    # any text as the token, also none or one with line breaks: the view refuses what isn't a token
    re_path(
        r"^robotalker/(?P<token>(?s:.*))\Z",
        login_not_required(RobotalkerHook.as_view()),
        name="robotalker_hook",
    ),
]
