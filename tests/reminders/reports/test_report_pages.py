"""The pages of reports: what they say, their files, filters, and numbers of queries."""

import csv
import io
from datetime import date, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from contacts.models import Location
from contacts.roles import AUDITOR, FRONT_DESK, MANAGER
from reminders.models import CallCount, Campaign, ResultCount, ScriptText, SendingSwitch, Step, VisitCount
from reminders.models.report_counts import ContactMade
from reminders.reports.counting import count_marked
from reminders.reports.rates import Rate
from reminders.reports.report_list import REPORTS
from reminders.tasks import count_for_reports
from tests.office import make_call
from tests.people import (
    make_appointment,
    make_campaign,
    make_contact,
    make_due_reminder,
    make_location,
    make_step,
    make_user,
)
from tests.reminders.reports.counted import forget_marks

pytestmark = pytest.mark.django_db

DAY = date(2026, 11, 17)  # a Tuesday
NOVEMBER: dict[str, str | int | date] = {"since": "2026-11-01", "until": "2026-11-30"}
MOST_QUERIES = 12


@pytest.fixture
def manager() -> Client:
    client = Client()
    client.force_login(make_user("mia", role=MANAGER))
    return client


@pytest.fixture
def step() -> Step:
    forget_marks()
    make_location("Elm", time_zone="America/New_York")
    SendingSwitch.objects.create(mode="live")
    return make_step()


def write(asked: dict[str, str | int | date]) -> dict[str, str]:
    return {name: str(value) for name, value in asked.items()}


def ask(client: Client, kind: str, **asked: str | int | date) -> str:
    return client.get(reverse("report", args=[kind]), write(NOVEMBER | asked)).content.decode()


def read_file(client: Client, kind: str, **asked: str | int | date) -> list[list[str]]:
    answer = client.get(reverse("report_file", args=[kind]), write(NOVEMBER | asked))
    text = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    return list(csv.reader(io.StringIO(text)))


def count_calls(step: Step, number: int, outcome: str = "answered", **fields: object) -> None:
    values = {
        "location": Location.objects.earliest("pk"),
        "campaign": step.campaign,
        "step": step,
        "script_text": ScriptText.objects.earliest("pk"),
        "day": DAY,
        "weekday": 1,
        "hour": 17,
        "caller_id": "+12025550199",
        "channel": "voice",
        "is_pretend": False,
    }
    CallCount.objects.create(**values | {"outcome": outcome, "count": number} | fields)


def count_visits(number: int, made: ContactMade, status: str, answer: str = "", **fields: object) -> None:
    values = {"location": Location.objects.earliest("pk"), "day": DAY, "weekday": 1, "is_pretend": False}
    VisitCount.objects.create(
        **values | {"contact_made": made, "status": status, "answer": answer, "count": number} | fields
    )


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [
        (0, 10, 0.0, 0.278),
        (10, 10, 0.722, 1.0),
        (61, 100, 0.512, 0.7),
        (1, 2, 0.095, 0.905),
        (0, 0, 0.0, 1.0),
    ],
)
def test_an_interval_is_wilsons(hits: int, of: int, low: float, high: float) -> None:
    assert Rate(hits, of).interval == pytest.approx((low, high), abs=0.001)


@pytest.mark.parametrize("kind", REPORTS)
def test_every_page_and_file_asks_few_queries_with_and_without_figures(
    manager: Client, step: Step, kind: str
) -> None:
    for filled in (False, True):
        if filled:
            for place in range(4):
                location = make_location(f"Place {place}")
                other = make_step(make_campaign(f"Campaign {place}"))
                count_calls(other, 40, location=location, caller_id=f"+1202555010{place}", day=DAY)
                count_visits(40, ContactMade.PERSON, "arrived", "confirmed", location=location)
                ResultCount.objects.create(
                    location=location, day=DAY, weekday=1, result="confirmed", hours_ahead=24, count=3,
                    is_pretend=False,
                )  # fmt: skip
        for name in ("report", "report_file"):
            with CaptureQueriesContext(connection) as asked:
                answer = manager.get(reverse(name, args=[kind]), write(NOVEMBER))
                body = b"".join(answer).decode()
            assert answer.status_code == 200
            assert len(asked) <= MOST_QUERIES, "\n".join(one["sql"][:150] for one in asked)
            assert ("Nothing to count" in body) is (name == "report" and not filled)


def test_a_report_is_for_managers_and_auditors_and_not_for_the_front_desk(step: Step) -> None:
    for name, (role, status) in {"a": (AUDITOR, 200), "m": (MANAGER, 200), "f": (FRONT_DESK, 403)}.items():
        client = Client()
        client.force_login(make_user(name, role=role))
        assert client.get(reverse("report", args=["days"])).status_code == status
        assert ("/reports/" in client.get(reverse("today")).content.decode()) is (status == 200)


