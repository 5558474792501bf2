"""Reminders, calls, campaigns and explanations by the API: what the pages show (product rule 18)."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from contacts.appointments import cancel_appointment
from contacts.optouts import record_optout
from reminders.campaigns.drafts import read_draft
from reminders.campaigns.previews import preview_campaign
from reminders.models import CallCompanion, Campaign, Reminder
from reminders.pages.step_explanation import explain_step
from reminders.planning.planner import plan_appointments
from reminders.rules.reasons import Reason, sentence_for
from tests.office import make_call
from tests.people import (
    make_appointment,
    make_campaign,
    make_contact,
    make_due_reminder,
    make_location,
    make_step,
)
from tests.reminders.api.client import ApiClient, read_errors, read_problem

pytestmark = pytest.mark.django_db


def list_ids(api: ApiClient, address: str) -> list[Any]:
    answer = api.get(address)
    assert answer.status_code == 200, answer.content
    return [row["id"] for row in answer.json()["results"]]


def test_a_reminder_is_shown_with_its_reason_and_by_its_locations_clock(api: ApiClient) -> None:
    make_location(time_zone="America/New_York")
    reminder = make_due_reminder()
    Reminder.objects.update(state="skipped", reason=Reason.OPTED_OUT)
    shown = api.get(f"reminders/{reminder.pk}/").json()
    assert shown["state"] == "skipped"
    assert shown["reason"] == Reason.OPTED_OUT
    assert shown["reason_text"] == sentence_for(Reason.OPTED_OUT)
    assert shown["channel"] == "voice"
    assert shown["due_at"] == reminder.due_at.astimezone(ZoneInfo("America/New_York")).isoformat()
    assert api.get("reminders/").json()["results"] == [shown]


def test_reminders_are_filtered(api: ApiClient) -> None:
    first = make_due_reminder()
    later = make_appointment(
        make_contact("Omar", number="+12025550101"), location=make_location("Uptown"),
        starts_at=timezone.now() + timedelta(days=9),
    )  # fmt: skip
    plan_appointments([later.pk])
    second = Reminder.objects.get(appointment=later)
    middle = f"{timezone.now() + timedelta(days=4):%Y-%m-%dT%H:%M:%SZ}"
    for query, expected in {
        "": [first.pk, second.pk],
        f"appointment={later.pk}": [second.pk],
        f"contact={first.appointment.contact_id}": [first.pk],
        f"location={later.location_id}": [second.pk],
        f"campaign={first.step.campaign_id}": [first.pk, second.pk],
        "campaign=4242": [],
        "state=planned": [first.pk, second.pk],
        "state=done": [],
        f"due_before={middle}": [first.pk],
        f"due_from={middle}": [second.pk],
        f"updated_since={middle}": [],
        "limit=1": [first.pk],
    }.items():
        assert list_ids(api, f"reminders/?{query}") == expected, query


def test_a_call_is_shown_with_its_words(api: ApiClient) -> None:
    reminder = make_due_reminder()
    other = make_due_reminder(make_contact("Omar"), starts_at=timezone.now() + timedelta(hours=2))
    call = make_call(reminder, ended_at=timezone.now(), duration_seconds=31, key_pressed="1")
    CallCompanion.objects.create(call=call, reminder=other)
    shown = api.get(f"calls/{call.public_id}/").json()
    assert (shown["id"], shown["number"], shown["text"]) == (call.public_id, "+12025550100", "Hello")
    assert (shown["state"], shown["key_pressed"], shown["duration_seconds"]) == ("answered", "1", 31)
    assert (shown["reminder"], shown["other_reminders"]) == (reminder.pk, [other.pk])
    assert datetime.fromisoformat(shown["ended_at"]) == call.ended_at
    assert shown["submitted_at"] is None
    assert api.get("calls/").json()["results"] == [shown]


def test_calls_are_filtered(api: ApiClient) -> None:
    reminder = make_due_reminder()
    call = make_call(reminder)
    before = f"{timezone.now() - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
    campaign = reminder.step.campaign_id
    for query, found in {
        "": True,
        f"appointment={reminder.appointment_id}": True,
        f"contact={reminder.appointment.contact_id}": True,
        f"location={reminder.appointment.location_id}": True,
        f"campaign={campaign}": True,
        "channel=voice&state=answered": True,
        f"submitted_from={before}": True,
        f"submitted_before={before}": False,
        "channel=sms": False,
        "state=failed": False,
        "contact=4242": False,
    }.items():
        assert list_ids(api, f"calls/?{query}") == ([call.public_id] if found else []), query


def test_a_campaign_is_shown_with_the_steps_that_it_has(api: ApiClient) -> None:
    step = make_step()
    make_step(removed_at=timezone.now())
    campaign = step.campaign
    campaign.locations.add(make_location())
    shown = api.get(f"campaigns/{campaign.pk}/").json()
    assert (shown["name"], shown["state"]) == ("Reminders", "active")
    assert shown["locations"] == [campaign.locations.get().pk]
    assert [(each["id"], each["description"]) for each in shown["steps"]] == [(step.pk, str(step))]
    assert list_ids(api, "campaigns/?state=active") == [campaign.pk]
    assert list_ids(api, "campaigns/?state=draft") == []


def test_a_preview_has_the_numbers_of_its_page(api: ApiClient) -> None:
    step = make_step()
    make_appointment(starts_at=timezone.now() + timedelta(days=2))
    visit = make_appointment(make_contact("Omar", number="+12025550101"))
    assert visit.contact.phone
    record_optout(visit.contact.phone.pk, scope="all", source="staff", at=timezone.now())
    expected = preview_campaign(read_draft(step.campaign_id))
    shown = api.get(f"campaigns/{step.campaign_id}/preview/").json()
    names = ("upcoming", "covered", "called", "reminded", "not_called", "people", "today")
    assert {name: shown[name] for name in names} == {name: getattr(expected, name) for name in names}
    assert shown["called"] == shown["calls"] == 1
    assert shown["reasons"] == [
        {"reason": Reason.OPTED_OUT, "reason_text": sentence_for(Reason.OPTED_OUT), "visits": 1}
    ]
    assert sum(hour["calls"] for hour in shown["hours"]) == 1


@pytest.mark.parametrize("trouble", ["none", "opted out", "cancelled", "paused", "not covered"])
@pytest.mark.parametrize("hours", [0, 2, 300])
def test_an_explanation_is_that_of_the_page(api: ApiClient, trouble: str, hours: int) -> None:
    reminder = make_due_reminder()
    visit, step = reminder.appointment, reminder.step
    assert visit.contact.phone
    if trouble == "opted out":
        record_optout(visit.contact.phone.pk, scope="all", source="staff", at=timezone.now())
    elif trouble == "cancelled":
        cancel_appointment(visit.pk)
    elif trouble == "paused":
        Campaign.objects.update(state="paused", paused_at=timezone.now())
    elif trouble == "not covered":
        step = make_step(make_campaign("Others", kinds=["cleaning"]))
    moment = (timezone.now() + timedelta(hours=hours)).astimezone(UTC)
    expected = explain_step(visit.pk, step.pk, moment)
    address = f"appointments/{visit.pk}/steps/{step.pk}/explanation/?at={moment:%Y-%m-%dT%H:%M:%S.%fZ}"
    answer = api.get(address)
    assert answer.status_code == 200, answer.content
    shown = answer.json()
    assert (shown["sentence"], shown["state"]) == (expected.sentence, expected.state)
    decision = expected.decision
    assert shown["verdict"] == (decision.verdict if decision else None)
    assert shown["reason"] == (decision.reason if decision else "")
    assert [rule["code"] for rule in shown["rules"]] == [rule.code for rule in expected.rules]
    assert [check["title"] for check in shown["planning"]] == [check.title for check in expected.planning]
    assert datetime.fromisoformat(shown["at"]) == moment


def test_an_explanation_without_a_moment_is_that_of_now(api: ApiClient) -> None:
    reminder = make_due_reminder()
    address = f"appointments/{reminder.appointment_id}/steps/{reminder.step_id}/explanation/"
    assert api.get(address).json()["verdict"] == "call"
    assert read_errors(api.get(f"{address}?at=now")) == {"at": "invalid"}


@pytest.mark.parametrize(
    "address",
    [
        *("reminders/1/", "calls/x/", "calls/%00/", "campaigns/1/", "campaigns/1/preview/"),
        *(f"reminders/{10**30}/", f"campaigns/{10**30}/", f"campaigns/{10**30}/preview/"),
        *("appointments/1/steps/1/explanation/", f"appointments/{10**30}/steps/{10**30}/explanation/"),
        *("opt-outs/1/", f"opt-outs/{10**30}/", f"contacts/{10**30}/"),
    ],
)
def test_what_is_not_there_is_a_problem(api: ApiClient, address: str) -> None:
    assert read_problem(api.get(address)) == (404, "not_found")


@pytest.mark.parametrize(("kind", "queries"), [("reminders", 4), ("calls", 5), ("campaigns", 6)])
def test_a_list_takes_few_queries(
    api: ApiClient, django_assert_num_queries: DjangoAssertNumQueries, kind: str, queries: int
) -> None:
    api.get(f"{kind}/")
    for number in range(4):
        contact = make_contact(f"P{number}", number=f"+1202555010{number}")
        make_call(make_due_reminder(contact))
        make_step(make_campaign(f"C{number}")).campaign.locations.add(make_location(f"L{number}"))
    with django_assert_num_queries(queries):
        assert len(list_ids(api, f"{kind}/")) >= 4
