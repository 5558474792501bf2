"""The addresses of the outgoing door."""

from django.urls import path

from webhooks.outgoing.views import download_events, show_calendar_feed, show_event_export

urlpatterns = [
    path("export/", show_event_export, name="event_export"),
    path("export/events.csv", download_events, name="event_export_file"),
    path("feeds/<slug:token>.ics", show_calendar_feed, name="calendar_feed"),
]
