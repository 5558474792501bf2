"""The admin: forms, actions and permissions."""

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext

from contacts.models import AppointmentChange, ConsentEntry, Contact, Location, PhoneNumber
from contacts.roles import ensure_roles
from reminders.desk.orders import skip_reminders
from reminders.models import CallRecord, Campaign, Reminder, SendingSwitch
from reminders.rules.reasons import Reason
from reminders.rules.states import CallState, ReminderState
from reminders.traffic.switch import read_switch
from tests.office import act, address_of, make_call, make_colleague, make_event
from tests.people import (
    AREA_CODES,
    SARAH,
    make_contact,
    make_due_reminder,
    make_location,
)
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db


# --- numbers, events, the switch -------------------------------------------------------------------


def test_the_form_of_a_number_can_not_change_its_opt_outs(office: Client) -> None:
    sarah = make_contact()
    form = {"consent_basis": "given_for_care", "voice_opted_out_at_0": "2026-01-01", "e164": "+12025550177"}
    form |= {"consent_entries-TOTAL_FORMS": "0", "consent_entries-INITIAL_FORMS": "0"}
    office.post(address_of(PhoneNumber, f"{sarah.phone_id}/change/"), form)
    number = PhoneNumber.objects.get()
    assert (number.e164, number.voice_opted_out_at) == (SARAH, None)


def test_a_number_with_its_opt_out_can_not_be_deleted(office: Client) -> None:
    number = make_contact().phone
    assert number is not None
    Contact.objects.all().delete()
    assert office.post(address_of(PhoneNumber, f"{number.pk}/delete/"), {"post": "yes"}).status_code == 403


@pytest.mark.parametrize(("evidence", "basis"), [("form of 3 May", "written"), ("", "given_for_care")])
def test_the_consent_basis_can_be_changed_only_with_evidence(
    office: Client, sam: User, evidence: str, basis: str
) -> None:
    number_id = make_contact().phone_id
    form = {"consent_basis": "written", "evidence": evidence}
    form |= {"consent_entries-TOTAL_FORMS": "0", "consent_entries-INITIAL_FORMS": "0"}
    office.post(address_of(PhoneNumber, f"{number_id}/change/"), form)
    assert PhoneNumber.objects.get().consent_basis == basis
    assert [entry.by for entry in ConsentEntry.objects.all()] == ([sam] if evidence else [])


def test_the_body_of_an_event_is_escaped(office: Client) -> None:
    event = make_event(make_call(make_due_reminder()), body=b'{"a": "<script>alert(1)</script>\xff"}')
    page = office.get(address_of(WebhookEvent, f"{event.pk}/change/")).content.decode()
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert(1)" not in page


def test_a_failed_event_can_be_applied_again(office: Client) -> None:
    call = make_call(make_due_reminder(), state=CallState.SUBMITTED, robotalker_id="cal_9x7k2m4p")
    body = (
        b'{"event": "call.voicemail", "call_id": "cal_9x7k2m4p", "to": "+12025550100", "status": "voicemail",'
        b' "duration_seconds": 28, "amd_result": "machine", "timestamp": "2026-04-15T10:30:45Z"}'
    )
    event = make_event(call, body, state="failed", attempts=8, error="Traceback")
    assert "1 of 1 applied." in act(office, WebhookEvent, "apply_again", event)
    call.refresh_from_db()
    assert call.state == CallState.VOICEMAIL


def test_pausing_and_resuming_sending_records_who_did_it(office: Client, sam: User) -> None:
    office.get(address_of(SendingSwitch))
    act(office, SendingSwitch, "pause", SendingSwitch.objects.get())
    assert (read_switch().by, read_switch().cause) == (sam, "person")
    act(office, SendingSwitch, "resume", SendingSwitch.objects.get())
    assert read_switch().paused_at is None


