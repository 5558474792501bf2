"""Two contacts become one: nothing is lost, nobody is called twice (product rules 1, 3, 10, 41 and 42)."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from threading import Barrier
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from contacts.appointments import lock_appointments
from contacts.imports.importing import import_file
from contacts.imports.practice import ImportOptions
from contacts.merging import MergeRefused, list_references, plan_merge
from contacts.models import (
    Appointment,
    AppointmentChange,
    Contact,
    ContactId,
    ContactLogEntry,
    ContactMerge,
    DistinctPair,
    UnusableReason,
)
from contacts.optouts import record_optout
from contacts.people import mark_number_unusable
from reminders.desk.merging import merge_and_plan
from reminders.dispatch.claims import claim_due
from reminders.dispatch.opening import open_calls
from reminders.models import CallRecord, FollowUp, Reminder
from tests.contacts.imports.example_lists import AISHA, NOAH, import_rows, make_downtown, write_list
from tests.people import (
    SARAH,
    make_appointment,
    make_contact,
    make_due_reminder,
    make_number,
    make_step,
    make_user,
)

pytestmark = pytest.mark.django_db
OTHER = "+12025550142"
THIRD = "+12025550143"
BORN = date(1987, 7, 14)
at_once = pytest.mark.django_db(transaction=True)


def read_plan(survivor: Contact, other: Contact) -> Any:
    people = Contact.objects.select_related("phone", "other_phone").in_bulk([survivor.pk, other.pk])
    return plan_merge(people[survivor.pk], people[other.pk], timezone.now())


def merge(survivor: Contact, other: Contact, *, cancelled: tuple[int, ...] = ()) -> Contact:
    token, by = read_plan(survivor, other).token, User.objects.first() or make_user("merger")
    merge_and_plan(survivor.pk, other.pk, token=token, cancelled=cancelled, by=by)
    return Contact.objects.select_related("phone", "other_phone").get(pk=survivor.pk)


# --- what becomes of what they have -----------------------------------------------------------------


def test_appointments_follow_ups_and_reminders_move_with_a_line_in_each_story() -> None:
    sarah, twin = make_contact(), make_contact()
    waiting = make_due_reminder(twin)
    past = make_appointment(twin, starts_at=timezone.now() - timedelta(days=9))
    visit = waiting.appointment
    FollowUp.objects.create(kind="unclear_answer", contact=twin, appointment=visit, due_at=timezone.now())
    merge(sarah, twin)
    assert {one.contact for one in Appointment.objects.all()} == {sarah}
    assert FollowUp.objects.get().contact == sarah
    told = AppointmentChange.objects.filter(what="merged").values_list("appointment", flat=True)
    assert set(told) == {visit.pk, past.pk}
    again = Reminder.objects.get()
    assert (again.pk, again.state, again.revision) == (waiting.pk, "planned", 1), "the number is the same"
    assert not Contact.objects.filter(pk=twin.pk).exists()
    record = ContactMerge.objects.get()
    assert (record.survivor, record.merged_id, record.was["phone"]) == (sarah, twin.pk, SARAH)


# What the two have, and what the survivor has afterwards.
VALUES: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ({"language": "es"}, {"language": "en"}, {"language": "es"}),
    ({}, {"date_of_birth": BORN}, {"date_of_birth": BORN}),
    ({"time_zone": ""}, {"time_zone": "America/Denver"}, {"time_zone": "America/Denver"}),
    ({"time_zone": "America/Chicago"}, {"time_zone": "America/Denver"}, {"time_zone": "America/Chicago"}),
    ({"notes": "a"}, {"notes": "b"}, {"notes": "a\nb"}),
    ({"notes": "a"}, {"notes": "a"}, {"notes": "a"}),
    ({"last_name": ""}, {"last_name": "Lind"}, {"last_name": "Lind", "notes": "Also entered as Sarah Lind."}),
    ({}, {"first_name": "Sara"}, {"first_name": "Sarah", "notes": "Also entered as Sara Lindqvist."}),
    ({"preferred_channel": "voice"}, {"preferred_channel": "never"}, {"preferred_channel": "never"}),
    ({"preferred_channel": "never"}, {"preferred_channel": "sms"}, {"preferred_channel": "never"}),
    ({"preferred_channel": "sms_only"}, {"preferred_channel": "voice_only"}, {"preferred_channel": "never"}),
    ({"preferred_channel": "sms"}, {"preferred_channel": "voice"}, {"preferred_channel": "sms"}),
    ({"preferred_channel": "voice"}, {"preferred_channel": "sms_only"}, {"preferred_channel": "sms_only"}),
    (
        {"other_phone_use": "unreachable"},
        {"other_phone_use": "never"},
        {"other_phone_use": "never"},
    ),
    ({"source": "pms", "external_id": "1"}, {"source": "pms", "external_id": "2"}, {"external_id": "1"}),
    ({}, {"source": "pms", "external_id": "2"}, {"source": "pms", "external_id": "2"}),
]


@pytest.mark.parametrize(("has", "other_has", "after"), VALUES)
def test_the_survivor_keeps_their_own_and_gets_what_they_lack(
    has: dict[str, Any], other_has: dict[str, Any], after: dict[str, Any]
) -> None:
    sarah, twin = (
        make_contact(**{"first_name": "Sarah", **has}),
        make_contact(**{"first_name": "Sarah", **other_has}),
    )
    merged = merge(sarah, twin)
    assert {name: getattr(merged, name) for name in after} == after


# Numbers of the survivor and of the other: number and other number. Then those of the survivor afterwards,
# and what the notes keep.
NUMBERS: list[tuple[tuple[Any, Any], tuple[Any, Any], tuple[Any, Any], str]] = [
    ((SARAH, None), (SARAH, None), (SARAH, None), ""),
    ((SARAH, None), (OTHER, None), (SARAH, OTHER), ""),
    ((None, None), (OTHER, None), (OTHER, None), ""),
    ((SARAH, None), (None, None), (SARAH, None), ""),
    ((SARAH, OTHER), (OTHER, SARAH), (SARAH, OTHER), ""),
    ((SARAH, None), (OTHER, THIRD), (SARAH, OTHER), "(202) 555-0143"),
    ((None, SARAH), (None, None), (None, SARAH), ""),
    ((None, SARAH), (OTHER, None), (OTHER, SARAH), ""),
]


@pytest.mark.parametrize(("has", "other_has", "after", "noted"), NUMBERS)
def test_no_number_is_lost(has: Any, other_has: Any, after: Any, noted: str) -> None:
    def make(numbers: Any) -> Contact:
        first, second = numbers
        return make_contact(number=first, other_phone=make_number(second) if second else None)

    merged = merge(make(has), make(other_has))
    found = tuple(number.e164 if number else None for number in (merged.phone, merged.other_phone))
    assert found == after
    assert noted in merged.notes
    assert bool(merged.notes) == bool(noted)


def test_a_number_that_can_not_be_used_gives_way_to_the_other_ones() -> None:
    sarah, twin = make_contact(), make_contact(number=OTHER)
    mark_number_unusable(sarah.phone_id or 0, UnusableReason.INVALID_NUMBER, timezone.now())
    reminder = make_due_reminder(sarah)
    merged = merge(sarah, twin)
    assert (merged.phone, merged.other_phone) == (make_number(OTHER), sarah.phone)
    assert Appointment.objects.get().revision == 2
    assert {row.revision: row.state for row in Reminder.objects.all()}[1] == "withdrawn"
    assert reminder.pk in Reminder.objects.values_list("pk", flat=True)


@pytest.mark.parametrize(("scope", "wish"), [("all", "never"), ("voice", "sms_only"), ("sms", "voice_only")])
@pytest.mark.parametrize("refused", [SARAH, OTHER])
def test_a_no_on_the_number_that_is_given_up_counts_for_the_person(
    scope: str, wish: str, refused: str
) -> None:
    sarah, twin = make_contact(), make_contact(number=OTHER)
    record_optout(make_number(refused).pk, scope=scope, source="staff", at=timezone.now())
    plan = read_plan(sarah, twin)
    merged = merge(sarah, twin)
    if refused == SARAH:  # it is the one that is called, so its own opt-out holds
        assert (merged.preferred_channel, plan.stricter_for_no) == ("voice", False)
        assert merged.phone is not None
        assert merged.phone.opted_out_at("voice" if scope == "all" else scope) is not None
    else:
        assert (merged.preferred_channel, plan.stricter_for_no) == (wish, True)


def test_appointments_that_go_to_another_number_are_planned_again_and_keep_their_answers() -> None:
    sarah, twin = make_contact(), make_contact(number=OTHER)
    reminder = make_due_reminder(twin)
    Appointment.objects.update(answer="confirmed", answer_revision=1, answered_at=timezone.now())
    own = make_appointment(sarah, starts_at=timezone.now() + timedelta(days=3))
    merge(sarah, twin)
    moved = Appointment.objects.get(pk=reminder.appointment_id)
    assert (moved.revision, moved.is_confirmed) == (2, True)
    assert Appointment.objects.get(pk=own.pk).revision == 1
    states = dict(Reminder.objects.filter(appointment=moved).values_list("revision", "state"))
    assert states[1] == "withdrawn"


def test_one_that_is_there_twice_is_cancelled_once_if_that_is_ticked_and_the_answered_one_stays() -> None:
    sarah, twin = make_contact(), make_contact()
    when = timezone.now() + timedelta(hours=3)
    make_step()
    own, copy = make_appointment(sarah, starts_at=when), make_appointment(twin, starts_at=when)
    copy.answer, copy.answer_revision, copy.answered_at = "confirmed", 1, timezone.now()
    copy.save()
    stranger = make_appointment(make_contact("Tom", number=OTHER), starts_at=when)
    [clash] = read_plan(sarah, twin).collisions
    assert (clash.kept, clash.copy, clash.same) == (copy, own, True)
    merge(sarah, twin, cancelled=(own.pk, stranger.pk))
    states = dict(Appointment.objects.values_list("pk", "status"))
    assert states == {own.pk: "cancelled", copy.pk: "booked", stranger.pk: "booked"}


def test_who_was_said_to_be_somebody_else_stays_so_and_the_log_moves() -> None:
    sarah, twin, third = make_contact(), make_contact(), make_contact()
    for pair in ((sarah, twin), (twin, third)):
        DistinctPair.objects.create(one=pair[0], other=pair[1], by=make_user(f"by{pair[1].pk}"))
    ContactLogEntry.objects.create(contact=twin, what="exported")
    ContactId.objects.create(contact=twin, source="pms", external_id="7")
    merge(sarah, twin)
    assert list(DistinctPair.objects.values_list("one", "other")) == [(sarah.pk, third.pk)]
    assert ContactLogEntry.objects.get().contact == sarah
    assert ContactId.objects.get().contact == sarah


def test_a_merge_of_the_merged_keeps_all_ids_and_old_addresses(client: Client) -> None:
    first, second, third = (make_contact(source="pms", external_id=str(number)) for number in (1, 2, 3))
    merge(second, third)
    merge(first, second)
    assert set(ContactId.objects.values_list("contact", "external_id")) == {(first.pk, "2"), (first.pk, "3")}
    client.force_login(make_user())
    for gone in (second, third):
        assert client.get(f"/contacts/{gone.pk}/")["Location"] == f"/contacts/{first.pk}/"


def test_each_reference_to_a_contact_is_known_to_somebody_who_thought_about_merging() -> None:
    """A new one must be fit to be given to the survivor: without uniqueness per contact, for one."""
    assert {f"{model.__name__}.{name}" for model, name in list_references()} == {
        "ContactId.contact",
        "ContactLogEntry.contact",
        "ContactMerge.survivor",
        "FollowUp.contact",
        "ImportChange.contact",
        "KeptByUndo.contact",
        "OverwrittenValues.contact",  # the undo of that import changes nothing in somebody who was merged
    }


# --- what is refused ------------------------------------------------------------------------------------

REFUSED: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"date_of_birth": BORN}, {"date_of_birth": date(1990, 1, 2)}, "dates of birth differ"),
    ({"is_demo": True}, {}, "made up"),
    ({"erased_at": timezone.now()}, {}, "was erased"),
    ({"notes": "a" * 1200}, {"notes": "b" * 800}, "notes together are too long"),
]


@pytest.mark.parametrize(("has", "other_has", "said"), REFUSED)
def test_two_who_can_not_be_one_are_refused(
    has: dict[str, Any], other_has: dict[str, Any], said: str
) -> None:
    sarah, twin = make_contact(**has), make_contact(**other_has)
    with pytest.raises(MergeRefused, match=said):
        merge(sarah, twin)
    assert Contact.objects.count() == 2


def test_while_a_call_is_under_way_no_other_number_is_chosen_for_its_appointment() -> None:
    sarah, twin = make_contact(), make_contact(number=OTHER)
    make_due_reminder(twin)
    claim = claim_due(10)
    [call] = open_calls(claim.reminder_ids, claim.token)
    with pytest.raises(MergeRefused, match="under way"):
        merge(sarah, twin)
    CallRecord.objects.filter(pk=call.pk).update(state="no_answer")
    Reminder.objects.update(state="done")
    merge(sarah, twin)


def test_what_was_not_shown_is_not_done(client: Client) -> None:
    client.force_login(make_user())
    sarah, twin = make_contact(), make_contact()
    address = f"/contacts/{sarah.pk}/merge/{twin.pk}/"
    token = client.get(address).context["plan"].token
    make_appointment(twin)
    answer = client.post(address, {"token": token})
    assert answer.status_code == 422
    assert "Something has changed meanwhile" in answer.content.decode()
    assert Contact.objects.count() == 2
    token = answer.context["plan"].token
    assert client.post(address, {"token": token})["Location"] == f"/contacts/{sarah.pk}/"
    assert Contact.objects.get() == sarah


def test_the_page_says_what_happens_and_changes_nothing(client: Client) -> None:
    client.force_login(make_user())
    sarah = make_contact(source="pms", external_id="1", notes="ramp")
    twin = make_contact("Sara", number=OTHER, source="pms", external_id="2", preferred_channel="never")
    when = timezone.now() + timedelta(hours=3)
    make_due_reminder(twin, starts_at=when)
    make_appointment(sarah, starts_at=when)
    before = [list(model.objects.values()) for model in (Contact, Appointment, Reminder)]
    page = " ".join(client.get(f"/contacts/{sarah.pk}/merge/{twin.pk}/").content.decode().split())
    for words in (
        "1 appointment moves over, with its story.",
        "1 reminder that waits goes with them.",
        "1 upcoming appointment is reminded on another number than before",
        "Cancel the one on",
        "It is there twice; the other one stays.",
        "Also entered as Sara Lindqvist.",
        "<strong>never contact by machine</strong>",
        "<strong>1 (pms), 2 (pms)</strong>",
        "Merge the two contacts",
    ):
        assert words in page, words
    assert [list(model.objects.values()) for model in (Contact, Appointment, Reminder)] == before


@pytest.mark.parametrize("address", ["/contacts/1/merge/1/", "/contacts/0/merge/99999999999999999999/"])
def test_one_contact_or_none_can_not_be_merged(client: Client, address: str) -> None:
    client.force_login(make_user())
    assert client.get(address).status_code == 404


def test_the_page_needs_as_many_queries_for_many_appointments_as_for_one(client: Client) -> None:
    client.force_login(make_user())
    sarah, twin = make_contact(), make_contact(number=OTHER)
    make_appointment(twin)
    address = f"/contacts/{sarah.pk}/merge/{twin.pk}/"
    with CaptureQueriesContext(connection) as one:
        client.get(address)
    for days in range(1, 9):
        make_appointment(twin, starts_at=timezone.now() + timedelta(days=days))
    with CaptureQueriesContext(connection) as many:
        client.get(address)
    assert len(many) == len(one)


# --- imports -------------------------------------------------------------------------------------------


def test_an_import_finds_the_survivor_by_either_id_and_changes_nothing_the_second_time() -> None:
    make_downtown()
    double = AISHA | {
        "id": "A9",
        "patient": "P9",
        "first": "Aisha",
        "mobile": "(202) 555-0109",
        "date": "12/16/2026",
    }
    import_rows(AISHA, double)
    aisha, copy = Contact.objects.order_by("external_id")
    merge(aisha, copy)
    columns = ("first_name", "last_name", "phone", "other_phone", "language", "source", "external_id")
    kept = Contact.objects.values_list(*columns).get()
    for rows in ((AISHA, double), (double, AISHA), (double,)):
        counts = import_rows(*rows).counts
        assert counts["unchanged"] == len(rows), rows
    assert Contact.objects.values_list(*columns).get() == kept
    counts = import_rows(double | {"time": "11:00 AM"}).counts
    assert counts["moved"] == 1, "appointments of either id are still kept up to date"


def test_a_list_that_has_only_the_other_id_overwrites_nothing_with_what_it_said_before_the_merge() -> None:
    """(product rule 45)"""
    make_downtown()
    aisha = AISHA | {"home": "202-555-0190"}
    double = AISHA | {
        "id": "A9",
        "patient": "P9",
        "last": "Adeyemi",
        "language": "Spanish",
        "mobile": "(202) 555-0109",
        "home": "202-555-0191",
        "date": "12/16/2026",
    }
    import_rows(aisha, double)
    one, copy = Contact.objects.order_by("external_id")
    merge(one, copy)
    columns = ("last_name", "phone__e164", "other_phone__e164", "language")
    kept = Contact.objects.values_list(*columns).get()
    for rows in ((double,), (aisha,), (double,), (aisha, double)):
        assert import_rows(*rows).counts["unchanged"] == len(rows), rows
        assert Contact.objects.values_list(*columns).get() == kept
    import_rows(double | {"mobile": "202-555-0177"})
    assert Contact.objects.values_list(*columns).get() == ("Okafor", "+12025550177", *kept[2:])


def import_double(mobile: str) -> tuple[dict[str, str], dict[str, str], Contact, Contact]:
    """Import Aisha twice, the second time with another id and number: the rows, and the contacts."""
    own = AISHA | {"home": ""}
    double = own | {"id": "A9", "patient": "P9", "mobile": mobile, "date": "12/16/2026"}
    import_rows(own, double)
    aisha, copy = Contact.objects.order_by("external_id")
    return own, double, aisha, copy


def test_what_is_new_under_either_id_of_a_merged_contact_counts_and_nothing_is_taken_back() -> None:
    """(product rule 45)"""
    make_downtown()
    own, double, aisha, copy = import_double("(202) 555-0109")
    merge(aisha, copy)

    def call_number(row: dict[str, str]) -> str:
        import_rows(row)
        return Contact.objects.values_list("phone__e164", flat=True).get()

    new_double = double | {"mobile": "202-555-0177"}
    assert call_number(new_double) == "+12025550177"
    assert call_number(own) == "+12025550177", "said as before by its own id"
    new_own = own | {"mobile": "202-555-0178"}
    assert call_number(new_own) == "+12025550178", "a list put the number there, not staff"
    assert call_number(new_double) == call_number(new_own) == "+12025550178"

    Contact.objects.update(phone=make_number("+12025550199"))
    for row in (new_own, new_double, own, double):
        assert call_number(row) == "+12025550199", "staff's number stays"


def test_a_number_that_staff_gave_is_theirs_though_lists_said_it_of_the_other_id() -> None:
    """(product rule 45)"""
    make_downtown()
    own, _double, aisha, copy = import_double("202-555-0177")
    Contact.objects.filter(pk=aisha.pk).update(phone=copy.phone)
    aisha.refresh_from_db()
    merge(aisha, copy)
    report = import_rows(own | {"mobile": "202-555-0178"})
    assert [problem.value for problem in report.problems] == [
        "Aisha Okafor: “+12025550177” here, “+12025550178” in the file"
    ]
    assert Contact.objects.values_list("phone__e164", flat=True).get() == "+12025550177"


def test_what_a_list_with_both_ids_said_of_the_other_one_is_not_new_later() -> None:
    make_downtown()
    own, double, aisha, copy = import_double("202-555-0109")
    merge(aisha, copy)
    kept = Contact.objects.values_list("phone__e164", flat=True).get()
    double["mobile"] = "202-555-0178"
    for rows in ((own, double), (double,), (own,)):
        import_rows(*rows)
        assert Contact.objects.values_list("phone__e164", flat=True).get() == kept


@pytest.mark.parametrize("visit", ["known", "new"])
def test_a_row_without_a_patient_id_that_says_what_was_said_of_the_other_id_is_about_the_merged_contact(
    visit: str,
) -> None:
    """(product rule 45)"""
    make_downtown()
    own, double, aisha, copy = import_double("202-555-0109")
    renamed = double | {"first": "Aysha", "last": "Okafor-Brown"}
    import_rows(own, renamed)
    copy.refresh_from_db()
    merge(aisha, copy)
    Contact.objects.update(first_name="Aïsha", other_phone=None)
    without_ids = [row | {"patient": ""} for row in (own, renamed)]
    if visit == "new":
        without_ids = [
            row | {"id": "", "time": f"{number}:00 PM"} for number, row in enumerate(without_ids, 1)
        ]
    for _again in range(2):
        import_rows(*without_ids)
        person = Contact.objects.get()
        assert (person.full_name, person.external_id) == ("Aïsha Okafor", "P1")
        assert person.phone_id == aisha.phone_id
    assert person.appointments.count() == (2 if visit == "known" else 4)


# --- at the same time ------------------------------------------------------------------------------------


def at_the_same_time(*deeds: Callable[[], object]) -> list[str]:
    """Run them in threads; what each raised, as "" or the name of the exception."""
    start = Barrier(len(deeds))

    def run(deed: Callable[[], object]) -> str:
        try:
            start.wait(timeout=20)
            deed()
        except Exception as error:  # noqa: BLE001 - shown by the test
            return type(error).__name__
        finally:
            connection.close()
        return ""

    with ThreadPoolExecutor(len(deeds)) as threads:
        return list(threads.map(run, deeds))


@at_once
def test_of_two_merges_of_the_same_two_one_is_done() -> None:
    sarah, twin = make_contact(), make_contact()
    make_due_reminder(twin)
    tokens = [read_plan(sarah, twin).token, read_plan(twin, sarah).token]
    by = make_user()
    ended = at_the_same_time(
        lambda: merge_and_plan(sarah.pk, twin.pk, token=tokens[0], cancelled=(), by=by),
        lambda: merge_and_plan(twin.pk, sarah.pk, token=tokens[1], cancelled=(), by=by),
    )
    assert sorted(ended) == ["", "MergeRefused"]
    assert Contact.objects.count() == Appointment.objects.count() == Reminder.objects.count() == 1


@at_once
def test_a_merge_waits_for_an_import_and_then_loses_nothing() -> None:
    make_downtown()
    import_rows(AISHA, NOAH)
    aisha, noah = Contact.objects.order_by("external_id")
    token, by = read_plan(aisha, noah).token, make_user()
    more = [NOAH | {"id": f"B{number}", "date": f"12/{number}/2026"} for number in range(17, 22)]
    ended = at_the_same_time(
        lambda: import_file(write_list(AISHA, NOAH, *more), "list.csv", ImportOptions()),
        lambda: merge_and_plan(aisha.pk, noah.pk, token=token, cancelled=(), by=by),
    )
    assert ended[0] == ""
    assert ended[1] in ("", "ShownOtherwise"), "if the import was first, there is more to move than was shown"
    if ended[1]:
        merge_and_plan(aisha.pk, noah.pk, token=read_plan(aisha, noah).token, cancelled=(), by=by)
    assert Appointment.objects.filter(contact=aisha).count() == 7
    assert import_rows(AISHA, NOAH, *more).counts["unchanged"] == 7


@at_once
def test_a_dispatcher_that_has_the_appointment_first_is_waited_for_and_nothing_is_called_twice() -> None:
    sarah, twin = make_contact(), make_contact(number=OTHER)
    reminder = make_due_reminder(twin)
    token, by = read_plan(sarah, twin).token, make_user()
    claim = claim_due(10)
    ended = at_the_same_time(
        lambda: open_calls(claim.reminder_ids, claim.token),
        lambda: merge_and_plan(sarah.pk, twin.pk, token=token, cancelled=(), by=by),
    )
    assert ended[0] == ""
    calls = list(CallRecord.objects.filter(reminder=reminder))
    merged = not Contact.objects.filter(pk=twin.pk).exists()
    assert merged == (ended[1] == "")
    assert merged != bool(calls), (
        "either it was called on the old number first, or it is planned for the new one"
    )
    assert ended[1] in ("", "MergeRefused")


@at_once
def test_a_merge_that_can_not_have_its_locks_says_so_and_changes_nothing(client: Client) -> None:
    client.force_login(make_user())
    sarah, twin = make_contact(), make_contact()
    visit = make_appointment(twin)
    address = f"/contacts/{sarah.pk}/merge/{twin.pk}/"
    token = client.get(address).context["plan"].token
    with transaction.atomic():
        lock_appointments([visit.pk])
        with ThreadPoolExecutor(1) as threads:

            def post() -> str:
                try:
                    return client.post(address, {"token": token}).content.decode()
                finally:
                    connection.close()

            page = threads.submit(post).result()
    assert "Try again in a minute." in page
    assert Contact.objects.count() == 2
