"""The admin: every model is there, history is read-only, lists are fast and numbers masked."""

import uuid
from collections.abc import Iterable
from datetime import time, timedelta

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from contacts.api_tokens import make_api_token
from contacts.models import (
    Appointment,
    AppointmentChange,
    AuditEntry,
    ClosedDay,
    ConsentEntry,
    Contact,
    ContactId,
    ContactLogEntry,
    ContactMerge,
    DistinctPair,
    ErasedOptOut,
    ImportBatch,
    ImportChange,
    ImportedRecords,
    ImportFile,
    ImportPart,
    ImportProblem,
    KeptByUndo,
    Location,
    NumberLook,
    OpeningHours,
    OverwrittenValues,
    PhoneNumber,
    Provider,
    RejectedRow,
    SourceAnswers,
    StaffLanguage,
    WatchedCalendar,
    WatchedFile,
    WatchedFolder,
)
from contacts.optouts import record_optout
from contacts.roles import AUDITOR
from reminders.campaigns.history import record_version
from reminders.models import (
    Absence,
    AbsenceVisit,
    AssumptionTrial,
    CallBatch,
    CallCompanion,
    CallCount,
    CallRecord,
    Campaign,
    DatabaseIdentity,
    EvidenceHold,
    EvidenceLook,
    FollowUp,
    FollowUpDeed,
    FrozenCounts,
    Heartbeat,
    ListedNumber,
    LiveCheck,
    OptOutConfirmation,
    Pronunciation,
    ReceivedText,
    Reminder,
    ReportMark,
    ResultCount,
    SavedFilter,
    Script,
    SendingSwitch,
    StaffText,
    TestCall,
    TextTemplate,
    VisitCount,
)
from tests.office import address_of, make_call, make_colleague, make_event
from tests.people import (
    make_appointment,
    make_campaign,
    make_contact,
    make_due_reminder,
    make_location,
    make_number,
    make_step,
    make_user,
)
from webhooks.models import (
    CalendarFeed,
    DeliveryAttempt,
    EventDismissal,
    OutgoingDelivery,
    OutgoingEndpoint,
    OutgoingEvent,
    RetentionRun,
    WebhookEvent,
)

pytestmark = pytest.mark.django_db

APPS = ("contacts", "reminders", "webhooks")
WITH_THEIR_LOCATION: set[type[Model]] = {OpeningHours}  # edited on its page
IN_THE_MENU: set[type[Model]] = {SavedFilter, StaffLanguage}  # each person's own
OURS: list[type[Model]] = [
    model
    for app in APPS
    for model in apps.get_app_config(app).get_models()
    if model not in WITH_THEIR_LOCATION | IN_THE_MENU
]
HISTORY: list[type[Model]] = [
    Absence,
    AbsenceVisit,
    AppointmentChange,
    AssumptionTrial,
    AuditEntry,
    CallBatch,
    CallCompanion,
    CallCount,
    DatabaseIdentity,
    CallRecord,
    ConsentEntry,
    ContactId,
    ContactLogEntry,
    ContactMerge,
    DeliveryAttempt,
    ErasedOptOut,
    EventDismissal,
    EvidenceLook,
    FrozenCounts,
    RetentionRun,
    FollowUpDeed,
    Heartbeat,
    ImportBatch,
    ImportChange,
    ImportFile,
    ImportPart,
    ImportedRecords,
    ImportProblem,
    KeptByUndo,
    OverwrittenValues,
    RejectedRow,
    ListedNumber,
    LiveCheck,
    NumberLook,
    OutgoingDelivery,
    OutgoingEvent,
    ReceivedText,
    Reminder,
    ReportMark,
    ResultCount,
    SourceAnswers,
    StaffText,
    TestCall,
    VisitCount,
    WatchedCalendar,
    WatchedFile,
    WatchedFolder,
    WebhookEvent,
]


