"""What is old goes at night, a little at a time; what counts, is open or disputed stays (product rule 64)."""

import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.db.models import ProtectedError
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.translation import gettext_lazy
from pytest_django import Settings

from config.checks import check_settings
from contacts.consent_ledger import find_consent_differences, ledger_open
from contacts.models import (
    Appointment,
    AppointmentChange,
    AuditEntry,
    ConsentEntry,
    Contact,
    ContactMerge,
    ErasedOptOut,
    ImportBatch,
    ImportedRecords,
    NumberLook,
    PhoneNumber,
    RejectedRow,
)
from contacts.optouts import record_optin, record_optout
from contacts.roles import MANAGER
from contacts.undoing import UndoRefused, read_undoable
from reminders.desk.erasing import erase_person
from reminders.models import CallCount, CallRecord, EvidenceHold, FollowUp, Reminder, ResultCount, VisitCount
from reminders.reports.counting import count_marked, read_frozen, rebuild_counts
from tests.office import make_call, make_event
from tests.people import make_contact, make_due_reminder, make_location, make_number, make_user
from webhooks.models import RetentionRun, WebhookEvent
from webhooks.retention import sweep as retention_sweep
from webhooks.retention.events import find_old_events
from webhooks.retention.imports import MOST_DETAILS, delete_details
from webhooks.retention.sweep import sweep, sweep_if_due, try_sweep
from webhooks.retention.table import KINDS, OTHERWISE, RetentionKind

pytestmark = pytest.mark.django_db
YEARS_6 = timedelta(days=6 * 365)
NIGHT = datetime(2026, 7, 14, 6, 30, tzinfo=UTC)  # 2:30 in New York


def run_now() -> dict[str, int]:
    run = RetentionRun.objects.create(begun_at=timezone.now())
    sweep(run)
    run.refresh_from_db()
    assert run.ended_at
    counts: dict[str, int] = run.counts
    return counts


def make_old_visit(
    name: str = "Sarah", *, number: str = "+12025550100", age: timedelta = YEARS_6
) -> CallRecord:
    """A visit of years ago that was called about and confirmed by key, and then kept."""
    at = timezone.now() - age
    reminder = make_due_reminder(make_contact(name, number=number))
    visit = reminder.appointment
    Reminder.objects.filter(pk=reminder.pk).update(state="done", reason="reached")
    Appointment.objects.filter(pk=visit.pk).update(
        starts_at=at, ends_at=at + timedelta(minutes=30), local_start=at.replace(tzinfo=None),
        status="arrived", answer="confirmed", answer_revision=visit.revision,
    )  # fmt: skip
    AppointmentChange.objects.filter(appointment=visit).delete()
    AppointmentChange.objects.create(
        appointment=visit, what="confirmed", revision=visit.revision, how="key_1", starts_after=at,
        at=at - timedelta(days=1),
    )  # fmt: skip
    submitted = at - timedelta(days=1, minutes=1)
    call = make_call(reminder, state="answered", key_pressed="1", submitting_at=submitted, ended_at=submitted)
    make_event(call, state="applied")
    WebhookEvent.objects.filter(call=call).update(received_at=submitted)
    return call


# --- the table -------------------------------------------------------------------------------------


def test_every_table_of_ours_has_its_place_in_the_table() -> None:
    placed = {label for kind in (*KINDS, *OTHERWISE) for label in kind.tables}
    ours = {
        model._meta.label for app in ("contacts", "reminders", "webhooks")
        for model in apps.get_app_config(app).get_models()
    }  # fmt: skip
    assert ours - placed == set()
    assert placed - ours == {"admin.LogEntry", "sessions.Session"}
    assert len({kind.code for kind in KINDS}) == len(KINDS)


@pytest.mark.parametrize(
    ("name", "days", "is_refused"),
    [
        ("KEEP_CONSENT_DAYS", 1825, True),
        ("KEEP_CONSENT_DAYS", 1826, False),
        ("KEEP_CONSENT_DAYS", 0, False),
        ("KEEP_CONSENT_DAYS", -1, True),
        ("KEEP_EVENT_DAYS", 30, True),
        ("KEEP_EVENT_DAYS", 31, False),
        ("KEEP_VISIT_DAYS", 10, True),
    ],
)
def test_a_time_that_is_too_short_is_refused(
    settings: Settings, name: str, days: int, is_refused: bool
) -> None:
    setattr(settings, name, days)
    assert (any(error.id == "callboard.E030" for error in check_settings(None))) == is_refused


