"""Undoing an import: all of it that nobody was told of, and nothing else (product rules 3, 9, 29, 41 and 45).

What was sent, said or changed since stays and is listed; the same list, or a corrected one, can be imported
again afterwards.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, time, timedelta
from threading import Barrier
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contacts.appointments import (
    book_appointment,
    cancel_appointment,
    change_kind,
    lock_appointments,
    move_appointment,
    record_answer,
)
from contacts.clock_habits import write_day_and_clock
from contacts.imports.leases import lock_import_writes
from contacts.imports.stored_files import queue_import, retry_import
from contacts.imports.three_way import REPORTED
from contacts.models import (
    Appointment,
    AppointmentChange,
    Contact,
    DistinctPair,
    ImportBatch,
    ImportChange,
    ImportFile,
    ImportPart,
    KeptByUndo,
    Location,
    OverwrittenValues,
    PhoneNumber,
    Provider,
)
from contacts.optouts import record_optout
from contacts.undoing import UndoRefused
from reminders.desk.bookings import confirm_by_staff
from reminders.desk.erasing import erase_person
from reminders.desk.import_undo import preview_undo, undo_import
from reminders.desk.merging import merge_and_plan
from reminders.desk.reported_bookings import PutBooking, put_booking
from reminders.desk.reported_values import ReportedBooking
from reminders.desk.worklist import take_follow_up
from reminders.dispatch.claims import claim_due
from reminders.dispatch.opening import open_calls
from reminders.lifecycle.follow_ups import open_follow_up
from reminders.models import FollowUp, Reminder
from reminders.pages.sentences import describe_change
from reminders.planning.editing import prepare_edit
from reminders.planning.planner import plan_all, plan_appointments
from reminders.results.unanswered import account_for_all
from tests.contacts.imports.example_lists import AISHA, NOAH, import_rows, make_downtown, only_appointment
from tests.office import make_call
from tests.people import make_appointment, make_contact, make_number, make_step, make_user, zone_at_noon
from tests.reminders.api.client import ApiClient
from tests.reminders.desk.test_merging import import_double, merge, read_plan
from tests.reminders.desk.test_worklist_locks import wait_until_somebody_waits

pytestmark = pytest.mark.django_db
at_once = pytest.mark.django_db(transaction=True)
LATER = {"date": "12/16/2026", "time": "11:00 AM"}
Values = dict[str, Any]


def read_practice() -> dict[str, list[Values]]:
    """Contacts and appointments by their values, without keys that only the database gives."""
    people = [
        {
            "name": one.full_name,
            "language": one.language,
            "wish": one.preferred_channel,
            "numbers": [number.e164 if number else "" for number in (one.phone, one.other_phone)],
            "id": (one.source, one.external_id),
            "memory": one.file_values,
        }
        for one in Contact.objects.select_related("phone", "other_phone")
    ]
    visits = [
        {
            "patient": (one.contact.full_name, one.contact.external_id),
            "time": (one.local_start, one.fold, one.starts_at, one.ends_at),
            "where": (one.location.name, one.provider.name if one.provider else ""),
            "kind": one.kind,
            "status": one.status,
            "answer": one.current_answer,
            "id": (one.source, one.external_id),
            "memory": one.file_values,
        }
        for one in Appointment.objects.select_related("contact", "location", "provider")
    ]
    return {"people": sorted(people, key=str), "visits": sorted(visits, key=str)}


def last_batch() -> ImportBatch:
    return ImportBatch.objects.latest("pk")


def undo(batch: ImportBatch | None = None) -> list[tuple[str, str]]:
    """Undo the batch, by default the last; what stayed, with why."""
    batch = batch or last_batch()
    by = User.objects.first() or make_user("manager")
    undo_import(batch.pk, token=preview_undo(ImportBatch.objects.get(pk=batch.pk)).token, by=by)
    return list(batch.kept.order_by("what", "why").values_list("what", "why"))


@pytest.fixture(autouse=True)
def downtown() -> Location:
    return make_downtown()


# --- what goes back ---------------------------------------------------------------------------------


def test_the_undo_of_a_list_by_the_other_id_forgets_what_it_said() -> None:
    _own, double, aisha, copy = import_double("(202) 555-0109")
    merge(aisha, copy)
    before = Contact.objects.values_list("phone__e164", "file_values").get()
    new_double = double | {"mobile": "202-555-0177"}
    import_rows(new_double)
    assert undo() == []
    assert Contact.objects.values_list("phone__e164", "file_values").get() == before
    reported = {**before[1], "csv": before[1]["csv"] | {REPORTED: "yes"}}  # by the API, before the next list
    Contact.objects.update(file_values=reported)
    import_rows(new_double)
    assert undo() == []
    assert Contact.objects.values_list("phone__e164", "file_values").get() == (before[0], reported)
    import_rows(new_double)
    assert Contact.objects.values_list("phone__e164", flat=True).get() == "+12025550177"


# What a second list changes of Aisha's row; each is put back, and the same list imports it again.
CHANGES: list[dict[str, str]] = [
    LATER,
    {"location": "Uptown"},
    {"minutes": "45"},
    {"provider": "Dr. B. New"},
    {"provider": "Dr. B. New", **LATER},
    {"kind": "Filling"},
    {"status": "Cancelled"},
    {"status": "No show"},
    {"first": "Aysha"},
    {"last": "Okafor-Reed", "first": "Aysha"},
    {"mobile": "(202) 555-0177"},
    {"home": "(202) 555-0178"},
    {"mobile": "(202) 555-0177", **LATER},
    {"language": "Spanish"},
    {"language": "Spanish", "status": "Cancelled", "first": "Aysha"},
    {"id": "A9"},
    {"patient": "P9"},
    {"id": "A9", "patient": "P9", **LATER},
]


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_what_a_list_changed_goes_back_and_the_same_list_changes_it_again(change: dict[str, str]) -> None:
    make_downtown(name="Uptown")
    import_rows(AISHA, NOAH)
    before = read_practice()
    import_rows(AISHA | change, NOAH)
    after = read_practice()
    assert after != before
    assert undo() == ([("provider", "unused")] if "provider" in change else [])
    assert read_practice() == before
    report = import_rows(AISHA | change, NOAH)
    assert read_practice() == after, report.problems


def test_a_first_list_is_removed_with_its_people_numbers_and_reminders() -> None:
    make_step()
    import_rows(AISHA | {"location": "New Place"}, NOAH, time_zone="America/New_York")
    plan_all()
    assert Reminder.objects.exists()
    assert set(undo()) == {("location", "unused"), ("provider", "unused")}
    for model in (Appointment, Contact, PhoneNumber, Reminder, AppointmentChange, OverwrittenValues):
        assert not model.objects.exists(), model
    batch = last_batch()
    assert (batch.undone_at is not None, batch.undone_by) == (True, User.objects.get())
    assert Location.objects.filter(name="New Place").exists()
    assert Provider.objects.exists()
    import_rows(AISHA | {"location": "New Place"}, NOAH)
    assert Appointment.objects.count() == 2


def test_a_corrected_list_can_be_imported_after_the_undo() -> None:
    import_rows(AISHA)
    import_rows(AISHA | LATER | {"first": "Asha"})
    undo()
    report = import_rows(AISHA | {"time": "2:00 PM", "first": "Ayesha"})
    assert (report.counts["moved"], report.counts["contacts_updated"]) == (1, 1)
    assert (only_appointment().local_start.hour, only_appointment().contact.first_name) == (14, "Ayesha")


def test_a_visit_that_is_booked_again_by_a_list_is_cancelled_again() -> None:
    import_rows(AISHA | {"status": "Cancelled"})
    before = read_practice()
    import_rows(AISHA | LATER)
    assert only_appointment().status == "booked"
    assert undo() == []
    assert read_practice() == before


def test_two_ids_that_a_list_exchanged_are_exchanged_back() -> None:
    import_rows(AISHA | {"id": ""}, NOAH | {"id": "", "time": "3:00 PM"})
    one, two = Appointment.objects.order_by("pk")
    before = read_practice()
    import_rows(AISHA | {"id": "X1"}, NOAH | {"id": "X2", "time": "3:00 PM"})
    batch = last_batch()
    Appointment.objects.filter(pk=one.pk).update(external_id="")
    Appointment.objects.filter(pk=two.pk).update(external_id="X1")
    Appointment.objects.filter(pk=one.pk).update(external_id="X2")
    # as if the list had exchanged them: each has what the other had before
    for row in OverwrittenValues.objects.filter(batch=batch, appointment__isnull=False):
        ids = {one.pk: ("X1", "X2"), two.pk: ("X2", "X1")}[row.appointment_id or 0]
        row.before["external_id"], row.after["external_id"] = ids
        row.before["source"] = row.after["source"] = "csv"
        row.save()
    undo()
    assert dict(Appointment.objects.values_list("pk", "external_id")) == {one.pk: "X1", two.pk: "X2"}
    assert len(before["visits"]) == 2


def test_a_former_id_that_another_record_has_now_is_not_taken_from_it() -> None:
    import_rows(AISHA, NOAH)
    import_rows(AISHA | {"patient": "P9"}, NOAH | LATER)
    aisha = only_appointment().contact
    assert aisha.external_id == "P9"
    make_contact("Omar", number=None, source="csv", external_id="P1")
    assert undo() == [("contact", "id_taken")]
    aisha.refresh_from_db()
    assert (aisha.external_id, only_appointment("A2").local_start.day) == ("P9", 15)


def test_appointments_given_to_another_record_of_the_patient_are_given_back() -> None:
    import_rows(AISHA, NOAH)
    owner = only_appointment().contact
    before = read_practice()
    import_rows(AISHA | {"patient": "P7", "mobile": "(202) 555-0101"})
    given = only_appointment().contact
    if given.pk == owner.pk:
        assert given.external_id == "P7"
    assert undo() == []
    assert only_appointment().contact_id == owner.pk
    assert read_practice() == before


def test_a_visit_given_to_a_new_record_goes_back_and_the_record_is_removed() -> None:
    """The practice system has merged two records: What.MERGED."""
    twin = AISHA | {"id": "A3", "patient": "P3", "date": "12/17/2026"}
    import_rows(AISHA, twin | {"mobile": "202-555-0155"})
    before = read_practice()
    import_rows(AISHA, twin | {"patient": "P1", "mobile": "(202) 555-0101"})
    assert ImportChange.objects.filter(what="merged").exists()
    assert only_appointment("A3").contact.external_id == "P1"
    assert undo() == []
    assert read_practice() == before


def test_a_wall_time_that_occurs_twice_goes_back_to_the_same_one(downtown: Location) -> None:
    import_rows(AISHA | {"date": "11/07/2027", "time": "1:30 AM"})
    visit = only_appointment()
    Appointment.objects.filter(pk=visit.pk).update(
        fold=1, starts_at=visit.starts_at + timedelta(hours=1), ends_at=visit.ends_at + timedelta(hours=1)
    )
    before = read_practice()
    import_rows(AISHA | {"date": "11/07/2027", "time": "9:00 AM"})
    undo()
    assert read_practice() == before


def test_a_location_whose_zone_was_corrected_since_keeps_the_wall_time() -> None:
    """(product rule 27)"""
    import_rows(AISHA)
    import_rows(AISHA | LATER)
    Location.objects.update(time_zone="America/Chicago")
    Appointment.objects.update(time_zone="America/Chicago")
    undo()
    visit = only_appointment()
    assert (f"{visit.local_start:%Y-%m-%d %H:%M}", visit.time_zone) == ("2026-12-15 09:30", "America/Chicago")
    assert visit.starts_at.hour == 15


# --- reminders --------------------------------------------------------------------------------------


def test_a_visit_that_is_put_back_is_planned_again_and_nothing_due_before_is_sent_late() -> None:
    """(product rule 29)"""
    soon = timezone.now() + timedelta(hours=2)  # the step is due four hours before, so two hours ago
    visit = make_appointment(
        make_contact(source="csv", external_id="P1"), starts_at=soon, source="csv", external_id="A1"
    )
    local = visit.local_start + timedelta(days=1)
    make_step()
    plan_appointments([visit.pk])
    import_rows(
        AISHA
        | {
            "first": "Sarah", "last": "Lindqvist", "mobile": "202-555-0100", "provider": "Dr. S. Chen",
            "date": f"{local:%m/%d/%Y}", "time": f"{local:%I:%M %p}",
        }
    )  # fmt: skip
    assert visit.reminders.count() == 1
    undo()
    visit.refresh_from_db()
    assert visit.starts_at.replace(second=0, microsecond=0) == soon.replace(second=0, microsecond=0)
    newest = visit.reminders.get(revision=visit.revision)
    assert (newest.state, newest.reason) == ("skipped", "before_filters")
    assert not Reminder.objects.filter(state="planned").exists()


def test_a_cancellation_that_is_undone_plans_new_reminders_for_what_is_ahead() -> None:
    make_step(elapsed=timedelta(days=1))
    import_rows(AISHA)
    plan_all()
    import_rows(AISHA | {"status": "Cancelled"})
    plan_all()
    assert [one.state for one in Reminder.objects.all()] == ["withdrawn"]
    undo()
    visit = only_appointment()
    assert [one.state for one in visit.reminders.order_by("revision")] == ["withdrawn", "planned"]
    story = visit.changes.filter(what="reinstated")
    assert [describe_change(one).partition(", by ")[2] for one in story] == ["undoing an import."]


@pytest.mark.parametrize("change", [LATER, {"location": "Uptown"}, {"status": "Cancelled"}], ids=str)
@pytest.mark.parametrize("answer", ["confirmed", "wants_another_time"])
def test_an_answer_that_a_list_made_void_counts_again_after_its_undo(
    change: dict[str, str], answer: str
) -> None:
    """Nobody was told of what the list said, so nobody is asked again; what was on the worklist is again."""
    make_downtown(name="Uptown")
    make_step(elapsed=timedelta(days=3))
    day = {"date": f"{timezone.now() + timedelta(days=20):%m/%d/%Y}"}
    import_rows(AISHA | day)
    plan_all()
    record_answer(only_appointment().pk, answer, revision=1, at=timezone.now(), how="key_1")
    if answer == "wants_another_time":
        open_follow_up("wants_another_time", reminder=Reminder.objects.get())
    open_follow_up("late_answer", reminder=Reminder.objects.get())
    waiting = list_open_follow_ups()
    before = read_practice()
    import_rows(AISHA | day | change)
    plan_all()
    account_for_all()
    undo()
    account_for_all()
    assert read_practice() == before
    assert only_appointment().current_answer == answer
    assert list_open_follow_ups() == waiting


@pytest.mark.parametrize("has_left", [False, True])
def test_an_entry_that_somebody_had_taken_before_the_list_closed_it_is_theirs_again(has_left: bool) -> None:
    import_rows(AISHA)
    visit = only_appointment()
    entry = FollowUp.objects.create(
        kind="wants_another_time", contact=visit.contact, appointment=visit, due_at=timezone.now()
    )
    rosa = make_user("rosa")
    take_follow_up(entry.pk, by=rosa)
    before = read_practice()
    import_rows(AISHA | {"status": "Cancelled"})
    plan_all()
    account_for_all()
    assert FollowUp.objects.get().state == "resolved"
    User.objects.filter(pk=rosa.pk).update(is_active=not has_left)
    assert undo() == []
    assert read_practice() == before
    [kept] = FollowUp.objects.all()
    assert (kept.state, kept.taken_by) == (("open", None) if has_left else ("taken", rosa))


def list_open_follow_ups() -> list[str]:
    open_ones = FollowUp.objects.exclude(state="resolved")
    return sorted(open_ones.values_list("kind", flat=True))


# --- what stays -------------------------------------------------------------------------------------


def _call(visit: Appointment) -> None:
    make_step()
    plan_appointments([visit.pk])
    make_call(Reminder.objects.get(appointment=visit, revision=visit.revision), state="submitted")


def _companion(visit: Appointment) -> None:
    other = make_appointment(make_contact("Omar", number="+12025550199"), starts_at=visit.starts_at)
    _call(other)
    plan_appointments([visit.pk])
    call = other.reminders.get().calls.get()
    call.companions.create(reminder=Reminder.objects.get(appointment=visit, revision=visit.revision))


def _claim(visit: Appointment) -> None:
    make_step()
    plan_appointments([visit.pk])
    Reminder.objects.filter(appointment=visit).update(
        state="claimed", claim="7f1f7b3e-0000-4000-8000-000000000000", lease_until=timezone.now()
    )


def _confirm(visit: Appointment) -> None:
    confirm_by_staff(visit.pk, by=make_user("desk"))


def _take(visit: Appointment) -> None:
    FollowUp.objects.create(
        kind="nothing_follows", contact=visit.contact, appointment=visit, due_at=timezone.now(), note="Asked."
    )


def _move(visit: Appointment) -> None:
    start = visit.starts_at + timedelta(hours=2)
    move_appointment(visit.pk, starts_at=start, ends_at=start + timedelta(minutes=30), by=make_user("desk"))


def _move_there_and_back(visit: Appointment) -> None:
    _move(visit)
    move_appointment(visit.pk, starts_at=visit.starts_at, ends_at=visit.ends_at, by=User.objects.first())


def _cancel_by_api(visit: Appointment) -> None:
    cancel_appointment(visit.pk, how="api")


def _change_kind(visit: Appointment) -> None:
    change_kind(visit.pk, "Filling")


def _change_length(visit: Appointment) -> None:
    end = visit.starts_at + timedelta(minutes=45)
    move_appointment(visit.pk, starts_at=visit.starts_at, ends_at=end, by=make_user("desk"))


SINCE: list[tuple[Callable[[Appointment], None], str]] = [
    (_call, "sent"),
    (_companion, "sent"),
    (_claim, "sent"),
    (_confirm, "answered"),
    (_take, "worked_on"),
    (_move, "changed"),
    (_move_there_and_back, "changed"),
    (_cancel_by_api, "changed"),
    (_change_kind, "changed"),
    (_change_length, "changed"),
]


@pytest.mark.parametrize(("deed", "why"), SINCE)
def test_a_new_visit_that_something_was_done_for_stays_with_its_patient(
    deed: Callable[[Appointment], None], why: str
) -> None:
    import_rows(AISHA, NOAH)
    deed(only_appointment())
    kept = undo()
    assert ("appointment_added", why) in kept
    assert any(what == "contact_added" for what, _ in kept)
    assert set(Contact.objects.filter(source="csv").values_list("first_name", flat=True)) == {"Aisha"}
    assert set(Appointment.objects.filter(source="csv").values_list("external_id", flat=True)) == {"A1"}


# What the list changes, so that the deed is about something that it changed.
@pytest.mark.parametrize(
    ("deed", "why"), [pair for pair in SINCE if pair[0] not in (_change_kind, _change_length)]
)
def test_a_moved_visit_that_something_was_done_for_stays_moved(
    deed: Callable[[Appointment], None], why: str
) -> None:
    import_rows(AISHA, NOAH)
    import_rows(AISHA | LATER, NOAH | LATER)
    deed(only_appointment())
    assert ("appointment", why) in undo()
    assert only_appointment("A2").local_start.day == 15
    assert (only_appointment().local_start.day, last_batch().kept.get(what="appointment").about) == (
        16,
        f"{write_day_and_clock(only_appointment().local_start)}, Aisha Okafor, Downtown",
    )


@pytest.mark.parametrize("whose", ["patient", "provider"])
@pytest.mark.parametrize("change", [{"status": "Cancelled"}, LATER], ids=str)
def test_a_visit_does_not_go_back_to_a_time_that_was_booked_since(change: dict[str, str], whose: str) -> None:
    """(product rule 56) Neither is a patient called for two visits at once, nor do two come at one time."""
    import_rows(AISHA, NOAH | {"time": "3:00 PM"})
    visit = only_appointment()
    import_rows(AISHA | change, NOAH | {"time": "4:00 PM"})
    book_appointment(
        contact=visit.contact if whose == "patient" else make_contact("Omar", number="+12025550188"),
        location=visit.location,
        provider=visit.provider if whose == "provider" else None,
        starts_at=visit.starts_at + timedelta(minutes=15),
        ends_at=visit.ends_at + timedelta(minutes=15),
    )
    assert undo() == [("appointment", "changed")]
    assert only_appointment().status == ("cancelled" if "status" in change else "booked")
    assert only_appointment().local_start != visit.local_start or "status" in change
    assert only_appointment("A2").local_start.hour == 15


@pytest.mark.parametrize("stays", [False, True])
def test_a_visit_does_not_go_back_to_a_time_at_which_another_of_the_list_stays(stays: bool) -> None:
    """(product rule 56)"""
    import_rows(AISHA)
    import_rows(
        AISHA | LATER, NOAH | {name: AISHA[name] for name in ("date", "time", "provider", "location")}
    )
    if stays:
        _call(only_appointment("A2"))
    kept = {(one.what, one.why) for one in preview_undo(last_batch()).kept}
    if stays:
        assert kept >= {("appointment", "changed"), ("appointment_added", "sent")}
    else:
        assert undo() == []
        assert only_appointment().local_start.day == 15


def test_a_visit_goes_back_beside_one_that_was_there_at_its_time_before_the_list() -> None:
    noah = NOAH | {name: AISHA[name] for name in ("date", "time", "provider", "location")}
    import_rows(AISHA, noah)
    import_rows(AISHA | LATER, noah | {"kind": "Filling"})
    _call(only_appointment("A2"))
    assert undo() == [("appointment", "sent")]
    assert only_appointment().local_start.day == 15


def test_a_visit_does_not_go_back_to_a_provider_whom_another_of_the_list_keeps() -> None:
    """(product rule 56)"""
    import_rows(AISHA)
    noah = NOAH | {name: AISHA[name] for name in ("date", "time", "provider", "location")}
    import_rows(AISHA | {"provider": "Dr. B. New"}, noah)
    _call(only_appointment("A2"))
    assert ("appointment", "changed") in {(one.what, one.why) for one in preview_undo(last_batch()).kept}


def on_day(days: int) -> dict[str, str]:
    """What a row says of the day so many days ahead: a merge cancels only visits that are still to come."""
    return {"date": f"{timezone.now() + timedelta(days=days):%m/%d/%Y}"}


def list_ahead() -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """The rows of Aisha and Noah, and what moves them to the next day."""
    return AISHA | on_day(20), NOAH | on_day(20), on_day(21) | {"time": "11:00 AM"}


def book_by_hand(days: int, at: time, number: str = "+12025550155") -> Appointment:
    """Book Aisha so many days ahead, as a contact that no list knows."""
    hand = make_contact("Aisha", number=number, last_name="Okafor")
    location = Location.objects.get()
    start = datetime.combine((timezone.now() + timedelta(days=days)).date(), at, location.zone)
    return make_appointment(hand, location=location, starts_at=start)


def merge_and_cancel_copies(survivor: Contact, other: Contact) -> list[int]:
    copies = [one.copy.pk for one in read_plan(survivor, other).collisions]
    merge(survivor, other, cancelled=tuple(copies))
    return copies


def list_booked() -> set[str]:
    booked = Appointment.objects.filter(status="booked")
    return {f"{one.external_id} {one.local_start:%H:%M}".strip() for one in booked}


HALF_PAST_NINE = time(9, 30)


def test_a_new_visit_stays_if_the_same_one_was_cancelled_when_two_contacts_were_merged() -> None:
    """Otherwise the patient would have none, and nobody would see it."""
    aisha, noah, _ = list_ahead()
    hand = book_by_hand(20, HALF_PAST_NINE)
    import_rows(aisha, noah)
    assert merge_and_cancel_copies(only_appointment().contact, hand.contact) == [hand.pk]
    assert undo() == [("appointment_added", "merged"), ("contact_added", "merged")]
    assert list_booked() == {"A1 09:30"}


def test_a_new_visit_stays_if_its_answer_made_the_other_one_the_copy() -> None:
    aisha, noah, _ = list_ahead()
    hand = book_by_hand(20, HALF_PAST_NINE)
    import_rows(aisha, noah)
    visit = only_appointment()
    record_answer(visit.pk, "confirmed", revision=1, at=timezone.now(), how="key_1")
    Appointment.objects.filter(pk=visit.pk).update(answered_at=timezone.now() - timedelta(days=1))
    AppointmentChange.objects.filter(what="confirmed").delete()  # as if it had been known before the list
    assert merge_and_cancel_copies(hand.contact, visit.contact) == [hand.pk]
    assert undo() == [("appointment_added", "merged"), ("contact_added", "merged")]
    assert list_booked() == {"A1 09:30"}


def test_of_two_new_visits_of_one_time_the_one_that_a_merge_left_stays() -> None:
    aisha, noah, _ = list_ahead()
    import_rows(aisha, aisha | {"id": "A9", "patient": "P9", "mobile": "202-555-0109"}, noah)
    one, copy = Contact.objects.filter(first_name="Aisha").order_by("external_id")
    merge_and_cancel_copies(one, copy)
    kept = undo()
    assert ("appointment_added", "changed") in kept, "the copy"
    assert ("appointment_added", "merged") in kept
    assert list_booked() == {"A1 09:30"}


def test_a_visit_stays_where_a_list_moved_it_if_the_one_there_was_cancelled_by_a_merge() -> None:
    aisha, noah, later = list_ahead()
    import_rows(aisha, noah)
    hand = book_by_hand(21, time(11))
    import_rows(aisha | later, noah | later)
    assert merge_and_cancel_copies(only_appointment().contact, hand.contact) == [hand.pk]
    assert undo() == [("appointment", "merged")]
    assert list_booked() == {"A1 11:00", "A2 09:30"}


def test_a_visit_stays_booked_again_by_a_list_if_the_one_beside_it_was_cancelled_by_a_merge() -> None:
    aisha, noah, later = list_ahead()
    noah |= {"time": "3:00 PM"}
    import_rows(aisha | {"status": "Cancelled"}, noah)
    hand = book_by_hand(20, HALF_PAST_NINE)
    import_rows(aisha, noah | later)
    merge_and_cancel_copies(only_appointment().contact, hand.contact)
    assert undo() == [("appointment", "merged")]
    assert list_booked() == {"A1 09:30", "A2 15:00"}


def test_a_visit_goes_back_if_it_keeps_the_time_of_the_one_that_a_merge_cancelled() -> None:
    aisha, noah, _ = list_ahead()
    import_rows(aisha, noah)
    hand = book_by_hand(20, HALF_PAST_NINE)
    import_rows(aisha | {"minutes": "60"}, noah)
    merge_and_cancel_copies(only_appointment().contact, hand.contact)
    assert undo() == []
    assert list_booked() == {"A1 09:30", "A2 09:30"}


def test_a_new_visit_stays_if_somebody_cancelled_another_of_the_patient_at_its_time() -> None:
    aisha, noah, _ = list_ahead()
    hand = book_by_hand(20, time(9, 45), "+12025550101")
    import_rows(aisha, noah)
    assert only_appointment().contact == hand.contact
    cancel_appointment(hand.pk, by=make_user("desk"))
    assert undo() == [("appointment_added", "changed")]
    assert list_booked() == {"A1 09:30"}


def test_a_new_visit_goes_though_two_contacts_were_merged_if_nothing_was_cancelled() -> None:
    aisha, noah, _ = list_ahead()
    hand = book_by_hand(20, HALF_PAST_NINE)
    import_rows(aisha, noah)
    merge(only_appointment().contact, hand.contact)
    assert undo() == [("contact_added", "merged")]
    assert list_booked() == {"09:30"}


def test_what_was_sent_before_the_import_keeps_nothing() -> None:
    import_rows(AISHA)
    _call(only_appointment())
    Reminder.objects.update(state="done")
    only_appointment().reminders.get().calls.update(state="answered")
    import_rows(AISHA | LATER)
    assert undo() == []
    assert only_appointment().local_start.day == 15


def _edit_name(person: Contact) -> None:
    person.first_name = "Aysha"
    person.save()


def _write_note(person: Contact) -> None:
    person.notes = "Hard of hearing."
    person.save()


def _change_number(person: Contact) -> None:
    person.phone = make_number("+12025550166")
    person.save()


def _say_distinct(person: Contact) -> None:
    other = make_contact("Ayisha", number=None)
    pair = sorted([person.pk, other.pk])
    DistinctPair.objects.create(one_id=pair[0], other_id=pair[1])


def _book(person: Contact) -> None:
    make_appointment(person)


def report_by_api(visit: Appointment) -> PutBooking:
    """The practice system says what its list says."""
    wanted = ReportedBooking(visit.location, visit.provider, visit.starts_at, visit.ends_at, visit.kind)
    return put_booking(
        visit.source,
        visit.external_id,
        visit.contact,
        wanted,
        by=User.objects.first() or make_user("system"),
        check=lambda _row: None,
    )


def test_a_visit_that_the_api_reported_since_stays_though_it_said_nothing_new() -> None:
    """(product rule 45)"""
    import_rows(AISHA, NOAH)
    report_by_api(only_appointment())
    assert {("appointment_added", "said_again"), ("contact_added", "in_use")} <= set(undo())
    assert [one.external_id for one in Appointment.objects.all()] == ["A1"]


@pytest.mark.parametrize(
    ("ids", "why"),
    [
        ({"external_id": "P9"}, "said_again"),
        ({"external_id": "P1"}, "said_again"),
        ({"source": "dentrix"}, "changed"),
        ({"source": "dentrix", "external_id": "P9"}, "changed"),
    ],
)
def test_a_new_patient_whose_ids_the_api_named_since_stays(ids: dict[str, str], why: str) -> None:
    """(product rule 45) Other systems know them by these ids."""
    import_rows(AISHA, NOAH)
    aisha = only_appointment().contact
    answer = ApiClient().patch(f"contacts/{aisha.pk}/", ids, If_Match="*")
    assert answer.status_code == 200, answer.content
    assert undo() == [("contact_added", why), ("provider", "unused")]
    kept = Contact.objects.get()
    assert (kept.pk, kept.external_id) == (aisha.pk, ids.get("external_id", "P1"))


def test_a_new_id_stays_if_the_api_said_since_that_it_is_of_another_system() -> None:
    import_rows(AISHA, NOAH)
    import_rows(AISHA | {"patient": "P9"}, NOAH | LATER)
    aisha = only_appointment().contact
    ApiClient().patch(f"contacts/{aisha.pk}/", {"source": "dentrix"}, If_Match="*")
    assert undo() == [("contact", "changed")]
    aisha.refresh_from_db()
    assert (aisha.source, aisha.external_id) == ("dentrix", "P9")


def test_of_a_visit_that_the_api_reported_before_a_list_moved_it_the_move_goes_back() -> None:
    import_rows(AISHA)
    report_by_api(only_appointment())
    before = read_practice()
    import_rows(AISHA | LATER)
    assert undo() == []
    assert read_practice() == before
    import_rows(AISHA | LATER, NOAH)
    report_by_api(only_appointment())
    assert undo() == [("appointment", "said_again")]
    assert only_appointment().local_start.day == 16
    assert not Contact.objects.filter(first_name="Noah").exists()


@pytest.mark.parametrize(
    ("deed", "why"),
    [
        (_edit_name, "changed"),
        (_write_note, "changed"),
        (_change_number, "changed"),
        (_say_distinct, "in_use"),
        (_book, "in_use"),
    ],
)
def test_a_new_patient_of_whom_something_came_to_be_stays(deed: Callable[[Contact], None], why: str) -> None:
    import_rows(AISHA, NOAH)
    deed(only_appointment().contact)
    assert ("contact_added", why) in undo()
    assert not Contact.objects.filter(first_name="Noah").exists()
    assert not Appointment.objects.filter(source="csv").exists()


def test_a_patient_edited_since_keeps_the_edit_and_what_the_list_said_of_other_columns_goes_back() -> None:
    import_rows(AISHA, NOAH)
    import_rows(AISHA | {"first": "Aysha"}, NOAH | {"first": "Noa"})
    aisha, noah = (only_appointment(one).contact for one in ("A1", "A2"))
    Contact.objects.filter(pk=aisha.pk).update(first_name="Ayesha")
    Contact.objects.filter(pk=noah.pk).update(notes="Prefers mornings.")
    assert undo() == [("contact", "changed")]
    aisha.refresh_from_db()
    noah.refresh_from_db()
    assert (aisha.first_name, noah.first_name, noah.notes) == ("Ayesha", "Noah", "Prefers mornings.")


def test_a_number_that_was_put_back_obeys_its_opt_out() -> None:
    import_rows(AISHA)
    import_rows(AISHA | {"mobile": "(202) 555-0177"})
    number_id = PhoneNumber.objects.get(e164="+12025550101").pk
    record_optout(number_id, scope="all", source="desk", at=timezone.now())
    undo()
    number = only_appointment().contact.phone
    assert number
    assert (number.e164, number.voice_opted_out_at is not None) == ("+12025550101", True)


def test_a_number_that_said_no_since_is_not_replaced_by_the_one_before() -> None:
    import_rows(AISHA)
    import_rows(AISHA | {"mobile": "(202) 555-0177"})
    number_id = PhoneNumber.objects.get(e164="+12025550177").pk
    record_optout(number_id, scope="all", source="desk", at=timezone.now())
    batch = last_batch()
    with pytest.raises(UndoRefused, match="Nothing of this import can be taken back"):
        undo(batch)
    assert [each.why for each in preview_undo(batch).kept] == ["says_no"]
    number = only_appointment().contact.phone
    assert number
    assert number.e164 == "+12025550177"


def test_a_no_that_came_by_the_list_stays_and_is_listed() -> None:
    """(product rule 41)"""
    wish = {"Do not contact": "Yes", "first": "Aysha"}
    import_rows(AISHA | {"Do not contact": ""})
    import_rows(AISHA | wish, NOAH | {"Do not contact": "Yes"})
    assert undo() == [("contact", "says_no"), ("contact_added", "says_no")]
    aisha = only_appointment().contact
    assert (aisha.first_name, aisha.preferred_channel) == ("Aisha", "never")
    assert Contact.objects.get(first_name="Noah").preferred_channel == "never"
    assert Appointment.objects.count() == 1


def test_what_a_later_list_says_too_stays() -> None:
    import_rows(AISHA, NOAH)
    first = last_batch()
    import_rows(AISHA)
    assert set(undo(first)) == {("appointment_added", "said_again"), ("contact_added", "said_again")}
    assert [one.external_id for one in Appointment.objects.all()] == ["A1"]


def test_two_imports_are_undone_one_after_the_other() -> None:
    before = read_practice()
    import_rows(AISHA, NOAH)
    first, between = last_batch(), read_practice()
    import_rows(AISHA | LATER | {"first": "Aysha", "language": "Spanish", "kind": "Filling"})
    assert undo() == []
    assert read_practice() == between
    assert undo(first) == [("provider", "unused")]
    assert read_practice() == before


def test_a_patient_who_was_merged_or_erased_since_stays() -> None:
    import_rows(AISHA, NOAH)
    import_rows(AISHA | {"first": "Aysha"}, NOAH | {"first": "Noa", "status": "Cancelled"})
    aisha, noah = (only_appointment(one).contact for one in ("A1", "A2"))
    twin = make_contact("Aysha", last_name="Okafor", number="+12025550101")
    by = make_user("manager")
    merge_and_plan(aisha.pk, twin.pk, token=read_plan(aisha, twin).token, cancelled=(), by=by)
    erase_person(noah.pk, by=by)
    kept = {(one.what, one.why) for one in preview_undo(last_batch()).kept}
    assert {("contact", "merged"), ("contact", "erased")} <= kept


def test_an_untouched_follow_up_goes_with_its_visit() -> None:
    import_rows(AISHA)
    visit = only_appointment()
    FollowUp.objects.create(
        kind="nothing_follows", contact=visit.contact, appointment=visit, due_at=timezone.now()
    )
    undo()
    assert not FollowUp.objects.exists()
    assert not Contact.objects.exists()


# --- twice, and at once -----------------------------------------------------------------------------


def test_a_second_undo_is_refused() -> None:
    import_rows(AISHA)
    token = preview_undo(last_batch()).token
    undo()
    with pytest.raises(UndoRefused, match="undone already"):
        undo_import(last_batch().pk, token=token, by=User.objects.get())
    with pytest.raises(UndoRefused, match="undone already"):
        preview_undo(last_batch())


def test_what_was_shown_is_what_is_done() -> None:
    import_rows(AISHA, NOAH)
    token = preview_undo(last_batch()).token
    _confirm(only_appointment())
    with pytest.raises(UndoRefused, match="Look again"):
        undo_import(last_batch().pk, token=token, by=User.objects.get())
    assert Appointment.objects.count() == 2


def test_an_import_from_before_undo_was_possible_is_refused() -> None:
    import_rows(AISHA)
    last_batch().records.all().delete()
    with pytest.raises(UndoRefused, match="before Callboard kept"):
        preview_undo(last_batch())


def test_an_import_that_changed_nothing_is_not_undone() -> None:
    import_rows(AISHA)
    import_rows(AISHA)
    with pytest.raises(UndoRefused, match="Nothing"):
        undo()


@at_once
def test_of_two_people_who_undo_at_once_one_is_refused() -> None:
    import_rows(AISHA, NOAH)
    batch, by = last_batch(), make_user("manager")
    token, start = preview_undo(batch).token, Barrier(2)

    def press() -> str:
        try:
            start.wait(timeout=10)
            undo_import(batch.pk, token=token, by=by)
        except UndoRefused:
            return "refused"
        finally:
            connection.close()
        return "undone"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(one.result() for one in [pool.submit(press), pool.submit(press)]) == [
            "refused",
            "undone",
        ]
    assert not Appointment.objects.exists()
    assert KeptByUndo.objects.count() == 1


@at_once
def test_an_undo_during_an_import_or_a_booking_is_refused_in_seconds() -> None:
    import_rows(AISHA)
    batch, by = last_batch(), make_user("manager")
    token = preview_undo(batch).token

    def hold(lock: Callable[[], object], held: Barrier, done: Barrier) -> None:
        try:
            with transaction.atomic():
                lock()
                held.wait(timeout=10)
                done.wait(timeout=30)
        finally:
            connection.close()

    for lock in (lock_import_writes, lambda: lock_appointments([only_appointment().pk])):
        held, done = Barrier(2), Barrier(2)
        with ThreadPoolExecutor(1) as pool:
            holding = pool.submit(hold, lock, held, done)
            held.wait(timeout=10)
            with pytest.raises(UndoRefused, match="Try again in a minute"):
                undo_import(batch.pk, token=token, by=by)
            done.wait(timeout=10)
            holding.result()
    undo_import(batch.pk, token=token, by=by)


@at_once
@pytest.mark.parametrize("undo_first", [True, False])
def test_a_visit_is_either_called_and_kept_or_undone_and_not_called(undo_first: bool) -> None:
    """Dispatch holds a claim and takes its last look while the batch is undone."""
    make_step()
    local = timezone.now() + timedelta(hours=3)
    downtown = Location.objects.get()
    Location.objects.filter(pk=downtown.pk).update(time_zone=zone_at_noon(timezone.now()))
    local = local.astimezone(Location.objects.get().zone)
    import_rows(AISHA | {"date": f"{local:%m/%d/%Y}", "time": f"{local:%I:%M %p}"})
    PhoneNumber.objects.update(time_zones=[Location.objects.get().time_zone])  # it is noon there too
    plan_all()
    batch, by = last_batch(), make_user("manager")
    token = preview_undo(batch).token
    claim = claim_due(10)
    if undo_first:
        Reminder.objects.update(state="planned", claim=None, lease_until=None)
        undo_import(batch.pk, token=token, by=by)
        assert open_calls(claim.reminder_ids, claim.token) == []
        assert not Appointment.objects.exists()
    else:
        assert len(open_calls(claim.reminder_ids, claim.token)) == 1
        with pytest.raises(UndoRefused, match="Look again"):
            undo_import(batch.pk, token=token, by=by)
        assert [one.why for one in preview_undo(batch).kept if one.what == "appointment_added"] == ["sent"]


def test_the_number_of_queries_does_not_grow_with_the_list() -> None:
    import_rows(NOAH)
    import_rows(AISHA)
    with CaptureQueriesContext(connection) as few:
        preview_undo(last_batch())
    new = [{"id": f"B{at}", "patient": f"Q{at}", "mobile": f"(202) 555-01{at:02}"} for at in range(20, 40)]
    rows = [AISHA | each | {"first": f"Name{chr(80 + at)}"} for at, each in enumerate(new)]
    import_rows(*rows)
    with CaptureQueriesContext(connection) as many:
        preview_undo(last_batch())
    assert len(many) == len(few)


def test_a_list_that_changed_and_added_all_it_could_needs_six_queries() -> None:
    """The page's other six are of its login, the import, its frame and the audit trail."""
    import_rows(AISHA, NOAH | {"time": "3:00 PM"})
    moved = AISHA | {"location": "New Place", "provider": "Dr. B. New", "mobile": "(202) 555-0177", **LATER}
    named = NOAH | {"time": "3:00 PM", "patient": "P9"}
    new = AISHA | {"id": "A4", "patient": "P4", "first": "Omar", "mobile": "202-555-0104"}
    import_rows(moved, named, new, time_zone="America/New_York")
    batch = last_batch()
    with CaptureQueriesContext(connection) as queries:
        plan = preview_undo(batch)
    back = {name for values in (*plan.appointments.values(), *plan.contacts.values()) for name in values}
    assert back >= {"external_id", "phone_id", "location_id", "provider_id", "local_start"}
    assert {one.what for one in plan.kept} == {"location", "provider"}
    assert len(plan.removed_appointments) == len(plan.removed_contacts) == 1
    assert len(queries) == 6


