"""Finding from anywhere: a patient, one of today's visits, a page, or something to do."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.contact_search import find_contacts
from contacts.models import Appointment
from contacts.numbers import mask
from contacts.templatetags.display import clock, day_and_clock
from reminders.pages.day_reading import today_at

MOST_PEOPLE = 6
A_DAY = timedelta(days=1)
PATIENTS, VISITS, PAGES, DEEDS = "patients", "visits", "pages", "deeds"


@dataclass(frozen=True)
class FoundLine:
    """One line: where it leads, its name, and what tells it from others. `icon`: of Tabler's set."""

    address: str
    name: str
    note: str
    icon: str


@dataclass(frozen=True)
class FoundGroup:
    """Lines of one kind. `code`: of PATIENTS, VISITS, PAGES, DEEDS."""

    code: str
    title: str
    lines: Sequence[FoundLine]


@dataclass(frozen=True)
class Destination:
    """A page, or something to do. `page`: its name in the URLs; `permission`: what it asks for.

    `also`: other words that it is looked for by.
    """

    page: str
    permission: str
    icon: str
    title: str | Promise
    also: str | Promise = ""


PAGES_TO_OPEN = (
    Destination(
        "today",
        "contacts.view_appointment",
        "calendar-event",
        gettext_lazy("Today"),
        gettext_lazy("day list visits"),
    ),
    Destination(
        "calendar",
        "contacts.view_appointment",
        "calendar",
        gettext_lazy("Calendar"),
        gettext_lazy("week day providers"),
    ),
    Destination(
        "worklist",
        "reminders.view_followup",
        "list-check",
        gettext_lazy("Worklist"),
        gettext_lazy("to do tasks"),
    ),
    Destination(
        "texts",
        "reminders.view_receivedtext",
        "messages",
        gettext_lazy("Texts"),
        gettext_lazy("messages sms"),
    ),
    Destination(
        "contacts",
        "contacts.view_contact",
        "address-book",
        gettext_lazy("Contacts"),
        gettext_lazy("patients people"),
    ),
    Destination(
        "campaigns",
        "reminders.view_campaign",
        "speakerphone",
        gettext_lazy("Campaigns"),
        gettext_lazy("reminders"),
    ),
    Destination(
        "scripts", "reminders.change_campaign", "message-2", gettext_lazy("Scripts"), gettext_lazy("words")
    ),
    Destination(
        "pronunciations",
        "reminders.view_script",
        "volume",
        gettext_lazy("Say it as"),
        gettext_lazy("names spoken"),
    ),
    Destination(
        "reports",
        "reminders.view_reports",
        "chart-bar",
        gettext_lazy("Reports"),
        gettext_lazy("figures no-shows best time statistics"),
    ),
    Destination(
        "imports",
        "contacts.view_importbatch",
        "file-import",
        gettext_lazy("Imports"),
        gettext_lazy("lists files"),
    ),
    Destination(
        "event_export",
        "webhooks.view_outgoingevent",
        "file-export",
        gettext_lazy("Export"),
        gettext_lazy("csv"),
    ),
    Destination(
        "duplicates",
        "contacts.change_contact",
        "users",
        gettext_lazy("Duplicates"),
        gettext_lazy("merge contacts"),
    ),
    Destination(
        "test_calls",
        "reminders.add_testcall",
        "test-pipe",
        gettext_lazy("Test calls"),
        gettext_lazy("verify my number"),
    ),
    Destination(
        "first_campaign",
        "reminders.change_campaign",
        "list-numbers",
        gettext_lazy("First steps"),
        gettext_lazy("begin setup"),
    ),
    Destination(
        "mode",
        "reminders.change_mode",
        "broadcast",
        gettext_lazy("Mode, and going live"),
        gettext_lazy("sandbox trial"),
    ),
    Destination(
        "settings",
        "contacts.view_appointment",
        "settings",
        gettext_lazy("Settings"),
        gettext_lazy("preferences setup"),
    ),
)
DEEDS_TO_DO = (
    Destination(
        "plan_absence",
        "contacts.change_appointment",
        "user-off",
        gettext_lazy("A provider is away"),
        gettext_lazy("sick ill cancel move day"),
    ),
    Destination(
        "book_appointment",
        "contacts.add_appointment",
        "calendar-plus",
        gettext_lazy("Book an appointment"),
        gettext_lazy("new visit"),
    ),
    Destination(
        "add_contact",
        "contacts.add_contact",
        "user-plus",
        gettext_lazy("Add a contact"),
        gettext_lazy("new patient"),
    ),
    Destination(
        "upload_import",
        "contacts.add_importbatch",
        "upload",
        gettext_lazy("Import a list"),
        gettext_lazy("upload file"),
    ),
    Destination(
        "new_campaign",
        "reminders.change_campaign",
        "speakerphone",
        gettext_lazy("Begin a campaign"),
        gettext_lazy("new"),
    ),
    Destination(
        "stop",
        "contacts.view_appointment",
        "player-pause",
        gettext_lazy("Pause or resume sending"),
        gettext_lazy("stop"),
    ),
)


