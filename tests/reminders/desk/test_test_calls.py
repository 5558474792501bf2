"""Who may have a test call placed, to which number, when, and how often."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import F
from django.utils import timezone
from pytest_django import Settings

from contacts.models import Location, PhoneNumber
from contacts.models.people import Channel
from reminders.deciding.test_objections import find_test_objection
from reminders.desk.modes import choose_mode
from reminders.desk.number_codes import WrongCode, forget_number, request_code, verify_number
from reminders.desk.test_calls import MOST_A_DAY, TestRefused, order_script_test, order_visit_test
from reminders.models import CallRecord, ScriptText, TestCall
from reminders.rules.modes import SendingMode
from reminders.rules.number_codes import CODES_A_DAY, CODES_A_DAY_TO_NUMBER, may_be_entered
from reminders.sweeps.test_calls import TestReport, send_tests
from reminders.traffic.switch import pause_sending
from tests.people import CALLBACK, make_due_reminder, make_location, make_number, make_script, make_user

pytestmark = pytest.mark.django_db

MINE = "+12025550123"
NOW = datetime(2026, 7, 14, 16, 0, tzinfo=UTC)


@pytest.fixture
def mine(sam: User) -> PhoneNumber:
    """Sam's verified number, in a practice with a location and a script."""
    make_location()
    make_script()
    return make_number(MINE, verified_at=timezone.now(), verified_by=sam)


def order(by: User, channel: Channel = Channel.VOICE) -> TestCall:
    return order_script_test(ScriptText.objects.latest("pk"), channel=channel, by=by)


def end_all() -> None:
    TestCall.objects.update(state="answered")


def test_without_a_verified_number_there_is_no_test(sam: User) -> None:
    make_location()
    make_script()
    make_number(MINE, verified_at=timezone.now(), verified_by=make_user("mia"))
    with pytest.raises(TestRefused, match="Verify your own number first"):
        order(sam)


def test_a_test_goes_to_ones_own_number(sam: User, mine: PhoneNumber) -> None:
    test = order(sam)
    assert (test.number, test.by, test.state, test.mode) == (mine, sam, "waiting", "sandbox")
    assert order_visit_after(test, sam).number == mine


def order_visit_after(test: TestCall, sam: User) -> TestCall:
    end_all()
    return order_visit_test(make_due_reminder().pk, by=sam)


OBJECTIONS: list[tuple[str, Callable[[TestCall], Any], str]] = [
    ("all sending is paused", lambda _: pause_sending(), "test_paused"),
    (
        "the number opted out",
        lambda test: PhoneNumber.objects.filter(pk=test.number_id).update(voice_opted_out_at=timezone.now()),
        "test_opted_out",
    ),
    (
        "the number can't be reached",
        lambda test: PhoneNumber.objects.filter(pk=test.number_id).update(unusable_since=timezone.now()),
        "test_never_dialled",
    ),
    (
        "it is somebody else's by now",
        lambda test: PhoneNumber.objects.filter(pk=test.number_id).update(verified_by=make_user("mia")),
        "test_not_verified",
    ),
    (
        "it is a number of the practice",
        lambda test: Location.objects.update(callback_number=F("callback_number"), caller_id=MINE),
        "test_own_number",
    ),
    (
        "the login was taken away",
        lambda test: User.objects.filter(pk=test.by_id).update(is_active=False),
        "test_no_login",
    ),
]


@pytest.mark.parametrize(("why", "change", "reason"), OBJECTIONS, ids=[row[0] for row in OBJECTIONS])
def test_what_protects_people_is_looked_at_again_just_before_it_is_sent(
    sam: User, mine: PhoneNumber, why: str, change: Callable[[TestCall], Any], reason: str
) -> None:
    test = order(sam)
    change(test)
    test = TestCall.objects.select_related("number", "by", "location").get()
    assert find_test_objection(test, timezone.now()) == reason, why
    assert send_tests().sent == 0
    test.refresh_from_db()
    # a pause is looked at before anything is opened, so the test waits, and is dropped when it is too late
    assert (test.state, test.reason) == (("waiting", "") if reason == "test_paused" else ("dropped", reason))


@pytest.mark.parametrize(
    ("zone", "reason"),
    [
        ("America/New_York", ""),  # noon
        ("America/Los_Angeles", ""),  # 9:00
        ("Pacific/Honolulu", "test_at_night"),  # 6:00
        ("Asia/Tokyo", "test_at_night"),  # 1:00
        ("Europe/Berlin", ""),  # 18:00, outside the practice's own hours, which don't matter
        ("Europe/Moscow", ""),  # 19:00
        ("Asia/Dubai", ""),  # 20:00
        ("Asia/Karachi", "test_at_night"),  # 21:00
    ],
)
def test_it_goes_out_within_the_outer_hours_only(
    sam: User, mine: PhoneNumber, zone: str, reason: str
) -> None:
    """(product rule 8)"""
    test = order(sam)
    assert test.location is not None
    test.location.time_zone = zone
    assert find_test_objection(test, NOW) == reason


