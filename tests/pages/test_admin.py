"""The admin: everything is there, history can't be edited, and lists stay quick and discreet."""

import uuid
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from contacts.models import (
    AppointmentChange,
    ClosedDay,
    ConsentEntry,
    Contact,
    ImportBatch,
    ImportProblem,
    Location,
    PhoneNumber,
)
from contacts.models.people import Channel
from contacts.optouts import record_optout
from contacts.roles import ensure_roles
from reminders.models import (
    CallBatch,
    CallRecord,
    Campaign,
    FollowUp,
    Heartbeat,
    Reminder,
    Script,
    ScriptText,
    SendingSwitch,
    Step,
)
from reminders.sending import read_switch
from reminders.states import CallState
from tests.people import (
    SARAH,
    make_campaign,
    make_contact,
    make_due_reminder,
    make_location,
    make_step,
)
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db

OURS: list[type[Model]] = [
    model for app in ("contacts", "reminders", "webhooks") for model in apps.get_app_config(app).get_models()
]
HISTORY: list[type[Model]] = [
    AppointmentChange,
    CallBatch,
    CallRecord,
    ConsentEntry,
    Heartbeat,
    ImportBatch,
    ImportProblem,
    Reminder,
    WebhookEvent,
]


def make_colleague(username: str, **fields: bool) -> User:
    """Somebody who never types a password: hashing one takes long, on purpose."""
    return User.objects.create(username=username, **fields)


@pytest.fixture
def sam() -> User:
    return make_colleague("sam", is_staff=True, is_superuser=True)


@pytest.fixture
def office(sam: User) -> Client:
    client = Client()
    client.force_login(sam)
    return client


def address_of(model: type[Model], page: str = "") -> str:
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/{page}"


def make_call(reminder: Reminder, **fields: Any) -> CallRecord:
    return CallRecord.objects.create(
        reminder=reminder,
        number_id=reminder.appointment.contact.phone_id or 0,
        batch=CallBatch.objects.create(robotalker_id=f"cmp_{reminder.pk}"),
        channel=Channel.VOICE,
        try_number=1,
        from_number="+18005550199",
        script_text=reminder.step.script.texts.earliest("pk"),
        text="Hello",
        submitting_at=timezone.now(),
        **{"state": CallState.ANSWERED, **fields},
    )


def make_event(call: CallRecord, body: bytes = b'{"event": "call.completed"}', **fields: Any) -> WebhookEvent:
    return WebhookEvent.objects.create(
        call=call, purpose="status", body=body, digest=uuid.uuid4().hex, received_at=timezone.now(), **fields
    )


def make_a_bit_of_everything(index: int) -> None:
    """At least one more row of every model that there can be more than one of."""
    now = timezone.now()
    user = make_colleague(f"user{index}")
    location = make_location(f"Place {index}")
    ClosedDay.objects.create(location=location, date=now.date())
    contact = make_contact(f"Person{index}", number=f"+1202555{index:04d}")
    record_optout(contact.phone_id or 0, scope="sms", source="staff", at=now, by=user)
    campaign = make_campaign(f"Campaign {index}", created_by=user)
    campaign.locations.add(location)
    Step.objects.all().delete() if index == 0 else None
    make_step(campaign)
    reminder = make_due_reminder_of(contact, location, campaign)
    call = make_call(reminder, ordered_by=user)
    make_event(call)
    batch = ImportBatch.objects.create(file_name=f"{index}.csv", by=user, applied_at=now, counts={"new": 1})
    ImportProblem.objects.create(batch=batch, weight="note", line=index, column="Mobile")
    Heartbeat.objects.create(name=f"sweep {index}", at=now)
    Script.objects.create(name=f"Script {index}")
    FollowUp.objects.create(
        kind="missed", contact=contact, appointment=reminder.appointment, due_at=now, taken_by=user
    )


def make_due_reminder_of(contact: Contact, location: Location, campaign: Campaign) -> Reminder:
    from tests.people import make_appointment

    appointment = make_appointment(contact, location=location)
    now = timezone.now()
    return Reminder.objects.create(
        appointment=appointment,
        step=campaign.steps.get(),
        revision=1,
        due_at=now,
        not_after=now + timedelta(hours=2),
        next_look_at=now,
        reason="due",
    )