# --- events ----------------------------------------------------------------------------------------


def test_old_events_go_but_not_those_that_wait_or_are_disputed() -> None:
    old = timezone.now() - timedelta(days=91)
    calls = [
        make_call(make_due_reminder(make_contact(name, number=f"+1202555010{place}")), state=state)
        for place, (name, state) in enumerate(
            [("Ann", "answered"), ("Ben", "submitted"), ("Cem", "answered")]
        )
    ]
    states = ["applied", "dismissed", "quarantined", "failed", "stored", "unverified"]
    events = {state: make_event(calls[0], state=state) for state in states}
    events |= {
        "open call": make_event(calls[1], state="applied"),
        "held": make_event(calls[2], state="applied"),
    }
    WebhookEvent.objects.update(received_at=old)
    events["young"] = make_event(calls[0], state="applied")
    EvidenceHold.objects.create(call=calls[2], reason="complaint", by=make_user("lou"), at=old)
    assert try_sweep().counts["events"] == 2
    assert run_now()["events"] == 2
    left = set(WebhookEvent.objects.values_list("pk", flat=True))
    gone = {name for name, event in events.items() if event.pk not in left}
    assert gone == {"applied", "dismissed"}


def test_of_ten_million_young_events_a_night_reads_none() -> None:
    """All were read to find that none is old: again at each tick, and before anything else could go."""
    call = make_call(make_due_reminder(), state="answered")
    events = [make_event(call, state="applied") for _ in range(3)]
    ages = (
        timedelta(days=91),
        timedelta(days=-3),
        timedelta(days=89),
    )  # the second by a clock that was ahead
    for event, age in zip(events, ages, strict=True):
        WebhookEvent.objects.filter(pk=event.pk).update(received_at=timezone.now() - age)
    found = find_old_events(timezone.now() - timedelta(days=90))
    assert [event.pk for event in found] == [events[0].pk]
    assert f'"id" < {events[2].pk}' in str(found.query), "those from the first young one on aren't looked at"


# --- visits, and their figures ---------------------------------------------------------------------


def read_figures() -> list[list[Any]]:
    return [
        sorted(str(row) for row in model._default_manager.order_by().values_list("day", "count"))
        for model in (CallCount, VisitCount, ResultCount)
    ]


def test_an_old_visit_goes_with_all_that_hangs_on_it_and_reports_keep_their_figures() -> None:
    make_old_visit()
    make_old_visit("Tom", number="+12025550101", age=timedelta(days=400))
    count_marked()
    before = read_figures()
    assert all(len(rows) >= 2 for rows in before), "else the test would show nothing"
    assert run_now()["visits"] == 1
    assert [visit.contact.first_name for visit in Appointment.objects.all()] == ["Tom"]
    assert (CallRecord.objects.count(), Reminder.objects.count(), AppointmentChange.objects.count()) == (
        1,
        1,
        1,
    )
    count_marked()
    assert read_figures() == before, "the marks of what was deleted count nothing away"
    rebuild_counts()
    assert read_figures() == before, "nor does counting everything again"
    Contact.objects.get(first_name="Tom").appointments.get().location.__class__.objects.update(
        time_zone="America/Chicago"
    )
    count_marked()
    assert sum(row.count for row in CallCount.objects.all()) == 2