def test_in_sandbox_mode_at_a_real_address_there_is_no_test(
    sam: User, mine: PhoneNumber, settings: Settings
) -> None:
    settings.ROBOTALKER_BASE_URL = "https://api.robotalker.example"
    choose_mode(SendingMode.SANDBOX, by=sam)
    with pytest.raises(TestRefused, match="In sandbox mode nothing is sent"):
        order(sam)


def test_one_at_a_time_and_so_many_a_day(sam: User, mine: PhoneNumber) -> None:
    order(sam)
    with pytest.raises(TestRefused, match="still on its way"):
        order(sam)
    end_all()
    [first] = TestCall.objects.all()
    for number in range(MOST_A_DAY - 1):
        first.pk, first.public_id = None, f"t-{number}"
        first.save(force_insert=True)
    with pytest.raises(TestRefused, match="enough for one day"):
        order(sam)


def test_a_text_that_is_too_long_is_refused(sam: User, mine: PhoneNumber) -> None:
    with pytest.raises(TestRefused, match="too long for a text message"):
        order(sam, Channel.SMS)


def test_a_test_that_waits_for_too_long_is_dropped(sam: User, mine: PhoneNumber) -> None:
    test = order(sam)
    TestCall.objects.update(created_at=timezone.now() - timedelta(minutes=6))
    assert send_tests() == TestReport(dropped=1)
    test.refresh_from_db()
    assert (test.state, test.reason) == ("dropped", "test_too_late")


def test_a_test_whose_worker_was_lost_may_have_been_sent(sam: User, mine: PhoneNumber) -> None:
    test = order(sam)
    TestCall.objects.update(state="submitting", submitting_at=timezone.now() - timedelta(minutes=5))
    send_tests()
    test.refresh_from_db()
    assert (test.state, test.reason) == ("unknown", "sender_lost")
    assert not CallRecord.objects.exists()


def test_without_a_location_there_is_nothing_to_say(sam: User) -> None:
    make_script()
    with pytest.raises(TestRefused, match="Enter a location first"):
        order(sam)


# --- codes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("written", ["", "abc", "911", "+1 900 555 0123", "12", "\x00", "0" * 40])
def test_what_is_no_number_to_call_gets_no_code(sam: User, written: str) -> None:
    make_location()
    with pytest.raises(TestRefused):
        request_code(written, by=sam)
    assert not TestCall.objects.exists()


def test_a_number_of_the_practice_and_one_that_opted_out_get_no_code(sam: User) -> None:
    make_location()
    make_number(MINE, voice_opted_out_at=timezone.now())
    for number in (CALLBACK, MINE):
        with pytest.raises(TestRefused):
            request_code(number, by=sam)


def test_one_person_gets_few_codes_a_day_and_so_does_one_number(sam: User) -> None:
    make_location()
    for last in range(CODES_A_DAY):
        request_code(make_number(f"+1202555013{last}").e164, by=sam)
        end_all()
    with pytest.raises(TestRefused, match="enough for one day"):
        request_code(make_number("+12025550139").e164, by=sam)
    people = [make_user(f"u{number}") for number in range(CODES_A_DAY_TO_NUMBER + 1)]
    for person in people[:-1]:
        request_code(make_number("+12025550150").e164, by=person)
        end_all()
    with pytest.raises(TestRefused, match="often enough today"):
        request_code("+12025550150", by=people[-1])


def test_a_code_that_was_never_spoken_verifies_nothing(sam: User) -> None:
    make_location()
    request_code(make_number(MINE).e164, by=sam)
    for code in ("", "000000", "123456"):
        with pytest.raises(WrongCode):
            verify_number(code, by=sam)
    assert PhoneNumber.objects.get(e164=MINE).verified_at is None


def test_only_ones_own_number_can_be_forgotten(sam: User, mine: PhoneNumber) -> None:
    assert not forget_number(mine.pk, of=make_user("mia"))
    assert forget_number(mine.pk, of=sam)
    mine.refresh_from_db()
    assert (mine.verified_at, mine.verified_by) == (None, None)
    assert not forget_number(mine.pk, of=None)


@pytest.mark.parametrize(
    ("seconds", "tries", "may"),
    [(0, 0, True), (600, 2, True), (601, 0, False), (1, 3, False), (1, 4, False), (-1, 0, False)],
)
def test_a_code_may_be_entered_three_times_within_ten_minutes(seconds: int, tries: int, may: bool) -> None:
    assert may_be_entered(NOW, tries, NOW + timedelta(seconds=seconds)) is may


def test_a_code_that_was_not_spoken_yet_may_not_be_entered() -> None:
    assert not may_be_entered(None, 0, NOW)
