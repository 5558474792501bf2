"""A person is forgotten, and their “no” isn't (product rules 10 and 64)."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from contacts.appointments import cancel_appointment
from contacts.contact_search import find_contacts
from contacts.erased_numbers import make_digests
from contacts.erasing import ErasureRefused, erase_contact, lock_erasure, plan_erasure
from contacts.exporting import write_person
from contacts.models import (
    Appointment,
    ConsentEntry,
    Contact,
    ContactId,
    ContactLogEntry,
    ContactMerge,
    ErasedOptOut,
    ImportBatch,
    ImportProblem,
    PhoneNumber,
)
from contacts.numbers import parse_number
from contacts.optouts import record_optin, record_optout
from contacts.people import create_numbers, get_or_create_numbers, get_or_create_written_number
from contacts.roles import FRONT_DESK, MANAGER
from reminders.desk.erasing import erase_person
from reminders.dispatch.claims import claim_due
from reminders.dispatch.opening import open_calls
from reminders.models import CallRecord, FollowUp, ListedNumber, Reminder
from reminders.sweeps.optout_push import push_contacts
from tests.contacts.imports.example_lists import AISHA, import_rows, make_downtown
from tests.people import SARAH, make_appointment, make_contact, make_due_reminder, make_number, make_user
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db
OTHER = "+12025550142"
FORMER = "+12025550143"
# Words that stand in every field of the person's that takes words.
WORDS = ("Quintessa", "Abernathy", "zanzibar", "1931", "2025550100", "2025550142", "555-0100", "PMS-77")


def erase(contact: Contact) -> Contact:
    erase_person(contact.pk, by=User.objects.filter(username="eraser").first() or make_user("eraser"))
    contact.refresh_from_db()
    return contact


def make_quintessa(**fields: Any) -> Contact:
    return make_contact(
        "Quintessa",
        **{
            "last_name": "Abernathy",
            "date_of_birth": date(1931, 12, 25),
            "notes": "zanzibar",
            "source": "pms",
            "external_id": "PMS-77",
            "other_phone": make_number(OTHER),
            **fields,
        },
    )


def give_history(contact: Contact) -> CallRecord:
    """A visit of last week with a call, its event, a follow-up, an opt-out, an edit, an old import."""
    reminder = make_due_reminder(contact, kind="zanzibar", external_id="zanzibar", source="pms")
    claim = claim_due(10)
    [call] = open_calls(claim.reminder_ids, claim.token)
    CallRecord.objects.update(
        state="answered",
        key_pressed="1",
        ended_at=timezone.now(),
        detail="zanzibar",
        robotalker_id="zanzibar",
    )
    Reminder.objects.filter(pk=reminder.pk).update(state="done", reason="reached")
    body = json.dumps({"event": "call.completed", "to": SARAH, "name": "Quintessa"}).encode()
    WebhookEvent.objects.create(
        call=call, purpose="status", body=body, digest="1", received_at=timezone.now(), error="zanzibar"
    )
    WebhookEvent.objects.create(
        purpose="optouts", body=body, digest="2", received_at=timezone.now(), state="applied"
    )
    FollowUp.objects.create(
        kind="unclear_answer",
        contact=contact,
        appointment=reminder.appointment,
        due_at=timezone.now(),
        detail="zanzibar",
        note="zanzibar",
    )
    long_ago = timezone.now() - timedelta(days=7)
    Appointment.objects.filter(pk=reminder.appointment_id).update(
        starts_at=long_ago, ends_at=long_ago + timedelta(minutes=30), status="arrived"
    )
    record_optout(contact.phone_id or 0, scope="sms", source="staff", at=long_ago, evidence="zanzibar")
    ContactId.objects.create(contact=contact, source="pms", external_id="zanzibar")
    ContactMerge.objects.create(survivor=contact, merged_id=9, was={"phone": SARAH}, at=long_ago)
    LogEntry.objects.create(
        user=make_user("admin1"),
        content_type=ContentType.objects.get_for_model(Contact),
        object_id=str(contact.pk),
        object_repr=str(contact),
        action_flag=CHANGE,
    )
    batch = ImportBatch.objects.create(
        file_name="list.csv", sha256="", source="pms", applied_at=long_ago, state="done"
    )
    for value in ("Quintessa Abernathy", "(202) 555-0100", "PMS-77: first name (lines 2, 3)", "Tom Stone"):
        ImportProblem.objects.create(batch=batch, weight="note", line=2, column="Name", value=value)
    return call


def read_database() -> str:
    """All rows of all tables of ours and of the admin's log, as text; bytes as what they say."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND "
            "(table_name ~ '^(contacts|reminders|webhooks)_' OR table_name = 'django_admin_log')"
        )
        tables = [name for (name,) in cursor.fetchall()]
        found = []
        for table in tables:
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - a name of our own table
            found += [[bytes(one) if isinstance(one, memoryview) else one for one in row] for row in cursor]
    return repr(found)