def test_a_day_says_how_its_calls_ended(manager: Client, step: Step) -> None:
    count_calls(step, 30, answer="1")
    count_calls(step, 10, "no_answer")
    count_calls(step, 4, "rejected")
    count_calls(step, 7, "delivered", channel="sms")
    count_calls(step, 9, is_pretend=True)
    [heading, *days] = read_file(manager, "days")
    [line] = [line for line in days if line[0] == "2026-11-17"]
    assert dict(zip(heading, line, strict=True)) == {
        "Day": "2026-11-17", "Calls": "40", "Answered": "30", "Voicemail": "0", "No answer": "10",
        "Failed": "0", "Texts": "7", "Delivered": "7", "Replied": "0", "Not delivered": "0", "No result": "0",
        "Confirmed": "30",
        "Another time": "0", "Opted out": "0",
    }  # fmt: skip
    assert len(days) == 31  # each day of the month, and all together
    assert "Calls: 40, of which somebody answered 75%. Texts: 7." in ask(manager, "days")


@pytest.mark.parametrize("kind", ["days", "steps", "locations", "scripts"])
def test_texts_that_were_answered_are_texts_and_the_numbers_add_up(
    manager: Client, step: Step, kind: str
) -> None:
    for outcome, number in {"answered": 2, "voicemail": 5, "no_answer": 1, "failed": 3, "overdue": 4}.items():
        count_calls(step, number, outcome)
    for outcome, number in {"answered": 6, "delivered": 20, "failed": 7, "submitted": 8}.items():
        count_calls(step, number, outcome, channel="sms", answer="1" if outcome == "answered" else "")
    heading, *lines = read_file(manager, kind)
    found = {name: int(number) for name, number in list(zip(heading, lines[-1], strict=True))[1:]}
    assert found == {
        "Calls": 15, "Answered": 2, "Voicemail": 5, "No answer": 1, "Failed": 3, "Texts": 41, "Delivered": 26,
        "Replied": 6, "Not delivered": 7, "No result": 12, "Confirmed": 6, "Another time": 0, "Opted out": 0,
    }  # fmt: skip
    assert "Calls: 15, of which somebody answered 18%. Texts: 41." in ask(manager, kind)


def test_best_times_and_caller_ids_count_no_texts(manager: Client, step: Step) -> None:
    count_calls(step, 10)
    count_calls(step, 10, "no_answer")
    count_calls(step, 30, channel="sms")
    assert ["2", "17:00", "10", "20", "0.5000"] in [line[:5] for line in read_file(manager, "times")]
    lines = [line[:4] for line in read_file(manager, "caller-ids")]
    assert ["(202) 555-0199", "20", "10", "20"] in lines


def test_calls_of_the_sandbox_count_only_in_the_sandbox(manager: Client, step: Step) -> None:
    count_calls(step, 9, is_pretend=True)
    assert "Nothing to count" in ask(manager, "days")
    SendingSwitch.objects.update(mode="sandbox")
    page = ask(manager, "days")
    assert "Calls: 9," in page
    assert "nobody was really called" in page


def test_a_location_and_a_campaign_are_chosen_in_the_address(manager: Client, step: Step) -> None:
    other = make_step(make_campaign("Checks"))
    count_calls(step, 30)
    count_calls(other, 11)
    count_calls(step, 5, location=make_location("Oak"))
    oak, checks = Location.objects.get(name="Oak"), Campaign.objects.get(name="Checks")
    assert [line[:2] for line in read_file(manager, "locations")[1:]] == [
        ["Elm", "41"], ["Oak", "5"], ["Together", "46"],
    ]  # fmt: skip
    assert [line[1] for line in read_file(manager, "steps", campaign=checks.pk)[1:]] == ["11", "11"]
    assert [line[1] for line in read_file(manager, "steps", location=oak.pk)[1:]] == ["5", "5"]
    assert "Calls: 46," in ask(manager, "days", location="²", campaign="9" * 30, since="soon", until="\x00")


@pytest.mark.parametrize(
    ("since", "until", "first", "last"),
    [
        ("2026-11-05", "2026-11-03", "2026-11-03", "2026-11-05"),
        ("1999-01-01", "2026-11-03", "2025-11-03", "2026-11-03"),
    ],
)
def test_days_are_put_in_order_and_are_a_year_at_most(
    manager: Client, step: Step, since: str, until: str, first: str, last: str
) -> None:
    page = ask(manager, "days", since=since, until=until)
    assert f'name="since" value="{first}"' in page
    assert f'name="until" value="{last}"' in page


def test_the_best_time_is_where_the_share_is_surely_high_and_not_where_there_are_few(
    manager: Client, step: Step
) -> None:
    count_calls(step, 3, hour=9)  # all of three were answered
    count_calls(step, 60)
    count_calls(step, 40, "voicemail")
    count_calls(step, 20, hour=10)
    count_calls(step, 80, "no_answer", hour=10)
    page = ask(manager, "times")
    assert "Best time to call: Tuesday from 5:00 pm to 6:00 pm." in page
    assert "60% of 100 calls (probably 50–69%)" in page
    assert "fewer than 30" in page
    assert ["2", "17:00", "60", "100", "0.6000"] in [line[:5] for line in read_file(manager, "times")]