def find_everything(text: str, user: User, now: datetime) -> list[FoundGroup]:
    """What the words lead to, of what this person may open; without words, all pages and deeds.

    At most eight queries for patients and visits, none for the rest.
    """
    words = text.casefold().split()
    people = _find_people(text, user, now) if words else []
    groups = [
        *people,
        FoundGroup(DEEDS, _("Do"), list(_list_places(DEEDS_TO_DO, words, user))),
        FoundGroup(PAGES, _("Pages"), list(_list_places(PAGES_TO_OPEN, words, user))),
    ]
    return [group for group in groups if group.lines]


def _find_people(text: str, user: User, now: datetime) -> list[FoundGroup]:
    if not user.has_perm("contacts.view_contact"):
        return []
    contacts = list(find_contacts(text)[:MOST_PEOPLE])
    visits = _read_visits([contact.pk for contact in contacts], now) if contacts else []
    patients = []
    for contact in contacts:
        when = _say_visit([one for one in visits if one.contact_id == contact.pk], now)
        number = mask(contact.phone.e164) if contact.phone else _("no number")
        patients.append(
            FoundLine(reverse("contact", args=[contact.pk]), contact.full_name, f"{number} · {when}", "user")
        )
    may_open = user.has_perm("contacts.view_appointment")
    return [
        FoundGroup(VISITS, _("Visits today"), _list_visits_today(visits, now) if may_open else []),
        FoundGroup(PATIENTS, _("Patients"), patients),
    ]


def _say_visit(visits: Sequence[Appointment], now: datetime) -> str:
    """Today's visit of a patient, with what was recorded of it, else the next. `visits`: theirs, by time."""
    today = [one for one in visits if _is_today(one, now)]
    ahead = [one for one in visits if one.status == Appointment.Status.BOOKED and one.starts_at > now]
    soon = [one for one in today if one in ahead]
    if shown := soon[:1] or today[-1:]:
        words = _("today %(time)s") % {"time": clock(shown[0].wall_start)}
        return ", ".join(filter(None, [words, _say_attendance(shown[0])]))
    return day_and_clock(ahead[0].wall_start) if ahead else _("no visit booked")


def _say_attendance(visit: Appointment) -> str:
    return "" if visit.status == Appointment.Status.BOOKED else str(visit.get_status_display())


def _is_today(visit: Appointment, now: datetime) -> bool:
    return visit.wall_start.date() == today_at(visit.location, now)


def _read_visits(contact_ids: Sequence[int], now: datetime) -> list[Appointment]:
    """Their visits from today on, without cancelled ones, the soonest first; some are of yesterday."""
    kept = Appointment.objects.filter(contact__in=contact_ids).exclude(status=Appointment.Status.CANCELLED)
    visits = kept.filter(starts_at__gt=now - A_DAY).select_related("contact", "location", "provider")
    return list(visits.order_by("starts_at", "pk"))


def _name_details(visit: Appointment) -> str:
    provider = visit.provider.name if visit.provider else ""
    return " · ".join(filter(None, [_say_attendance(visit), visit.kind, provider]))


def _list_visits_today(visits: Sequence[Appointment], now: datetime) -> list[FoundLine]:
    """Those on the present day of each visit's location."""
    return [
        FoundLine(
            reverse("appointment", args=[visit.pk]),
            f"{clock(visit.wall_start)} {visit.contact.full_name}",
            _name_details(visit),
            "calendar-event",
        )
        for visit in visits
        if _is_today(visit, now)
    ]


def _list_places(places: Sequence[Destination], words: Sequence[str], user: User) -> Iterator[FoundLine]:
    for place in places:
        known = f"{place.title} {place.also}".casefold().split()
        is_meant = all(any(one.startswith(word) for one in known) for word in words)
        if is_meant and user.has_perm(place.permission):
            yield FoundLine(reverse(place.page), str(place.title), "", place.icon)