def test_no_word_of_the_person_is_left_anywhere_and_what_is_counted_stays() -> None:
    quintessa = make_quintessa()
    call = give_history(quintessa)
    before = read_database()
    assert [word for word in WORDS if word not in before] == [], "else the test would show nothing"
    counts = {model: model.objects.count() for model in (Appointment, Reminder, CallRecord, FollowUp)}
    erase(quintessa)
    after = read_database()
    assert [word for word in WORDS if word in after] == []
    assert "Tom Stone" in after, "others stay"
    assert {model: model.objects.count() for model in counts} == counts
    call.refresh_from_db()
    assert (call.state, call.key_pressed, call.text) == ("answered", "1", "(erased)")
    assert Appointment.objects.get().status == "arrived"
    assert set(FollowUp.objects.values_list("state", "resolution")) == {("resolved", "erased")}
    assert ContactLogEntry.objects.get().what == "erased"
    assert ConsentEntry.objects.get().evidence == "", "the ledger's row stays"
    assert call.number.sms_opted_out_at is not None, "and the flags still agree with the ledger"


def test_the_erased_are_in_no_list_and_their_page_says_so(client: Client) -> None:
    quintessa = erase(make_quintessa())
    assert list(find_contacts("")) == []
    client.force_login(make_user(role=MANAGER))
    page = client.get(f"/contacts/{quintessa.pk}/").content.decode()
    assert "This person was erased on" in page
    assert f"/contacts/{quintessa.pk}/edit/" not in page
    assert client.get(f"/contacts/{quintessa.pk}/edit/").status_code == 404
    assert client.get(f"/contacts/{quintessa.pk}/opt-out/").status_code == 404
    booking = client.get(f"/appointments/book/?contact={quintessa.pk}").content.decode()
    assert "Erased person" not in booking
    data = json.loads("".join(write_person(quintessa.pk, timezone.now())))
    assert data["tables"]["contacts.PhoneNumber"] == []


# --- the numbers, and their “no” -------------------------------------------------------------------

# What is done to the number, or wished, and what its row says once it has come back: calls, texts, consent.
NOES: list[tuple[dict[str, Any], str, tuple[bool, bool, str]]] = [
    ({}, "", (False, False, "given_for_care")),
    ({}, "voice", (True, False, "given_for_care")),
    ({}, "sms", (False, True, "given_for_care")),
    ({}, "all", (True, True, "given_for_care")),
    ({"preferred_channel": "never"}, "", (True, True, "given_for_care")),
    ({"preferred_channel": "sms_only"}, "", (True, False, "given_for_care")),
    ({"preferred_channel": "voice_only"}, "", (False, True, "given_for_care")),
    ({"preferred_channel": "sms_only"}, "sms", (True, True, "given_for_care")),
    ({"phone": "none"}, "", (False, False, "none")),
]


@pytest.mark.parametrize("way", ["form", "import", "pull", "event"])
@pytest.mark.parametrize(("fields", "scope", "after"), NOES)
def test_a_no_comes_back_with_the_number_in_whatever_way(
    fields: dict[str, Any], scope: str, after: tuple[bool, bool, str], way: str
) -> None:
    quintessa = make_quintessa(**{name: value for name, value in fields.items() if name != "phone"})
    if fields.get("phone") == "none":
        PhoneNumber.objects.filter(e164=SARAH).update(consent_basis="none")
    said_at = timezone.now() - timedelta(days=400)
    if scope:
        record_optout(quintessa.phone_id or 0, scope=scope, source="staff", at=said_at)
    erase(quintessa)
    assert not PhoneNumber.objects.filter(e164=SARAH).exists()
    if way == "form":
        client = Client()
        client.force_login(make_user("rosa"))
        person = {
            "first_name": "Ann",
            "number": "202 555 0100",
            "language": "en",
            "preferred_channel": "voice",
        }
        client.post("/contacts/new/", person)
    elif way == "import":
        make_downtown()
        import_rows(AISHA | {"mobile": "(202) 555-0100"})
    elif way == "event":
        get_or_create_written_number("202 555 0100", "US")
    else:
        get_or_create_numbers([SARAH])
    found = PhoneNumber.objects.filter(e164=SARAH).first()
    if way == "pull" and after != (False, False, "given_for_care"):
        assert found is None, "Robotalker's list doesn't bring back what is erased and needs no row"
        return
    assert found is not None
    no = bool(found.voice_opted_out_at), bool(found.sms_opted_out_at), found.consent_basis
    assert no == after
    entries = found.consent_entries.all()
    assert {entry.source for entry in entries} <= {"kept"}
    if scope and not fields:
        assert {entry.at for entry in entries} == {said_at}, "since when they first said it"
    left = {digest for digest in make_digests(SARAH) if ErasedOptOut.objects.filter(digest=digest).exists()}
    assert not left, "it is kept in one place"