KEPT: list[tuple[str, Any]] = [
    ("a call without a result", lambda call: CallRecord.objects.filter(pk=call.pk).update(state="unknown")),
    ("an open reminder", lambda call: Reminder.objects.update(state="planned")),
    ("a recent change", lambda call: AppointmentChange.objects.update(at=timezone.now())),
    (
        "an open entry of the worklist",
        lambda call: FollowUp.objects.create(
            kind="missed", contact=call.reminder.appointment.contact, appointment=call.reminder.appointment,
            due_at=timezone.now(),
        ),
    ),
    ("an event that waits", lambda call: WebhookEvent.objects.update(state="quarantined")),
    (
        "evidence under hold",
        lambda call: EvidenceHold.objects.create(
            call=call, reason="x", by=make_user("lou"), at=timezone.now()
        ),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("what", "change"), KEPT, ids=[what for what, _ in KEPT])
def test_what_is_open_or_disputed_keeps_an_old_visit(what: str, change: Any) -> None:
    call = make_old_visit()
    change(call)
    assert "visits" not in run_now()
    assert CallRecord.objects.filter(pk=call.pk).exists()


def test_after_a_hold_has_ended_the_visit_goes_and_an_erasure_is_possible(office: Client, sam: User) -> None:
    call = make_old_visit()
    form = {"call": str(call.pk), "reason": "Ms Lind's complaint"}
    office.post("/admin/reminders/evidencehold/add/", form)
    hold = EvidenceHold.objects.get()
    assert (hold.call, hold.by) == (call, sam)
    with pytest.raises(ValueError, match="kept for a dispute"):
        erase_person(call.reminder.appointment.contact_id, by=sam)
    office.post("/admin/reminders/evidencehold/", {"action": "end_hold", "_selected_action": [str(hold.pk)]})
    assert run_now()["visits"] == 1


def test_a_call_for_a_household_goes_only_with_all_its_visits() -> None:
    call = make_old_visit()
    young = make_due_reminder(make_contact("Ben", number="+12025550101"))
    call.companions.create(reminder=young)
    assert "visits" not in run_now()
    old = make_old_visit("Mia", number="+12025550103")
    call.companions.all().delete()
    call.companions.create(reminder=old.reminder)
    FollowUp.objects.create(
        kind="missed", contact=old.reminder.appointment.contact, appointment=old.reminder.appointment,
        call=call, due_at=timezone.now(), state="resolved", resolved_at=timezone.now(),
    )  # fmt: skip
    assert run_now()["visits"] == 2


# --- the ledger, looks, lists, people --------------------------------------------------------------


def test_an_opt_out_in_force_stays_however_old_and_what_nothing_rests_on_goes() -> None:
    old = timezone.now() - YEARS_6
    user = make_user("rosa")
    numbers = [make_number(f"+1202555010{place}") for place in range(4)]
    for number in numbers:
        record_optout(number.pk, scope="all", source="staff", at=old, evidence="by letter")
    record_optin(numbers[1].pk, scope="all", evidence="asked", by=user, at=old)
    record_optin(numbers[2].pk, scope="sms", evidence="asked", by=user, at=old)
    record_optin(numbers[3].pk, scope="all", evidence="asked", by=user, at=timezone.now())
    assert try_sweep().counts["consent"] == 3
    assert run_now()["consent"] == 3
    left = {number.e164[-1]: number.consent_entries.count() for number in PhoneNumber.objects.all()}
    assert left == {"0": 1, "1": 0, "2": 2, "3": 1}, "a number goes with the next sweep at the earliest"
    assert list(find_consent_differences()) == []


def test_the_ledger_the_looks_and_the_trail_let_only_the_sweep_through() -> None:
    old = timezone.now() - YEARS_6
    user, number = make_user("rosa"), make_number()
    NumberLook.objects.create(number=number, by=user, day=old.date(), at=old)
    AuditEntry.objects.create(at=old, kind="look", what="contact", by=user)
    NumberLook.objects.create(number=number, by=user, day=timezone.now().date(), at=timezone.now())
    for rows in (NumberLook.objects.all(), AuditEntry.objects.all()):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            rows.delete()
    counts = run_now()
    assert (counts["number_looks"], counts["audit"]) == (1, 1)
    assert NumberLook.objects.count() == 1
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        NumberLook.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('callboard.ledger_open', true)")
        assert cursor.fetchone()[0] != "on"


def test_lists_sessions_people_and_numbers_go_and_a_no_stays() -> None:
    old = timezone.now() - YEARS_6
    batch = ImportBatch.objects.create(
        file_name="x.csv", sha256="", source="pms", state="done", made_at=old, applied_at=old
    )
    waiting = ImportBatch.objects.create(
        file_name="y.csv", sha256="", source="pms", state="asking", made_at=old
    )
    for each in (batch, waiting):
        RejectedRow.objects.create(batch=each, line=2, cells=["Sarah"], problem="x")
    Session.objects.create(session_key="a", session_data="", expire_date=old)
    Session.objects.create(session_key="b", session_data="", expire_date=timezone.now() + timedelta(days=1))
    plain = make_contact("Ann", number="+12025550101")
    make_contact("Never", number="+12025550102", preferred_channel="never")
    make_contact("No", number="+12025550103")
    record_optout(make_number("+12025550103").pk, scope="all", source="staff", at=old)
    ErasedOptOut.objects.create(digest="x" * 64, voice_opted_out_at=old)
    make_due_reminder(make_contact("Visit", number="+12025550104"))
    merged = make_contact("Merged", number="+12025550105")
    ContactMerge.objects.create(survivor=merged, merged_id=99, was={"first_name": "Ida"}, at=old)
    Contact.objects.update(created_at=old, updated_at=old)
    PhoneNumber.objects.update(created_at=old)
    run_now()
    assert list(RejectedRow.objects.values_list("batch", flat=True)) == [waiting.pk]
    assert ImportBatch.objects.filter(pk=batch.pk).exists()
    assert list(Session.objects.values_list("session_key", flat=True)) == ["b"]
    assert not Contact.objects.filter(pk=plain.pk).exists()
    assert set(Contact.objects.values_list("first_name", flat=True)) == {"Never", "Visit"}
    assert not ContactMerge.objects.exists(), "what the other one was called goes with the survivor"
    assert not PhoneNumber.objects.filter(e164="+12025550101").exists()
    assert PhoneNumber.objects.get(e164="+12025550103").voice_opted_out_at
    assert ErasedOptOut.objects.exists()


def test_for_ever_is_for_ever(settings: Settings) -> None:
    settings.KEEP_EVENT_DAYS = settings.KEEP_VISIT_DAYS = 0
    make_old_visit()
    assert run_now() == {}
    assert (WebhookEvent.objects.count(), Appointment.objects.count()) == (1, 1)


# --- how it goes about it --------------------------------------------------------------------------


def test_it_begins_at_night_once_and_goes_on_where_it_stopped() -> None:
    make_location("Alder", time_zone="America/New_York")
    make_old_visit()
    first = sweep_if_due(NIGHT)
    assert first is not None
    assert first.ended_at
    assert not Appointment.objects.exists()
    assert sweep_if_due(NIGHT + timedelta(minutes=5)) is None, "once a night"
    RetentionRun.objects.update(begun_at=NIGHT, ended_at=None)
    assert sweep_if_due(NIGHT + timedelta(hours=9)) == first, "what isn't done goes on, by day too"
    RetentionRun.objects.update(begun_at=NIGHT, ended_at=NIGHT)
    assert sweep_if_due(NIGHT + timedelta(hours=20)) is None, "by day it doesn't begin"
    assert sweep_if_due(NIGHT + timedelta(hours=24)) != first
    RetentionRun.objects.update(begun_at=NIGHT, ended_at=NIGHT)
    assert sweep_if_due(NIGHT + timedelta(hours=44)) is not None, "unless two nights were missed"


def test_a_sweep_that_is_stopped_goes_on_later() -> None:
    make_old_visit()
    run = RetentionRun.objects.create(begun_at=timezone.now())
    sweep(run, stop_at=0.0)
    run.refresh_from_db()
    assert (run.ended_at, run.counts, Appointment.objects.count()) == (None, {}, 1)
    sweep(run)
    assert (run.counts["visits"], Appointment.objects.count()) == (1, 0)


def test_a_list_with_many_changes_goes_in_small_transactions_and_is_not_half_undone_meanwhile() -> None:
    old = timezone.now() - YEARS_6
    lists = [
        ImportBatch.objects.create(
            file_name=f"{name}.csv", sha256="", source="pms", state="done", made_at=old, applied_at=old
        )
        for name in "xy"
    ]
    for each in lists:
        ImportedRecords.objects.create(batch=each, at=old)
        ImportedRecords.objects.create(batch=each, at=old)
        RejectedRow.objects.bulk_create(
            RejectedRow(batch=each, line=line, cells=["Sarah"], problem="x") for line in range(1300)
        )
    assert try_sweep().counts["imports"] == 2604, "as many as a sweep would count"
    read_undoable(lists[0])
    assert delete_details([each.pk for each in lists]) == MOST_DETAILS
    assert RejectedRow.objects.filter(batch=lists[1]).count() == 1300, "one list after the other"
    with pytest.raises(UndoRefused):
        read_undoable(lists[0])
    assert run_now()["imports"] == 2604 - MOST_DETAILS
    assert not RejectedRow.objects.exists()


def test_two_ticks_that_overlap_lose_no_count() -> None:
    make_old_visit()
    first = RetentionRun.objects.create(begun_at=timezone.now())
    second = RetentionRun.objects.get()
    sweep(first)
    make_old_visit("Tom", number="+12025550101")
    sweep(second)
    assert RetentionRun.objects.get().counts["visits"] == 2


@pytest.mark.django_db(transaction=True)
def test_two_ticks_at_the_same_moment_begin_one_run() -> None:
    make_location("Alder", time_zone="America/New_York")
    together = Barrier(4)

    def tick() -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
            together.wait(timeout=30)
            sweep_if_due(NIGHT)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(tick) for _ in range(4)]:
            done.result(timeout=60)
    assert RetentionRun.objects.count() == 1


