"""Every page, and every part of one that is fetched by itself, asks the database at most 12 times.

They are found in the URLconf, so that a new page is counted without being named here. The clinic is the
demo's, with what it lacks. What a page reads only once in a process (types of rows, settings until one of
them changes) isn't counted; savepoints aren't either, since a test has one where a request has none.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin import site
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from contacts.appointments import set_times
from contacts.models import Appointment, ImportBatch, Location, PhoneNumber, WatchedCalendar
from reminders.campaigns.drafts import read_draft
from reminders.campaigns.history import record_version
from reminders.deciding.shared_settings import read_shared_settings
from reminders.demo.clinic import build_demo_clinic
from reminders.forms.campaign_builder import CampaignBuilder
from reminders.health.heartbeats import DISPATCH, record_heartbeat
from reminders.models import (
    CallCompanion,
    CallRecord,
    Campaign,
    FollowUp,
    ReceivedText,
    Reminder,
    Script,
    SendingSwitch,
)
from reminders.planning.planner import plan_appointments
from reminders.rules.modes import SendingMode
from tests.browser.addresses import fill, list_patterns
from tests.contacts.imports.example_lists import AISHA, NOAH, import_rows

pytestmark = pytest.mark.django_db

MOST = 12
FILES = (".csv", ".json", "/file/")
NOT_ASKED = ("logout/", "/add/", "/history/", "jsi18n/", "autocomplete/")  # Django's own, all alike
NOT_COUNTED = ("SAVEPOINT", "RELEASE", "ROLLBACK")
# Deeds, and how many queries each needs at most: they lock rows, change them, and write the history, the
# worklist and the audit trail. What plans reminders writes each under a lock of its step and location.
DEEDS = {
    "book": 53,
    "move": 53,
    "reinstate": 44,  # asks what booking asks: hours, closed days, other visits, under the same locks
    "undo an import": 84,
    "plan again": 40,
    "call now": 30,
    "cancel": 28,
    "resolve": 20,
    "arrived": 16,
    "put back to booked": 16,
    "confirm": 16,
    "skip": 16,
    "write a text": 14,
    "take": 12,
    "note": 12,
    "snooze": 12,
    "wake": 12,
}
CALLED = 10  # visits with calls, whose pages are counted
# Pages in another state.
ALSO = (
    "/?state=unanswered",
    "/?day=2026-01-01",
    "/calendar/?view=week",
    "/campaigns/new/?guided=1",
    *(f"/reports/{kind}/" for kind in ("days", "locations", "times", "attendance", "caller-ids", "saved")),
)


class OwnRows:
    """What tests/browser/addresses.py asks for rows of this database."""

    def ask(self, query: str, *values: Any) -> Any:
        with connection.cursor() as cursor:
            cursor.execute(query, values or None)
            row = cursor.fetchone()
        return row[0] if row else None


@pytest.fixture
def campaign(settings: Settings) -> Campaign:
    """The first campaign of the demo clinic, for some of its visits, with an edit to take back."""
    settings.DEBUG = True
    build_demo_clinic(timezone.now())
    settings.DEBUG = False
    record_heartbeat(DISPATCH, "")
    WatchedCalendar.objects.create(
        name="Surgery", address="https://calendar.example/a.ics", source="s", every=60, is_on=False
    )
    campaign = Campaign.objects.filter(state=Campaign.State.ACTIVE).earliest("pk")
    record_version(campaign.pk, "recorded", by=None)
    campaign.locations.add(Location.objects.earliest("pk"))
    campaign.kinds = ["Check-up", "Follow-up"]
    campaign.save()
    campaign.steps.update(max_tries=5)
    record_version(campaign.pk, "edited", by=User.objects.get(username="admin"))
    return campaign


@pytest.fixture
def admin(campaign: Campaign) -> Client:
    client = Client()
    client.force_login(User.objects.get(username="admin"))
    return client


class Counter:
    """Asks for addresses and counts; `found`: what asked more often than it may, with how often."""

    def __init__(self, client: Client) -> None:
        self.client, self.found = client, dict[str, int]()

    def ask(self, address: str, data: dict[str, Any] | None = None, *, is_part: bool = False) -> Any:
        headers = {"HX-Request": "true"} if is_part else {}
        if data is None:
            return self.client.get(address, headers=headers)
        return self.client.post(address, data, headers=headers)

    def count(self, address: str, *asked: Any, name: str = "", **options: Any) -> Any:
        """Ask, and once more if that was much: what a process remembers is then remembered."""
        name = name or f"{address}{' as a part' if options else ''}"
        for _time in range(2):
            with CaptureQueriesContext(connection) as queries:
                answer = self.ask(address, *asked, **options)
            count = count_queries(queries)
            if count <= MOST:
                break
        assert answer.status_code < 500, name
        if count > MOST:
            self.found[name] = count
        return answer


def count_queries(queries: CaptureQueriesContext) -> int:
    return sum(not one["sql"].startswith(NOT_COUNTED) for one in queries.captured_queries)


def list_addresses(campaign: Campaign, patterns: list[str]) -> Iterator[tuple[str, str]]:
    for pattern in patterns:
        if "take-back" in pattern:
            yield pattern, f"/campaigns/{campaign.pk}/versions/1/take-back/"
        elif address := fill(pattern, OwnRows()):
            yield pattern, address.path


def test_every_page_needs_at_most_twelve_queries(campaign: Campaign, admin: Client) -> None:
    """Each of the URLconf, whole and, where a part of it is fetched, that part."""
    counter, shown = Counter(admin), 0
    add_steps(campaign)
    add_companion()
    patterns = [one for one in list_patterns() if not one.endswith(NOT_ASKED)]
    for pattern, address in list_addresses(campaign, patterns):
        is_admin = pattern.startswith("admin/")
        answer = counter.count(address, name=pattern if is_admin else "")
        shown += answer.status_code == 200
        if answer.status_code in (200, 302) and not is_admin and not address.endswith(FILES):
            counter.count(address, is_part=True)
        assert answer.status_code in (200, 302, 303, 403, 404, 405, 422), pattern
    for script in Script.objects.all():
        counter.count(f"/admin/reminders/script/{script.pk}/change/", name=f"admin's page of {script.name}")
    for called in Appointment.objects.filter(reminders__calls__isnull=False).distinct()[:CALLED]:
        counter.count(f"/appointments/{called.pk}/")
    for address in ALSO:
        assert counter.count(address).status_code == 200, address
    assert shown > 150
    pause_parts(campaign)
    assert "paused it" in counter.count(f"/campaigns/{campaign.pk}/").content.decode()
    counter.count(import_a_visit(find_visit()), name="undo of an import")
    _count_what_is_read_by_post(counter, campaign)
    _count_pages_of_a_pause(counter, campaign)
    assert counter.found == {}


@pytest.mark.parametrize("text", ["an", "jo", "li", "nguyen", "2025550101"])
def test_a_search_of_a_list_in_the_admin_needs_no_more(admin: Client, text: str) -> None:
    """Where a patient's name is searched, patients are looked for as on the contacts page."""
    counter, searched = Counter(admin), 0
    add_companion()
    for model, shown in site._registry.items():
        if shown.search_fields:
            address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
            key = admin.get(address, {"q": text})["Location"]
            assert counter.count(key, name=address).status_code == 200
            searched += 1
    assert searched > 10
    assert counter.found == {}


