"""The address of the page on how long data is kept."""

from django.urls import path

from webhooks.retention.views import show_retention

urlpatterns = [path("settings/retention/", show_retention, name="retention")]
