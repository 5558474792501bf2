"""The door's addresses."""

from django.contrib.auth.decorators import login_not_required
from django.urls import path

from webhooks.views import RobotalkerHook

urlpatterns = [
    path("robotalker/<str:token>", login_not_required(RobotalkerHook.as_view()), name="robotalker_hook"),
]