def test_the_command_counts_and_deletes() -> None:
    make_old_visit()
    out = io.StringIO()
    call_command("delete_old_data", "--dry-run", stdout=out)
    assert "Nothing was deleted" in out.getvalue()
    assert Appointment.objects.count() == 1
    call_command("delete_old_data", stdout=out)
    assert Appointment.objects.count() == 0
    assert (
        "1  Appointments with their reminders, calls, stories and worklist (kept for 1827 days)"
        in out.getvalue()
    )


def test_the_page_says_how_long_what_went_and_what_would(client: Client) -> None:
    make_old_visit()
    try_sweep()
    run_now()
    client.force_login(make_user(role=MANAGER))
    with CaptureQueriesContext(connection) as queries:
        page = client.get("/settings/retention/").content.decode()
    assert len(queries) <= 12, [query["sql"] for query in queries]
    for words in ("The consent ledger", "5 years", "90 days", "until it ends", "The last trial"):
        assert words in page, words


@pytest.mark.django_db(transaction=True)
def test_rows_that_somebody_is_using_are_passed_over_and_nobody_waits() -> None:
    busy, free = make_old_visit(), make_old_visit("Tom", number="+12025550101")

    def sweep_beside() -> dict[str, int]:
        try:
            return run_now()
        finally:
            connection.close()

    with transaction.atomic():
        Appointment.objects.select_for_update(no_key=True).get(pk=busy.reminder.appointment_id)
        with ThreadPoolExecutor(1) as threads:
            assert threads.submit(sweep_beside).result(timeout=30)["visits"] == 1
    left = Appointment.objects.values_list("pk", flat=True)
    assert list(left) == [busy.reminder.appointment_id]
    assert free.reminder.appointment_id not in left