def test_waiting_reminders_are_skipped_in_bulk_and_the_user_is_recorded(office: Client, sam: User) -> None:
    waiting = make_due_reminder()
    under_way = make_due_reminder(make_contact("Noah", number="+12025550142"))
    Reminder.objects.filter(pk=under_way.pk).update(state=ReminderState.IN_PROGRESS)
    page = act(office, Reminder, "skip", waiting, under_way)
    assert "1 of 2 skipped. The others were no longer waiting" in page
    states = Reminder.objects.values_list("state", "reason")
    assert states.get(pk=waiting.pk) == (ReminderState.SKIPPED, Reason.SKIPPED_BY_PERSON)
    assert states.get(pk=under_way.pk)[0] == ReminderState.IN_PROGRESS
    change = AppointmentChange.objects.get(what=AppointmentChange.What.STEP_SKIPPED)
    assert (change.appointment_id, change.by) == (waiting.appointment_id, sam)


def test_skipping_many_reminders_needs_as_many_queries_as_skipping_a_few(sam: User) -> None:
    def count_statements(many: int) -> int:
        numbers = PhoneNumber.objects.count()
        people = [make_contact(number=f"+1{AREA_CODES[numbers + place]}5550142") for place in range(many)]
        reminders = [make_due_reminder(person).pk for person in people]
        with CaptureQueriesContext(connection) as statements:
            assert skip_reminders(reminders, by=sam) == many
        return len(statements)

    assert count_statements(2) == count_statements(6)


# --- roles -----------------------------------------------------------------------------------------


def log_in_as(role: str) -> Client:
    user = make_colleague(role.lower(), is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    return client


ROLES = [
    ("Front desk", Contact, 200, "sees contacts"),
    ("Front desk", Campaign, 403, "arranges no campaigns"),
    ("Manager", Campaign, 200, "looks at the history of campaigns"),
    ("Manager", CallRecord, 200, "reviews calls"),
    ("Manager", User, 403, "makes no users"),
    ("Auditor", WebhookEvent, 200, "sees everything"),
    ("Admin", User, 200, "makes users"),
]


@pytest.mark.parametrize(("role", "model", "status", "reason"), ROLES)
def test_each_role_can_open_the_lists_it_needs(
    role: str, model: type[Model], status: int, reason: str
) -> None:
    ensure_roles()
    assert log_in_as(role).get(address_of(model)).status_code == status, reason


def test_an_auditor_changes_nothing() -> None:
    ensure_roles()
    office = log_in_as("Auditor")
    location = make_location()
    assert office.post(address_of(Location, f"{location.pk}/change/"), {"name": "x"}).status_code == 403
    office.get(address_of(SendingSwitch))
    act(office, SendingSwitch, "pause", SendingSwitch.objects.get())
    location.refresh_from_db()
    assert (location.name, read_switch().paused_at) == ("Downtown", None)


def test_a_manager_may_pause_all_sending() -> None:
    ensure_roles()
    office = log_in_as("Manager")
    office.get(address_of(SendingSwitch))
    act(office, SendingSwitch, "pause", SendingSwitch.objects.get())
    assert read_switch().paused_at is not None


@pytest.mark.parametrize(
    ("role", "state"), [("Manager", ReminderState.SKIPPED), ("Auditor", ReminderState.PLANNED)]
)
def test_only_users_who_may_pause_sending_can_skip_reminders_in_bulk(role: str, state: str) -> None:
    ensure_roles()
    reminder = make_due_reminder()
    act(log_in_as(role), Reminder, "skip", reminder)
    reminder.refresh_from_db()
    assert reminder.state == state


def test_setting_up_roles_twice_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    Group.objects.all().delete()
    call_command("setup_practice")
    before = {group.name: group.permissions.count() for group in Group.objects.all()}
    call_command("setup_practice")
    assert {group.name: group.permissions.count() for group in Group.objects.all()} == before
    assert set(before) == {"Front desk", "Manager", "Auditor", "Admin"}
    assert all(before.values())
    assert "Manager" in capsys.readouterr().out