def make_one_of_each_model(index: int) -> None:
    """At least one more row of every model, except singletons."""
    now = timezone.now()
    user = make_colleague(f"user{index}")
    location = make_location(f"Place {index}")
    ClosedDay.objects.create(location=location, date=now.date())
    OpeningHours.objects.create(location=location, weekday=0, opens=time(8), closes=time(17))
    contact = make_person(index, user)
    assert contact.phone is not None
    DatabaseIdentity.objects.get_or_create(pk=1)
    campaign = make_campaign(f"Campaign {index}", created_by=user)
    campaign.locations.add(location)
    make_step(campaign)
    record_version(campaign.pk, "created", by=user)
    reminder = make_due_reminder_of(contact, location, campaign)
    call = make_call(reminder, ordered_by=user)
    event = make_event(call)
    EventDismissal.objects.create(event=event, reason="A test of theirs.", by=user, at=now)
    EvidenceLook.objects.create(call=call, by=user, how="page", at=now)
    EvidenceHold.objects.create(call=call, reason="A complaint.", by=user, at=now)
    RetentionRun.objects.create(begun_at=now, counts={"events": index})
    CallCompanion.objects.create(call=call, reminder=make_due_reminder_of(contact, location, campaign))
    make_import(index, contact, user)
    Heartbeat.objects.create(name=f"sweep {index}", at=now)
    make_api_token(f"System {index}", scopes=["contacts:read"], expires_at=now, by=user)
    test = TestCall.objects.create(
        by=user, number=contact.phone, channel="voice", mode="trial", message="Hello", text="Hello"
    )
    AssumptionTrial.objects.create(
        assumption="answers", result="as_assumed", is_real=True, by=user, test_call=test
    )
    LiveCheck.objects.create(name=f"check {index}", passed=True, by=user, at=now)
    make_absence(index, reminder.appointment, user)
    make_texts(index, contact.phone, user)
    Script.objects.create(name=f"Script {index}")
    Pronunciation.objects.create(written=f"Dr{index}", spoken="Doctor", language="en")
    make_outgoing(index, user)
    make_counts(index, location, campaign)
    follow_up = FollowUp.objects.create(
        kind="missed", contact=contact, appointment=reminder.appointment, due_at=now, taken_by=user
    )
    FollowUpDeed.objects.create(follow_up=follow_up, act=uuid.uuid4(), what="taken", by=user, at=now)


def make_person(index: int, user: User) -> Contact:
    """Somebody with a number, and all that is kept of both."""
    now = timezone.now()
    contact = make_contact(f"Person{index}", number=f"+1202555{index:04d}")
    assert contact.phone is not None
    record_optout(contact.phone.pk, scope="sms", source="staff", at=now, by=user)
    double = make_contact(f"Double{index}", number=None)
    ContactId.objects.create(contact=contact, source="pms", external_id=str(index))
    ContactMerge.objects.create(survivor=contact, merged_id=10**9 + index, by=user, at=now)
    ContactLogEntry.objects.create(contact=contact, what="exported", by=user)
    DistinctPair.objects.create(one=contact, other=double, by=user)
    AuditEntry.objects.create(at=now, kind="look", what="contact", by=user, contact_key=contact.pk)
    ErasedOptOut.objects.create(digest=f"{index:064}", voice_opted_out_at=now)
    ListedNumber.objects.create(number=contact.phone)
    NumberLook.objects.create(number=contact.phone, by=user, day=now.date(), at=now)
    OptOutConfirmation.objects.create(
        entry=contact.phone.consent_entries.get(), from_number="+18005550199", text="You get no more texts."
    )
    return contact


def make_import(index: int, contact: Contact, user: User) -> None:
    """A list that was imported, with all that is kept of it, and what is watched for lists."""
    now = timezone.now()
    batch = ImportBatch.objects.create(file_name=f"{index}.csv", by=user, applied_at=now, counts={"new": 1})
    ImportFile.objects.create(batch=batch, content=b"First name")
    ImportPart.objects.create(batch=batch, lines=[2, 3])
    folder = WatchedFolder.objects.create(name=f"system-{index}", source=f"system-{index}")
    WatchedFile.objects.create(folder=folder, name="list.csv", batch=batch)
    WatchedCalendar.objects.create(name=f"Room {index}", address="https://a.example/x.ics", source="room")
    ImportProblem.objects.create(batch=batch, weight="note", line=index, column="Mobile")
    SourceAnswers.objects.create(source=f"system {index}", answers={"location": "Elm"})
    ImportChange.objects.create(batch=batch, what="renamed", line=index, contact=contact, about="Sarah Lind")
    ImportedRecords.objects.create(batch=batch, at=now)
    OverwrittenValues.objects.create(batch=batch, contact=contact)
    KeptByUndo.objects.create(batch=batch, what="contact", why="changed", about="Sarah Lind", contact=contact)
    RejectedRow.objects.create(batch=batch, line=index, cells=["Sarah"], problem="Mobile: too short")