def test_a_row_to_which_something_refers_keeps_no_other_row(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [make_contact(f"Ann {number}", number=None) for number in range(7)]
    referred = rows[4].pk

    def delete(ids: Sequence[int]) -> int:
        if referred in ids:
            raise ProtectedError("something refers to it", {rows[4]})
        return Contact.objects.filter(pk__in=ids).delete()[0]

    kind = RetentionKind(
        "rows",
        gettext_lazy("Rows"),
        "",
        lambda _: Contact.objects.all(),
        ("contacts.Contact",),
        delete=delete,
    )
    monkeypatch.setattr(retention_sweep, "KINDS", (kind,))
    assert run_now() == {"rows": 6}
    assert Contact.objects.get().pk == referred


def test_an_old_visit_goes_though_a_settled_entry_about_another_one_names_its_reminder() -> None:
    old, now = make_old_visit().reminder, timezone.now()
    young = make_due_reminder(make_contact("Ann", number="+12025550109")).appointment
    about = {"contact": young.contact, "appointment": young, "reminder": old}
    FollowUp.objects.create(kind="missed", state="resolved", due_at=now, resolved_at=now, **about)
    assert run_now()["visits"] == 1
    assert FollowUp.objects.get().reminder is None


def test_frozen_days_are_before_the_end_by_every_clock() -> None:
    with ledger_open():
        run_now()
    assert read_frozen() > date(2020, 1, 1)
    assert ConsentEntry.objects.count() == 0