def add_steps(campaign: Campaign) -> None:
    """As many as it has, and nothing is planned for them yet."""
    for step in campaign.steps.in_use():
        step.pk, step.position = None, step.position + 100
        step.save()


def add_companion() -> None:
    """To the last call, which is the first in the admin's list."""
    call = CallRecord.objects.latest("submitting_at", "pk")
    other = Reminder.objects.exclude(pk=call.reminder_id).earliest("pk")
    CallCompanion.objects.create(call=call, reminder=other)


def _count_what_is_read_by_post(counter: Counter, campaign: Campaign) -> None:
    """Searches, the preview of a booking and of a move, and what an edit of a campaign would change."""
    visit = find_visit()
    wanted = make_booking(visit)
    counter.count("/contacts/", {"q": "an"})
    counter.count("/find/", {"q": "an"}, name="find/ without a script")
    counter.count("/find/", {"q": "an"}, is_part=True)
    counter.count("/worklist/changes/", {"seen": ""})
    counter.count("/appointments/book/contacts/", {"q": "an"})
    counter.count("/appointments/book/contacts/", {"q": "an"}, is_part=True)
    counter.count("/appointments/book/", wanted, is_part=True)
    counter.count(f"/appointments/{visit.pk}/move/", wanted, is_part=True)
    builder = CampaignBuilder(read_draft(campaign.pk), read_shared_settings())
    entries = {name: list(values) for name, values in builder.entries.lists()}
    address, tries = f"/campaigns/{campaign.pk}/edit/", f"s{campaign.steps.earliest('pk').pk}-max_tries"
    counter.count(address, {**entries, "deed": "add"}, is_part=True)
    reviewed = counter.count(address, {**entries, tries: "7", "deed": "review"}, name="review of an edit")
    assert "7" in reviewed.content.decode()


def pause_parts(campaign: Campaign) -> None:
    """A location and another campaign, which a banner on every page then says, with who did it."""
    by = User.objects.get(username="admin")
    paused = {"paused_at": timezone.now(), "paused_by": by, "pause_reason": "A flood"}
    Location.objects.filter(pk=Location.objects.latest("pk").pk).update(**paused)
    Campaign.objects.exclude(pk=campaign.pk).update(state="paused", **paused)


