"""The address of the webhook endpoint."""

from django.contrib.auth.decorators import login_not_required
from django.urls import re_path

from webhooks.views import RobotalkerHook

urlpatterns = [
    # any text as the token, also none or one with line breaks: the view refuses what isn't a token
    re_path(
        r"^robotalker/(?P<token>(?s:.*))\Z",
        login_not_required(RobotalkerHook.as_view()),
        name="robotalker_hook",
    ),
]