def test_the_digest_needs_the_key_and_an_older_key_still_counts(settings: Settings) -> None:
    settings.ERASED_NUMBERS_KEYS = ["old"]
    quintessa = make_quintessa()
    record_optout(quintessa.phone_id or 0, scope="all", source="staff", at=timezone.now())
    erase(quintessa)
    [kept] = ErasedOptOut.objects.all()
    assert SARAH not in str(kept.__dict__)
    settings.ERASED_NUMBERS_KEYS = ["new", "old"]
    assert kept.digest in make_digests(SARAH)
    assert get_or_create_written_number(SARAH, "US").voice_opted_out_at is not None


def test_who_opted_in_again_and_is_erased_once_more_keeps_no_older_no() -> None:
    quintessa = make_quintessa()
    now = timezone.now()
    record_optout(quintessa.phone_id or 0, scope="all", source="staff", at=now)
    erase(quintessa)
    again = make_contact()
    record_optin(again.phone_id or 0, scope="all", evidence="asked", by=make_user("rosa"), at=now)
    erase(again)
    assert not ErasedOptOut.objects.exists()
    assert get_or_create_written_number(SARAH, "US").voice_opted_out_at is None


def test_a_number_that_others_have_stays_with_its_no_but_without_words_about_the_person() -> None:
    quintessa, child = make_quintessa(), make_contact("Mia")
    for evidence in ("Quintessa said so", "by letter"):
        record_optout(child.phone_id or 0, scope="all", source="staff", at=timezone.now(), evidence=evidence)
        record_optin(
            child.phone_id or 0, scope="all", evidence="x", by=make_user(evidence), at=timezone.now()
        )
    plan = plan_erasure(quintessa)
    assert [number.e164 for number in plan.staying] == [SARAH]
    assert [number.e164 for number in plan.going] == [OTHER]
    erase(quintessa)
    assert PhoneNumber.objects.filter(e164=SARAH).exists()
    assert "Quintessa" not in str(list(ConsentEntry.objects.values_list("evidence", flat=True)))
    assert ConsentEntry.objects.filter(evidence="by letter").exists()
    assert erase(child).erased_at, "and goes with the last who has it"
    assert not PhoneNumber.objects.filter(e164=SARAH).exists()


def test_a_wish_that_can_not_be_kept_is_said() -> None:
    quintessa = make_quintessa(preferred_channel="never", other_phone=None)
    make_contact("Mia")
    plan = plan_erasure(quintessa)
    assert (plan.keeps_no, plan.loses_wish) == (False, True)


def test_a_former_number_goes_too_and_one_that_staff_verified_stays() -> None:
    quintessa = make_quintessa()
    give_history(quintessa)
    Contact.objects.filter(pk=quintessa.pk).update(phone=make_number(FORMER))
    PhoneNumber.objects.filter(e164=OTHER).update(verified_at=timezone.now())
    erase(quintessa)
    left = PhoneNumber.objects.filter(erased_at=None).values_list("e164", flat=True)
    assert list(left) == [OTHER]


def test_an_erased_number_is_told_to_nobody_and_never_dialled() -> None:
    quintessa = make_quintessa()
    record_optout(quintessa.phone_id or 0, scope="all", source="staff", at=timezone.now())
    ListedNumber.objects.create(number=make_number())
    erase(quintessa)
    [number] = PhoneNumber.objects.exclude(erased_at=None).filter(voice_opted_out_at__isnull=False)
    assert number.kind_fault
    assert "•" in str(number)
    report = push_contacts()
    assert (report.sent, report.failed) == (0, 0)


def test_a_no_that_comes_late_for_a_call_about_the_erased_is_heard() -> None:
    from webhooks.applying import apply_event

    quintessa = make_quintessa(other_phone=None)
    call = give_history(quintessa)
    erase(quintessa)
    body = json.dumps({"event": "contact.optout", "call_id": "zz", "to": SARAH}).encode()
    event = WebhookEvent.objects.create(
        call=call, purpose="status", content_type="application/json", body=body, digest="3",
        received_at=timezone.now(),
    )  # fmt: skip
    apply_event(event.pk)
    assert PhoneNumber.objects.get(e164=SARAH).voice_opted_out_at is not None