def start_undo(batch: ImportBatch) -> Callable[[], object]:
    """Begin to undo the batch beside this thread; returns what waits for it, and gives what it raised."""
    token, by = preview_undo(batch).token, make_user("manager")

    def run() -> str:
        try:
            undo_import(batch.pk, token=token, by=by)
        except UndoRefused as refused:
            return str(refused)
        finally:
            connection.close()
        return ""

    pool = ThreadPoolExecutor(1)
    running = pool.submit(run)
    pool.shutdown(wait=False)
    return lambda: running.result(timeout=60)


@at_once
def test_a_worklist_entry_that_somebody_takes_at_the_same_moment_stays_with_its_visit() -> None:
    import_rows(AISHA)
    _, visit = make_user("desk"), only_appointment()
    entry = FollowUp.objects.create(
        kind="nothing_follows", contact=visit.contact, appointment=visit, due_at=timezone.now()
    )
    with transaction.atomic():
        take_follow_up(entry.pk, by=User.objects.get(username="desk"))
        read_refusal = start_undo(last_batch())
        wait_until_somebody_waits()
    assert read_refusal()
    assert FollowUp.objects.get().taken_by
    assert Appointment.objects.exists()


@at_once
def test_an_undo_waits_for_a_campaign_that_is_being_edited_before_it_holds_a_location() -> None:
    """The edit needs the location as well, so each would wait for the other."""
    step = make_step()
    import_rows(AISHA)
    import_rows(AISHA | LATER)
    plan_all()  # so that the edit has nothing to plan, and holds no location yet
    with transaction.atomic():
        prepare_edit(step.campaign_id)
        finish = start_undo(last_batch())
        wait_until_somebody_waits()
        assert Location.objects.select_for_update(nowait=True).get()
    finish()