def test_every_model_is_registered() -> None:
    assert [model for model in OURS if not admin.site.is_registered(model)] == []


def test_the_admin_says_whose_it_is(office: Client) -> None:
    assert "Callboard" in office.get("/admin/").content.decode()


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_each_list_and_page_opens_and_can_be_searched(office: Client, model: type[Model]) -> None:
    make_a_bit_of_everything(0)
    office.get(address_of(SendingSwitch))
    searched = "?q=no-such-thing" if admin.site.get_model_admin(model).search_fields else ""
    assert office.get(address_of(model)).status_code == 200
    assert office.get(address_of(model, searched)).status_code == 200
    assert office.get(address_of(model, f"{model._default_manager.all()[0].pk}/change/")).status_code == 200


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_each_list_needs_as_many_queries_for_eight_rows_as_for_two(
    office: Client, model: type[Model], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for index in range(2):
        make_a_bit_of_everything(index)
    office.get(address_of(model))  # caches of content types are warm after that
    with CaptureQueriesContext(connection) as queries:
        office.get(address_of(model))
    for index in range(2, 8):
        make_a_bit_of_everything(index)
    with django_assert_num_queries(len(queries)):
        office.get(address_of(model))


@pytest.mark.parametrize("model", [*HISTORY, FollowUp, SendingSwitch], ids=lambda model: model.__name__)
def test_history_can_not_be_added_changed_or_deleted_even_by_a_superuser(
    office: Client, model: type[Model]
) -> None:
    make_a_bit_of_everything(0)
    office.get(address_of(SendingSwitch))
    row = model._default_manager.all()[0]
    assert office.post(address_of(model, "add/"), {}).status_code == 403
    assert office.post(address_of(model, f"{row.pk}/change/"), {}).status_code == 403
    assert office.post(address_of(model, f"{row.pk}/delete/"), {"post": "yes"}).status_code == 403
    wipe = {"action": "delete_selected", "_selected_action": [str(row.pk)], "post": "yes"}
    office.post(address_of(model), wipe)
    assert model._default_manager.filter(pk=row.pk).exists()


@pytest.mark.parametrize(
    "model",
    [PhoneNumber, Contact, ConsentEntry, CallRecord, Reminder, FollowUp],
    ids=lambda model: model.__name__,
)
def test_lists_never_show_a_whole_number(office: Client, model: type[Model]) -> None:
    make_a_bit_of_everything(0)
    page = office.get(address_of(model)).content.decode()
    assert "2025550000" not in page
    assert "555-0000" not in page


CALL_QUESTIONS = [
    ("state__exact=voicemail", ["V"], "which went to voicemail"),
    ("outcome=waits", ["U"], "which are still waited for"),
    ("outcome=there", ["C", "V"], "which have come to an end"),
    ("key=1", ["C"], "who confirmed"),
    ("key=none", ["U", "V"], "who pressed nothing"),
    ("key=any", ["C"], "who pressed anything"),
    ("key=other", [], "who pressed a key without a meaning"),
]


@pytest.mark.parametrize(("question", "names", "reason"), CALL_QUESTIONS)
def test_filters_of_calls_answer_real_questions(
    office: Client, question: str, names: list[str], reason: str
) -> None:
    rows: Iterable[tuple[str, dict[str, str]]] = [
        ("C", {"state": "answered", "key_pressed": "1"}),
        ("V", {"state": "voicemail"}),
        ("U", {"state": "unknown"}),
    ]
    for index, (name, fields) in enumerate(rows):
        make_call(make_due_reminder(make_contact(name, number=f"+1202555{index:04d}")), **fields)
    found = office.get(address_of(CallRecord, f"?{question}")).context["cl"].queryset
    assert sorted(call.reminder.appointment.contact.first_name for call in found) == names, reason


def test_times_in_lists_are_those_of_the_practice(office: Client) -> None:
    make_location(time_zone="Asia/Kolkata")
    moment = timezone.now().replace(hour=4, minute=7)
    Heartbeat.objects.create(name="dispatch", at=moment)
    assert "9:37 a.m." in office.get(address_of(Heartbeat)).content.decode()


# --- campaigns and scripts -------------------------------------------------------------------------


def act(office: Client, model: type[Model], action: str, *rows: Model) -> str:
    wish = {"action": action, "_selected_action": [str(row.pk) for row in rows]}
    return office.post(address_of(model), wish, follow=True).content.decode()


def test_activating_a_campaign_starts_it_from_now(office: Client) -> None:
    campaign = make_campaign(state="draft", activated_at=None)
    before = timezone.now()
    act(office, Campaign, "activate", campaign)
    campaign.refresh_from_db()
    assert campaign.state == "active"
    assert campaign.activated_at is not None
    assert campaign.activated_at >= before


def test_activating_an_active_campaign_changes_nothing(office: Client) -> None:
    campaign = make_campaign()
    before = campaign.activated_at
    act(office, Campaign, "activate", campaign)
    campaign.refresh_from_db()
    assert campaign.activated_at == before


def test_a_campaign_is_paused_and_copied_as_a_draft(office: Client) -> None:
    campaign = make_campaign()
    make_step(campaign)
    act(office, Campaign, "pause", campaign)
    act(office, Campaign, "copy", campaign)
    copy = Campaign.objects.exclude(pk=campaign.pk).get()
    assert (Campaign.objects.get(pk=campaign.pk).state, copy.state, copy.steps.count()) == (
        "paused",
        "draft",
        1,
    )


def test_the_state_of_a_campaign_is_no_field_of_a_form(office: Client) -> None:
    campaign = make_campaign(state="draft", activated_at=None)
    page = office.get(address_of(Campaign, f"{campaign.pk}/change/")).content.decode()
    assert 'name="state"' not in page
    assert 'name="activated_at' not in page


def write_script(script: Script, texts: list[dict[str, str]], initial: int) -> dict[str, str]:
    """What the admin's form of a script sends."""
    form = {"name": script.name, "texts-TOTAL_FORMS": str(len(texts)), "texts-INITIAL_FORMS": str(initial)}
    for index, text in enumerate(texts):
        form |= {f"texts-{index}-{name}": value for name, value in text.items()}
        form[f"texts-{index}-script"] = str(script.pk)
    return form


def test_words_that_were_used_stay_and_a_new_version_is_added_beside_them(office: Client) -> None:
    make_call(make_due_reminder())
    used = ScriptText.objects.get()
    texts = [
        {"id": str(used.pk), "language": "en", "voice": "x", "text": "Changed"},
        {"id": "", "language": "en", "voice": "", "text": "Hello again {FIRST_NAME}"},
    ]
    form = write_script(used.script, texts, initial=1)
    assert office.post(address_of(Script, f"{used.script_id}/change/"), form).status_code == 302
    now = dict(ScriptText.objects.values_list("version", "text"))
    assert now == {1: used.text, 2: "Hello again {FIRST_NAME}"}


def test_words_that_were_never_used_can_be_edited(office: Client) -> None:
    make_step()
    unused = ScriptText.objects.get()
    form = write_script(
        unused.script, [{"id": str(unused.pk), "language": "en", "voice": "", "text": "Changed"}], initial=1
    )
    office.post(address_of(Script, f"{unused.script_id}/change/"), form)
    assert ScriptText.objects.get().text == "Changed"


# --- numbers, events, the switch -------------------------------------------------------------------


def test_the_flags_of_a_number_are_no_fields_of_a_form(office: Client) -> None:
    sarah = make_contact()
    form = {"consent_basis": "given_for_care", "voice_opted_out_at_0": "2026-01-01", "e164": "+12025550177"}
    form |= {"consent_entries-TOTAL_FORMS": "0", "consent_entries-INITIAL_FORMS": "0"}
    office.post(address_of(PhoneNumber, f"{sarah.phone_id}/change/"), form)
    number = PhoneNumber.objects.get()
    assert (number.e164, number.voice_opted_out_at) == (SARAH, None)


def test_a_number_and_its_optout_can_not_be_deleted(office: Client) -> None:
    number = make_contact().phone
    assert number is not None
    Contact.objects.all().delete()
    assert office.post(address_of(PhoneNumber, f"{number.pk}/delete/"), {"post": "yes"}).status_code == 403


@pytest.mark.parametrize(("evidence", "basis"), [("form of 3 May", "written"), ("", "given_for_care")])
def test_a_consent_basis_changes_only_with_what_shows_it(
    office: Client, sam: User, evidence: str, basis: str
) -> None:
    number_id = make_contact().phone_id
    form = {"consent_basis": "written", "evidence": evidence}
    form |= {"consent_entries-TOTAL_FORMS": "0", "consent_entries-INITIAL_FORMS": "0"}
    office.post(address_of(PhoneNumber, f"{number_id}/change/"), form)
    assert PhoneNumber.objects.get().consent_basis == basis
    assert [entry.by for entry in ConsentEntry.objects.all()] == ([sam] if evidence else [])


def test_the_body_of_an_event_is_shown_as_text_and_nothing_else(office: Client) -> None:
    event = make_event(make_call(make_due_reminder()), body=b'{"a": "<script>alert(1)</script>\xff"}')
    page = office.get(address_of(WebhookEvent, f"{event.pk}/change/")).content.decode()
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert(1)" not in page


def test_an_event_that_failed_is_applied_again(office: Client) -> None:
    call = make_call(make_due_reminder(), state=CallState.SUBMITTED, robotalker_id="cal_9x7k2m4p")
    body = (
        b'{"event": "call.voicemail", "call_id": "cal_9x7k2m4p", "to": "+12025550100", "status": "voicemail",'
        b' "duration_seconds": 28, "amd_result": "machine", "timestamp": "2026-04-15T10:30:45Z"}'
    )
    event = make_event(call, body, state="failed", attempts=8, error="Traceback")
    assert "1 of 1 are applied." in act(office, WebhookEvent, "apply_again", event)
    call.refresh_from_db()
    assert call.state == CallState.VOICEMAIL


def test_sending_is_paused_and_resumed_by_name(office: Client, sam: User) -> None:
    office.get(address_of(SendingSwitch))
    act(office, SendingSwitch, "pause", SendingSwitch.objects.get())
    assert (read_switch().by, read_switch().cause) == (sam, "person")
    act(office, SendingSwitch, "resume", SendingSwitch.objects.get())
    assert read_switch().paused_at is None


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
    ("Manager", Campaign, 200, "arranges campaigns"),
    ("Manager", CallRecord, 200, "reviews calls"),
    ("Manager", User, 403, "makes no users"),
    ("Auditor", WebhookEvent, 200, "sees everything"),
    ("Admin", User, 200, "makes users"),
]


