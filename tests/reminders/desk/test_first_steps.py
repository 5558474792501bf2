"""What has to be there before the first campaign can go live, on an empty installation and after it."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from contacts.models import Appointment, Location, PhoneNumber
from reminders.campaigns.differences import diff_activation
from reminders.campaigns.edits import activate_as_shown
from reminders.campaigns.ready_made import EMPTY, make_ready_made
from reminders.desk.first_steps import read_first_steps
from reminders.desk.modes import choose_mode
from reminders.models import Campaign, TestCall
from reminders.rules.modes import SendingMode
from tests.people import make_appointment, make_campaign, make_contact, make_location, make_user

pytestmark = pytest.mark.django_db


def read_done() -> dict[str, bool]:
    return {step.code: step.is_done for step in read_first_steps()}


def say(code: str) -> str:
    return next(step.words for step in read_first_steps() if step.code == code)


def make_test_call(**changes: str) -> None:
    user, _new = User.objects.get_or_create(username="sam")
    number, _new = PhoneNumber.objects.get_or_create(e164="+12025550150")
    TestCall.objects.create(by=user, number=number, **{"channel": "voice", "state": "answered"} | changes)


def test_on_an_empty_installation_nothing_is_done_and_the_order_is_that_of_doing() -> None:
    assert list(read_done()) == [
        "location",
        "scripts",
        "visits",
        "campaign",
        "test_call",
        "activation",
        "mode",
    ]
    assert not any(read_done().values())
    assert say("location") == "There is no location yet."
    assert "brings its own" in say("scripts")


def test_each_step_is_done_when_what_it_asks_for_is_there() -> None:
    sam = make_user("sam")
    done = []
    make_location()
    done.append(read_done())
    campaign = make_ready_made("open_day", by=sam)
    done.append(read_done())
    make_appointment(make_contact(), starts_at=timezone.now() + timedelta(days=5))
    done.append(read_done())
    make_test_call()
    done.append(read_done())
    activate_as_shown(campaign.pk, shown=diff_activation(campaign.pk).send.token, by=sam)
    done.append(read_done())
    choose_mode(SendingMode.LIVE, by=sam)
    done.append(read_done())
    assert [[code for code, is_done in one.items() if is_done] for one in done] == [
        ["location"],
        ["location", "scripts", "campaign"],
        ["location", "scripts", "visits", "campaign"],
        ["location", "scripts", "visits", "campaign", "test_call"],
        ["location", "scripts", "visits", "campaign", "test_call", "activation"],
        ["location", "scripts", "visits", "campaign", "test_call", "activation", "mode"],
    ]


@pytest.mark.parametrize("other", [{"state": "no_answer"}, {"channel": "sms"}, {"purpose": "code"}])
def test_a_test_call_counts_when_somebody_answered_it(other: dict[str, str]) -> None:
    make_test_call(**other)
    assert not read_done()["test_call"]
    make_test_call()
    assert read_done()["test_call"]


def test_a_location_that_can_not_be_called_back_is_not_done_and_says_why() -> None:
    make_location(callback_number="+12025550199")
    Location.objects.update(callback_number="+10000000000", open_weekdays=[])
    step = read_first_steps()[0]
    assert (step.is_done, step.is_there) == (False, True)
    assert "Downtown: the number can't be one that exists." in step.words
    assert "Downtown: no day is open." in step.words


def test_visits_that_are_past_or_cancelled_and_campaigns_without_steps_do_not_count() -> None:
    make_appointment(starts_at=timezone.now() - timedelta(days=1))
    Appointment.objects.filter(pk=make_appointment().pk).update(status="cancelled")
    make_ready_made(EMPTY, name="Nothing yet", by=make_user("sam"))
    done = read_done()
    assert (done["visits"], done["campaign"]) == (False, False)


def test_the_newest_draft_is_the_one_to_go_on_with() -> None:
    sam = make_user("sam")
    make_ready_made("open_day", by=sam)
    newest = make_ready_made("same_day", by=sam)
    steps = {step.code: step for step in read_first_steps()}
    assert steps["campaign"].campaign == steps["activation"].campaign == newest.pk
    assert "Same-day courtesy" in steps["campaign"].words


def test_as_many_queries_are_run_for_much_as_for_nothing() -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            read_first_steps()
        return len(queries)

    before = count()
    sam = make_user("sam")
    for number in range(5):
        make_location(f"Place {number}")
        make_campaign(f"Campaign {number}")
        make_ready_made("three_days", by=sam)
    assert Campaign.objects.count() == 10
    assert count() == before