# --- half of a list ---------------------------------------------------------------------------------


def stop_halfway(state: str) -> ImportBatch:
    """The last batch as it is when its second part can't be written."""
    batch = last_batch()
    ImportBatch.objects.filter(pk=batch.pk).update(state=state, applied_at=None, counts={}, error="Stopped.")
    ImportPart.objects.create(batch=batch, lines=[2], counts={"added": 1})
    ImportFile.objects.create(batch=batch, content=b"id")
    batch.refresh_from_db()
    return batch


@pytest.mark.parametrize("state", ["failed", "asking"])
def test_what_was_imported_of_a_list_that_stopped_is_taken_back_and_the_rest_is_never_imported(
    state: str,
) -> None:
    before = read_practice()
    import_rows(AISHA)
    batch = stop_halfway(state)
    undo(batch)
    assert read_practice() == before
    batch.refresh_from_db()
    assert (batch.state, batch.counts, batch.error) == ("done", {"added": 1}, "")
    assert batch.applied_at
    assert batch.undone_at
    assert not ImportFile.objects.exists()
    assert not ImportPart.objects.exists()
    assert not retry_import(batch)
    assert not queue_import(batch)


@pytest.mark.parametrize("state", ["waiting", "running"])
def test_a_list_that_a_worker_goes_on_with_is_not_undone(state: str) -> None:
    import_rows(AISHA)
    batch = stop_halfway(state)
    with pytest.raises(UndoRefused, match="not all of it"):
        preview_undo(batch)


