"""The places that every page leads to: the rail, a phone's bottom bar, and the page of settings.

A new page of the first rank gets an entry in RAIL, one that is seldom needed gets it in SETTINGS.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser, User
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

BOTTOM_BAR = 4  # places of a phone's bottom bar; its fifth is "More"


@dataclass(frozen=True)
class RailPlace:
    """A page: its name in the URLs, the permission that it asks for, its icon and words.

    `also`: the pages on which it is marked as the present place, too. `on_phone`: whether it stands in a
    phone's bottom bar; at most BOTTOM_BAR may, the others are under "More". `help`: what is done there.
    """

    page: str
    permission: str
    icon: str
    title: Promise
    also: tuple[str, ...] = ()
    on_phone: bool = False
    at_foot: bool = False
    help: Promise | str = ""


SETTINGS = (
    RailPlace(
        "mode",
        "reminders.change_mode",
        "broadcast",
        gettext_lazy("Mode, and going live"),
        help=gettext_lazy("Who may be called at all, and what is still missing."),
    ),
    RailPlace(
        "test_calls",
        "reminders.add_testcall",
        "test-pipe",
        gettext_lazy("Test calls"),
        help=gettext_lazy("Hear on your own phone what patients hear."),
    ),
    RailPlace(
        "sign_ins",
        "auth.change_user",
        "key",
        gettext_lazy("People who log in"),
        also=("hand_out_link",),
        help=gettext_lazy("Links for new passwords, authenticator apps, and what happened at the login."),
    ),
    RailPlace(
        "event_export",
        "webhooks.view_outgoingevent",
        "file-export",
        gettext_lazy("Export"),
        also=("event_export_file",),
        help=gettext_lazy("What happened to appointments and calls, as a file."),
    ),
    RailPlace(
        "retention",
        "webhooks.view_retentionrun",
        "clock-hour-4",
        gettext_lazy("How long data is kept"),
        help=gettext_lazy("What is deleted after which time, and what was."),
    ),
    RailPlace(
        "audit_trail",
        "contacts.view_auditentry",
        "list-search",
        gettext_lazy("Audit trail"),
        help=gettext_lazy("Who did what, and who looked at whom."),
    ),
    RailPlace(
        "api_page",
        "contacts.view_apitoken",
        "api",
        gettext_lazy("Connecting other programs"),
        help=gettext_lazy("How another system of the practice reads and books here."),
    ),
)
RAIL = (
    RailPlace(
        "today",
        "contacts.view_appointment",
        "calendar-event",
        gettext_lazy("Today"),
        also=("plan_absence", "absence", "saved_filters"),
        on_phone=True,
    ),
    RailPlace("calendar", "contacts.view_appointment", "calendar", gettext_lazy("Calendar")),
    RailPlace("worklist", "reminders.view_followup", "list-check", gettext_lazy("Worklist"), on_phone=True),
    RailPlace(
        "texts", "reminders.view_receivedtext", "messages", gettext_lazy("Texts"), also=("text_thread",)
    ),
    RailPlace(
        "book_appointment", "contacts.add_appointment", "calendar-plus", gettext_lazy("Book"), on_phone=True
    ),
    RailPlace(
        "contacts",
        "contacts.view_contact",
        "address-book",
        gettext_lazy("Contacts"),
        also=("contact", "add_contact", "edit_contact", "duplicates", "merge_contacts", "household"),
        on_phone=True,
    ),
    RailPlace(
        "campaigns",
        "reminders.view_campaign",
        "speakerphone",
        gettext_lazy("Campaigns"),
        also=(
            "campaign",
            "new_campaign",
            "edit_campaign",
            "activate_campaign",
            "restore_campaign",
            "campaign_visits",
            "campaign_people",
            "first_campaign",
            "first_campaign_whom",
            "first_campaign_words",
            "first_campaign_count",
        ),
    ),
    RailPlace(
        "scripts",
        "reminders.change_campaign",
        "message-2",
        gettext_lazy("Scripts"),
        also=("add_script", "script_text", "pronunciations"),
    ),
    RailPlace("reports", "reminders.view_reports", "chart-bar", gettext_lazy("Reports"), also=("report",)),
    RailPlace(
        "imports",
        "contacts.view_importbatch",
        "file-import",
        gettext_lazy("Imports"),
        also=("upload_import", "preview_import", "import_batch", "add_calendar", "edit_calendar"),
    ),
    RailPlace(
        "stop", "reminders.change_sendingswitch", "player-pause", gettext_lazy("Sending"), at_foot=True
    ),
    RailPlace(
        "settings",
        "contacts.view_appointment",
        "settings",
        gettext_lazy("Settings"),
        also=tuple(place.page for place in SETTINGS),
        at_foot=True,
    ),
)


def list_places(places: Sequence[RailPlace], user: User | AnonymousUser) -> list[RailPlace]:
    """Those of the places that this person may open."""
    return [place for place in places if user.has_perm(place.permission)]
