"""The parts of the admin's first page."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time
from typing import Any

from django import template
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from webhooks.admin_overview import Overview, read_overview

register = template.Library()

# The lists that admins use most, by their models' names, each in an admin's words.
USED_MOST: dict[Promise, dict[str, Promise]] = {
    gettext_lazy("The practice"): {
        "Location": gettext_lazy("Locations"),
        "Provider": gettext_lazy("Providers"),
        "ClosedDay": gettext_lazy("Closed days"),
        "User": gettext_lazy("Users"),
        "Group": gettext_lazy("Roles"),
    },
    gettext_lazy("What is said, and when"): {
        "Campaign": gettext_lazy("Campaigns"),
        "Script": gettext_lazy("Scripts"),
        "TextTemplate": gettext_lazy("Ready-made texts"),
        "Pronunciation": gettext_lazy("Say it as"),
    },
    gettext_lazy("Other programs"): {
        "ApiToken": gettext_lazy("Keys for other programs"),
        "OutgoingEndpoint": gettext_lazy("Who is told of events"),
        "CalendarFeed": gettext_lazy("Calendars to subscribe to"),
        "WatchedCalendar": gettext_lazy("Watched calendars"),
        "WatchedFolder": gettext_lazy("Watched folders"),
    },
    gettext_lazy("What happened"): {
        "CallRecord": gettext_lazy("Calls and texts"),
        "Reminder": gettext_lazy("Reminders"),
        "WebhookEvent": gettext_lazy("Messages from Robotalker"),
        "FollowUp": gettext_lazy("Entries of the worklist"),
        "ConsentEntry": gettext_lazy("Consents and opt-outs"),
        "ImportBatch": gettext_lazy("Imported lists"),
        "NumberLook": gettext_lazy("Who saw numbers in full"),
        "EvidenceLook": gettext_lazy("Who read evidence"),
    },
}


@register.simple_tag(takes_context=True)
def overview(context: Mapping[str, Any]) -> Overview:
    """Of the present day, by the clock of the first location."""
    frame = context["frame"]
    zone = frame.locations[0].zone if frame.locations else UTC
    since = datetime.combine(frame.today, time(), zone)
    return read_overview(context["user"], since)


@register.filter
def by_purpose(app_list: Sequence[Mapping[str, Any]]) -> list[tuple[Promise, list[tuple[Promise, str]]]]:
    """The lists of USED_MOST that this person may open, with their addresses, by what they are for."""
    models = [model for app in app_list for model in app["models"]]
    known = {model["object_name"]: model["admin_url"] for model in models if model["admin_url"]}
    groups = [
        (title, [(words, known[name]) for name, words in lists.items() if name in known])
        for title, lists in USED_MOST.items()
    ]
    return [(title, lists) for title, lists in groups if lists]