def make_absence(index: int, visit: Appointment, user: User) -> None:
    """A provider's day that was cancelled as a whole."""
    assert visit.provider is not None
    absence = Absence.objects.create(
        public_id=f"form-{index}",
        provider=visit.provider,
        day=visit.local_start.date(),
        deed="cancel",
        by=user,
    )
    AbsenceVisit.objects.create(
        absence=absence,
        appointment=visit,
        seen_revision=1,
        starts_before=visit.starts_at,
        ends_before=visit.ends_at,
    )


def make_texts(index: int, number: PhoneNumber, user: User) -> None:
    """A text in each direction, and words to begin one with."""
    StaffText.objects.create(number=number, by=user, from_number="+18005550199", text="Hello")
    ReceivedText.objects.create(
        event=index, number=number, text="Hello", meaning="unclear", at=timezone.now(), needs_reader=True
    )
    TextTemplate.objects.create(name=f"Template {index}", text="We are running late.")


def make_counts(index: int, location: Location, campaign: Campaign) -> None:
    """A row of each table that reports are read from."""
    day = {"location": location, "day": timezone.now(), "weekday": 1, "is_pretend": False, "count": index + 1}
    step = campaign.steps.get()
    CallCount.objects.create(
        **day, campaign=campaign, hour=9, step=step, script_text=step.script.texts.get(), channel="voice"
    )
    VisitCount.objects.create(**day, status="arrived", contact_made=4)
    ResultCount.objects.create(**day, result="confirmed", hours_ahead=24)
    ReportMark.objects.create(what="hour", row_id=index)
    FrozenCounts.objects.create(before=timezone.now().date())


def make_outgoing(index: int, user: User) -> None:
    """What other systems are told, of an opt-out that there is."""
    endpoint = OutgoingEndpoint.objects.create(name=f"System {index}", url="https://hooks.example", types=[])
    event = OutgoingEvent.objects.latest("pk")  # of the opt-out
    delivery = OutgoingDelivery.objects.create(endpoint=endpoint, event=event)
    DeliveryAttempt.objects.create(delivery=delivery, status=500)
    provider = Provider.objects.create(name=f"Dr. {index}")
    CalendarFeed.objects.create(provider=provider, name="phone", token_digest=f"{index}", made_by=user)


def make_due_reminder_of(contact: Contact, location: Location, campaign: Campaign) -> Reminder:
    appointment = make_appointment(contact, location=location)
    now = timezone.now()
    return Reminder.objects.create(
        appointment=appointment,
        step=campaign.steps.get(),
        revision=1,
        due_at=now,
        not_after=now + timedelta(hours=2),
        next_look_at=now,
        channel="voice",
        reason="due",
    )


def test_every_model_is_registered() -> None:
    assert [model for model in OURS if not admin.site.is_registered(model)] == []


def test_the_admin_index_names_callboard(office: Client) -> None:
    assert "Callboard" in office.get("/admin/").content.decode()


def test_each_list_can_be_searched_and_each_object_opened(office: Client) -> None:
    make_one_of_each_model(0)
    office.get(address_of(SendingSwitch))
    for model in OURS:
        searched = "?q=no-such-thing" if admin.site.get_model_admin(model).search_fields else ""
        for place in ("", searched, f"{model._default_manager.all()[0].pk}/change/"):
            assert office.get(address_of(model, place), follow=True).status_code == 200, (model, place)