def test_few_calls_name_no_best_time(manager: Client, step: Step) -> None:
    count_calls(step, 29)
    page = ask(manager, "times")
    assert "too few calls" in page
    assert "Best time to call" not in page


def test_no_shows_are_compared_with_their_numbers_and_a_warning_where_they_are_few(
    manager: Client, step: Step
) -> None:
    count_visits(90, ContactMade.PERSON, "arrived", "confirmed")
    count_visits(10, ContactMade.MESSAGE, "no_show")
    count_visits(24, ContactMade.TRIED, "arrived")
    count_visits(16, ContactMade.NONE, "no_show")
    count_visits(5, ContactMade.NONE, "cancelled", "confirmed")
    count_visits(70, ContactMade.PERSON, "arrived", campaign=step.campaign)  # of the same visits
    page = ask(manager, "attendance")
    assert "10% did not come (probably 6–17%)" in page
    assert "the others, 40%" in page
    assert "rest on fewer than 30" in page
    lines = read_file(manager, "attendance")
    assert lines[1][:5] == ["with contact", "100", "90", "100", "0.9000"]
    assert lines[2][:4] == ["without contact", "45", "0", "40"]
    assert read_file(manager, "attendance", campaign=step.campaign.pk)[1][1] == "70"


def test_rates_of_few_visits_are_not_compared(manager: Client, step: Step) -> None:
    count_visits(90, ContactMade.PERSON, "arrived")
    count_visits(1, ContactMade.NONE, "arrived")
    page = ask(manager, "attendance")
    assert "Too few visits are marked" in page
    assert "did not come" not in page


def test_an_hour_that_is_no_better_than_the_others_is_not_the_best(manager: Client, step: Step) -> None:
    count_calls(step, 10)
    count_calls(step, 30, "no_answer")
    count_calls(step, 9, hour=9)
    assert "No hour stands out yet from the average of 39%." in ask(manager, "times")


def test_a_funnel_goes_from_due_to_arrived(manager: Client, step: Step) -> None:
    count_visits(50, ContactMade.PERSON, "arrived", "confirmed")
    count_visits(10, ContactMade.MESSAGE, "booked")
    count_visits(20, ContactMade.TRIED, "arrived")
    count_visits(20, ContactMade.DUE, "no_show")
    count_visits(99, ContactMade.NONE, "arrived")
    assert [line[:2] for line in read_file(manager, "funnel")[1:]] == [
        ["A reminder was due", "100"],
        ["Called or texted", "80"],
        ["Reached: answered, voicemail or text", "60"],
        ["Confirmed", "50"],
        ["Arrived", "50"],
    ]
    assert "119 more came without having gone all this way." in ask(manager, "funnel")


def test_caller_ids_are_compared_over_time(manager: Client, step: Step) -> None:
    count_calls(step, 40)
    count_calls(step, 40, "no_answer", caller_id="+12025550100", day=DAY + timedelta(days=1))
    lines = read_file(manager, "caller-ids")
    assert ["(202) 555-0199", "40", "40", "40", "1.0000"] in [line[:5] for line in lines]
    page = ask(manager, "caller-ids")
    assert 'data-columns="1,2"' in page
    assert "Answered, by week" in ask(manager, "caller-ids", since="2026-06-01")


def test_what_reminders_saved_is_in_time_from_a_day_ahead(manager: Client, step: Step) -> None:
    elm = Location.objects.get(name="Elm")
    for result, ahead, number in (
        ("confirmed", 48, 12), ("wants_another_time", 24, 5), ("cancelled", 48, 2), ("cancelled", 4, 1),
    ):  # fmt: skip
        ResultCount.objects.create(
            location=elm, day=DAY, weekday=1, result=result, hours_ahead=ahead, count=number, is_pretend=False
        )
    assert "confirmed 12 visits, and gave up 7 slots" in ask(manager, "saved")
    assert read_file(manager, "saved")[1] == ["Elm", "12", "7", "1"]


def test_names_can_neither_break_the_page_nor_become_formulas(manager: Client, step: Step) -> None:
    Location.objects.update(name='=HYPERLINK("x")<b>')
    count_calls(step, 3)
    assert read_file(manager, "locations")[1][0] == '\'=HYPERLINK("x")<b>'
    assert "<b>" not in ask(manager, "locations")


def test_the_page_says_until_when_everything_is_counted(manager: Client, step: Step) -> None:
    reminder = make_due_reminder(make_contact("Ida"), location=Location.objects.get())
    make_call(reminder)
    today = timezone.localdate(timezone=Location.objects.get().zone)
    days = {"since": today - timedelta(days=1), "until": today}
    page = ask(manager, "days", **days)
    assert "Nothing to count" in page
    assert "Not counted yet" in page
    count_for_reports()
    page = ask(manager, "days", **days)
    assert "Calls: 1, of which somebody answered 100%" in page
    assert "As of" in page


def test_no_address_of_a_report_has_anything_personal(manager: Client, step: Step) -> None:
    make_appointment(make_contact("Zacharias", last_name="Quillfeather"))
    count_marked()
    for kind in REPORTS:
        page = ask(manager, kind)
        assert "Quillfeather" not in page