def _count_pages_of_a_pause(counter: Counter, campaign: Campaign) -> None:
    since = timezone.now() - timedelta(hours=5)
    Campaign.objects.filter(pk=campaign.pk).update(state="paused", paused_at=since)
    for mode in SendingMode.values:
        SendingSwitch.objects.update(mode=mode)
        counter.count(f"/campaigns/{campaign.pk}/activate/", name=f"activate/ in a pause, {mode}")
    Campaign.objects.filter(pk=campaign.pk).update(state="active", paused_at=None)
    counter.ask("/sending/pause/", {"reason": "A storm"})
    assert counter.count("/sending/resume/").status_code == 200


def find_visit(*, besides: int = 0) -> Appointment:
    ahead = Appointment.objects.filter(status="booked", starts_at__gt=timezone.now() + timedelta(days=2))
    return ahead.exclude(pk=besides).filter(reminders__state="planned").earliest("starts_at")


def make_booking(visit: Appointment) -> dict[str, Any]:
    """What a form says that books the same for the day after."""
    return {
        "contact": visit.contact_id,
        "location": visit.location_id,
        "provider": visit.provider_id,
        "day": visit.local_start.date() + timedelta(days=1),
        "at": "11:00",
        "minutes": 30,
        "kind": "Check-up",
    }


def test_deeds_need_no_more_than_they_did(campaign: Campaign, admin: Client) -> None:
    visit, entry = find_visit(), FollowUp.objects.exclude(state="resolved").earliest("pk")
    reminder = Reminder.objects.filter(appointment=visit, state="planned").earliest("pk")
    number = PhoneNumber.objects.filter(sms_opted_out_at=None, unusable_since=None).earliest("pk")
    ReceivedText.objects.create(  # whom the night does not keep from being answered
        event=10**9, number=number, text="Hello?", at=timezone.now(), needs_reader=False
    )
    undo = import_a_visit(visit)
    page, wanted, told = f"/appointments/{visit.pk}", make_booking(visit), {"note": "Asked at the desk"}
    text = {"words": "Hello", "public_id": "abcdefghij"}
    begun, an_hour_ago = find_visit(besides=visit.pk), timezone.now() - timedelta(hours=1)
    set_times(begun, an_hour_ago, an_hour_ago + timedelta(minutes=30)).save()
    attendance = f"/appointments/{begun.pk}/attendance/"
    posted: list[tuple[str, str, dict[str, Any]]] = [
        ("book", "/appointments/book/", wanted),
        ("skip", f"/reminders/{reminder.pk}/skip/", {}),
        ("plan again", f"/reminders/{reminder.pk}/put-back/", {}),
        ("call now", f"/reminders/{reminder.pk}/call/", {}),
        ("confirm", f"{page}/confirm/", {}),
        ("cancel", f"{page}/cancel/", {}),
        ("reinstate", f"{page}/reinstate/", {}),
        ("move", f"{page}/move/", {**wanted, "at": "13:00", "save": "1"}),
        ("arrived", attendance, {"status": "arrived"}),
        ("put back to booked", attendance, {"status": "booked"}),
        ("take", f"/worklist/{entry.pk}/take/", {}),
        ("note", f"/worklist/{entry.pk}/note/", told),
        ("snooze", f"/worklist/{entry.pk}/snooze/", {"until": "tomorrow"}),
        ("wake", f"/worklist/{entry.pk}/wake/", {}),
        ("resolve", f"/worklist/{entry.pk}/resolve/", {**told, "how": "done"}),
        ("write a text", f"/texts/{number.pk}/send/", text),
        ("undo an import", undo, {"token": find_value(admin.get(undo).content.decode(), "token")}),
    ]
    admin.get("/worklist/")
    counts = {}
    for name, address, data in posted:
        with CaptureQueriesContext(connection) as queries:
            answer = admin.post(address, data)
        if answer.status_code == 422:  # it asks before; then everything is confirmed
            data |= read_questions(answer.content.decode())
            with CaptureQueriesContext(connection) as queries:
                answer = admin.post(address, data)
        assert answer.status_code in (302, 303), name
        counts[name] = count_queries(queries)
    assert counts.keys() == DEEDS.keys()
    assert {name: count for name, count in counts.items() if count > DEEDS[name]} == {}


def import_a_visit(visit: Appointment) -> str:
    """Of two people, at the location of `visit`; the address at which the import is undone."""
    when = f"{timezone.now() + timedelta(days=9):%m/%d/%Y}"
    import_rows(*(row | {"location": visit.location.name, "date": when} for row in (AISHA, NOAH)))
    batch = ImportBatch.objects.latest("pk")
    plan_appointments(list(batch.appointments.values_list("pk", flat=True)))
    return f"/imports/{batch.pk}/undo/"


def read_questions(page: str) -> dict[str, Any]:
    return {"about": find_value(page, "about"), "confirm": re.findall(r'name="confirm" value="(\w+)"', page)}


def find_value(page: str, name: str) -> str:
    """The value of the field of this name, which the page has."""
    found = re.search(rf'name="{name}" value="([^"]+)"', page)
    assert found, page
    return found[1]