def test_each_list_needs_as_many_queries_for_eight_rows_as_for_two(office: Client) -> None:
    for index in range(2):
        make_one_of_each_model(index)
    for model in OURS:  # caches of content types are warm after that
        office.get(address_of(model))
    few = {model.__name__: count_queries(office, address_of(model)) for model in OURS}
    for index in range(2, 8):
        make_one_of_each_model(index)
    assert {model.__name__: count_queries(office, address_of(model)) for model in OURS} == few


def count_queries(office: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert office.get(address, follow=True).status_code == 200
    return len(queries)


def test_even_a_superuser_can_not_add_change_or_delete_history(office: Client) -> None:
    make_one_of_each_model(0)
    office.get(address_of(SendingSwitch))
    kept: list[type[Model]] = [*HISTORY, FollowUp, SendingSwitch]
    for model in kept:
        row = model._default_manager.all()[0]
        assert office.post(address_of(model, "add/"), {}).status_code == 403, model
        assert office.post(address_of(model, f"{row.pk}/change/"), {}).status_code == 403, model
        assert office.post(address_of(model, f"{row.pk}/delete/"), {"post": "yes"}).status_code == 403, model
        wipe = {"action": "delete_selected", "_selected_action": [str(row.pk)], "post": "yes"}
        office.post(address_of(model), wipe)
        assert model._default_manager.filter(pk=row.pk).exists(), model


@pytest.mark.parametrize(
    "model",
    [PhoneNumber, Contact, ConsentEntry, CallRecord, Reminder, FollowUp],
    ids=lambda model: model.__name__,
)
def test_lists_show_only_masked_numbers(office: Client, model: type[Model]) -> None:
    make_one_of_each_model(0)
    page = office.get(address_of(model)).content.decode()
    assert "2025550000" not in page
    assert "555-0000" not in page


def test_a_numbers_page_says_why_it_can_not_be_used(office: Client) -> None:
    number = make_number()
    number.unusable_since, number.unusable_reason = timezone.now(), "rejected"
    number.unusable_detail = "to: not a mobile"
    number.save()
    page = office.get(address_of(PhoneNumber, f"{number.pk}/change/")).content.decode()
    assert "Robotalker did not accept the number. Robotalker: “to: not a mobile”" in page


CALL_QUESTIONS = [
    ("state__exact=voicemail", ["V"], "which went to voicemail"),
    ("outcome=waits", ["U"], "which are still waited for"),
    ("outcome=there", ["C", "V"], "which have come to an end"),
    ("key=1", ["C"], "who confirmed"),
    ("key=none", ["U", "V"], "who pressed nothing"),
    ("key=any", ["C"], "who pressed anything"),
    ("key=other", [], "who pressed another key"),
]


@pytest.mark.parametrize(("question", "names", "reason"), CALL_QUESTIONS)
def test_each_filter_of_the_call_list_selects_the_right_calls(
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


def test_lists_show_times_by_the_practices_clock(office: Client) -> None:
    make_location(time_zone="Asia/Kolkata")
    moment = timezone.now().replace(hour=4, minute=7)
    Heartbeat.objects.create(name="dispatch", at=moment)
    assert "9:37 am" in office.get(address_of(Heartbeat)).content.decode()


@pytest.mark.parametrize(
    "looked_for",
    [
        "webhooks/outgoingendpoint/?secret__startswith=whsec_",
        "webhooks/outgoingendpoint/?old_secret__gt=a",
        "contacts/watchedcalendar/?address__contains=token",
        "contacts/apitoken/?digest__startswith=a",
        "webhooks/calendarfeed/?token_digest__startswith=a",
        "reminders/testcall/?code_hash__startswith=pbkdf2",
        "contacts/phonenumber/?unusable_detail__regex=a",
    ],
)
def test_who_may_look_finds_out_no_secret_letter_by_letter(looked_for: str) -> None:
    """Of what a list doesn't show, its address says nothing either."""
    client = Client()
    client.force_login(make_user("olga", role=AUDITOR, is_staff=True))
    assert client.get(f"/admin/{looked_for.partition('?')[0]}").status_code == 200
    assert client.get(f"/admin/{looked_for}").status_code == 400