@pytest.mark.parametrize("state", ["failed", "asking"])
def test_a_list_of_which_nothing_was_imported_is_not_undone(state: str) -> None:
    import_rows(AISHA)
    batch = stop_halfway(state)
    batch.parts.all().delete()
    batch.records.all().delete()
    with pytest.raises(UndoRefused, match="not all of it"):
        preview_undo(batch)


# --- any list on any small practice -----------------------------------------------------------------

PEOPLE = [
    AISHA,
    NOAH | {"time": "11:00 AM"},
    AISHA | {"id": "A3", "patient": "P1", "date": "12/17/2026"},
    AISHA | {"id": "A4", "patient": "P4", "first": "Omar", "mobile": "202-555-0104", "time": "3:00 PM"},
]
EDITS: list[dict[str, str]] = [
    {},
    {"date": "12/18/2026"},
    {"time": "4:45 PM", "minutes": "60"},
    {"status": "Cancelled"},
    {"status": "Arrived"},
    {"provider": "Dr. S. Chen"},
    {"kind": ""},
    {"first": "Nova"},
    {"mobile": "202-555-0150"},
    {"home": "202-555-0151"},
    {"language": "French"},
    {"patient": "P8", "id": "A8"},
]
A_LIST = st.lists(st.sampled_from(EDITS), min_size=4, max_size=4).map(
    lambda edits: [row | edit for row, edit in zip(PEOPLE, edits, strict=True)]
)


@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(here=st.lists(A_LIST, max_size=2), cut=st.integers(0, 3), listed=A_LIST)
def test_whatever_a_list_did_its_undo_gives_what_was_and_the_same_list_does_it_again(
    here: list[list[dict[str, str]]], cut: int, listed: list[dict[str, str]]
) -> None:
    """(product rule 45)"""
    with transaction.atomic():
        for earlier in here:
            import_rows(*earlier[cut:])
        before = read_practice()
        import_rows(*listed)
        after = read_practice()
        if preview_undo(last_batch()).does_something:
            kept = undo()
            assert {what for what, _ in kept} <= {"provider", "location"}
            assert read_practice() == before
            import_rows(*listed)
            assert read_practice() == after
        transaction.set_rollback(True)