@pytest.mark.parametrize(("role", "model", "status", "reason"), ROLES)
def test_each_role_sees_what_it_needs(role: str, model: type[Model], status: int, reason: str) -> None:
    ensure_roles()
    assert log_in_as(role).get(address_of(model)).status_code == status, reason


def test_an_auditor_changes_nothing() -> None:
    ensure_roles()
    office = log_in_as("Auditor")
    campaign = make_campaign()
    assert office.post(address_of(Campaign, f"{campaign.pk}/change/"), {"name": "x"}).status_code == 403
    act(office, Campaign, "pause", campaign)
    office.get(address_of(SendingSwitch))
    act(office, SendingSwitch, "pause", SendingSwitch.objects.get())
    campaign.refresh_from_db()
    assert (campaign.state, read_switch().paused_at) == ("active", None)


def test_a_manager_may_pause_all_sending() -> None:
    ensure_roles()
    office = log_in_as("Manager")
    office.get(address_of(SendingSwitch))
    act(office, SendingSwitch, "pause", SendingSwitch.objects.get())
    assert read_switch().paused_at is not None


def test_setting_up_roles_twice_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("setup_roles")
    before = {group.name: group.permissions.count() for group in Group.objects.all()}
    call_command("setup_roles")
    assert {group.name: group.permissions.count() for group in Group.objects.all()} == before
    assert set(before) == {"Front desk", "Manager", "Auditor", "Admin"}
    assert "Manager" in capsys.readouterr().out