# --- when not -------------------------------------------------------------------------------------------


def test_with_appointments_ahead_they_are_cancelled_first() -> None:
    quintessa = make_quintessa()
    visit = make_appointment(quintessa)
    with pytest.raises(ErasureRefused, match="Cancel these first"):
        erase(quintessa)
    cancel_appointment(visit.pk)
    assert erase(quintessa).erased_at


def test_while_a_call_has_no_result_nobody_is_erased(client: Client) -> None:
    quintessa = make_quintessa()
    give_history(quintessa)
    CallRecord.objects.update(state="unknown", ended_at=None)
    client.force_login(make_user(role=MANAGER))
    answer = client.post(f"/contacts/{quintessa.pk}/erase/")
    assert answer.status_code == 422
    assert "A call about them has no result yet." in answer.content.decode()
    assert Contact.objects.get().first_name == "Quintessa"


def test_nobody_is_erased_twice() -> None:
    quintessa = erase(make_quintessa())
    with pytest.raises(ErasureRefused, match="already"):
        erase_person(quintessa.pk, by=make_user())


def test_the_page_says_what_goes_and_what_stays_and_asks_for_its_permission(client: Client) -> None:
    quintessa = make_quintessa()
    give_history(quintessa)
    make_contact("Mia", number=OTHER)
    address = f"/contacts/{quintessa.pk}/erase/"
    client.force_login(make_user("desk", role=FRONT_DESK))
    assert client.post(address).status_code == 403
    client.force_login(make_user(role=MANAGER))
    page = client.get(address).content.decode()
    for words in (
        "The number +1 ••• ••• ••00",
        "since somebody else has it too",
        "1 appointment without a name",
        "a list that still names them brings them back",
    ):
        assert words in page, words
    assert Contact.objects.get(pk=quintessa.pk).erased_at is None
    assert client.post(address)["Location"] == f"/contacts/{quintessa.pk}/"
    assert Contact.objects.get(pk=quintessa.pk).erased_at


def test_the_admin_deletes_nobody_with_a_history(office: Client) -> None:
    quintessa = make_quintessa()
    address = f"/admin/contacts/contact/{quintessa.pk}/delete/"
    make_appointment(quintessa)
    assert office.get(address).status_code == 403
    page = office.get("/admin/contacts/contact/").content.decode()
    assert "delete_selected" not in page


@pytest.mark.django_db(transaction=True)
def test_a_number_that_is_being_erased_is_waited_for_and_then_made_anew_with_its_no() -> None:
    quintessa = make_quintessa(preferred_channel="never", other_phone=None)
    parsed, by = parse_number(SARAH, "US"), make_user()

    def add() -> PhoneNumber:
        try:
            return create_numbers([parsed])[SARAH]
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            erase_contact(lock_erasure(quintessa.pk), by=by)
            adding = threads.submit(add)
            wait_until_somebody_waits()
        number = adding.result()
    assert number.voice_opted_out_at is not None
    assert PhoneNumber.objects.get(e164=SARAH) == number


def test_whoever_erases_a_person_keeps_no_search_for_them_either(client: Client, settings: Settings) -> None:
    settings.IDLE_MINUTES = 15
    quintessa = make_quintessa()
    client.force_login(make_user(role=MANAGER))
    with time_machine.travel(timezone.now()) as clock:
        client.post("/contacts/", {"q": quintessa.first_name})
        assert client.session["searches"]
        clock.shift(60)  # so that the session is written again
        assert client.post(f"/contacts/{quintessa.pk}/erase/").status_code == 302
    assert not client.session.get("searches")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("ending", ["locked", "logged out"])
def test_an_erasure_undoes_nothing_that_a_session_is_told_meanwhile(ending: str) -> None:
    quintessa, by = make_quintessa(), make_user()
    session = SessionStore()
    session["searches"] = {"~1": quintessa.first_name, "~2": "Hargreaves"}
    session.save()

    def erase() -> None:
        try:
            erase_person(quintessa.pk, by=by)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            if ending == "locked":
                session["desk_locked"] = True
                session.save()
            else:
                session.delete()
            erasing = threads.submit(erase)
            wait_until_somebody_waits()
        erasing.result()
    left = SessionStore(session.session_key).load()
    assert left == ({"searches": {"~2": "Hargreaves"}, "desk_locked": True} if ending == "locked" else {})


def wait_until_somebody_waits() -> None:
    deadline = timezone.now() + timedelta(seconds=20)
    with connection.cursor() as cursor:
        while timezone.now() < deadline:
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
            if cursor.fetchone()[0]:
                return
    raise AssertionError("nobody waited for the erasure")
