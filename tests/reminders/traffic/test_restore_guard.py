"""Whether a database still knows what was sent, told by PostgreSQL and by Redis."""

from collections.abc import Iterator

import pytest
from django.db import connection
from pytest_django import Settings
from redis import Redis

from reminders.demo.clinic import clear_practice
from reminders.dispatch.claims import claim_due
from reminders.dispatch.opening import open_calls
from reminders.models import CallRecord, DatabaseIdentity
from reminders.traffic.restore_guard import (
    PARTS,
    check_for_restore,
    forget_database_name,
    note_newest_call,
    read_database_name,
)
from reminders.traffic.switch import pause_sending, read_switch, resume_sending
from tests.people import make_due_reminder, make_user
from tests.waiting import find_free_port

pytestmark = pytest.mark.django_db


@pytest.fixture
def redis(settings: Settings) -> Iterator["Redis"]:
    with Redis.from_url(settings.REDIS_URL) as client:
        yield client


def find_cause() -> str:
    switch = read_switch()
    return switch.cause if switch.paused_at else ""


def say_it_was_elsewhere(part: str) -> None:
    identity = DatabaseIdentity.objects.get()
    parts = dict(word.split("=") for word in identity.fingerprint.split())
    identity.fingerprint = " ".join(f"{name}={value}" for name, value in (parts | {part: "7"}).items())
    identity.save()


def make_call() -> CallRecord:
    reminder = make_due_reminder()
    claim = claim_due(1)
    (call,) = open_calls([reminder.pk], claim.token)
    return call


def test_at_first_sight_it_is_only_written_down() -> None:
    assert check_for_restore()
    assert check_for_restore()
    assert find_cause() == ""
    assert set(PARTS) == {word.split("=")[0] for word in DatabaseIdentity.objects.get().fingerprint.split()}


@pytest.mark.parametrize("part", PARTS)
def test_rows_that_have_come_from_elsewhere_pause_all_sending(part: str) -> None:
    check_for_restore()
    say_it_was_elsewhere(part)
    assert not check_for_restore()
    assert find_cause() == "restored"


def test_it_is_found_once_so_that_a_person_can_send_again() -> None:
    check_for_restore()
    say_it_was_elsewhere("database")
    check_for_restore()
    resume_sending(by=make_user())
    assert check_for_restore()
    assert find_cause() == ""


def test_its_name_stays_so_that_it_knows_the_addresses_it_gave_out() -> None:
    name = read_database_name()
    check_for_restore()
    say_it_was_elsewhere("cluster")
    check_for_restore()
    forget_database_name()
    assert read_database_name() == name == DatabaseIdentity.objects.get().name


def test_the_name_is_not_read_again_and_again(django_assert_num_queries: "object") -> None:
    read_database_name()
    with django_assert_num_queries(0):  # type: ignore[operator]
        read_database_name()


def test_a_pause_by_a_person_stays_a_pause() -> None:
    check_for_restore()
    pause_sending(by=make_user())
    say_it_was_elsewhere("table")
    check_for_restore()
    assert find_cause() == "restored", "or sending again would be thoughtless"


def test_what_a_user_of_little_right_may_not_ask_is_left_out_and_pauses_nothing() -> None:
    with connection.cursor() as cursor:
        cursor.execute("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
        cursor.execute("CREATE ROLE of_little_right")
        cursor.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO of_little_right")
        cursor.execute("SET LOCAL ROLE of_little_right")
        assert check_for_restore()
        assert "cluster" not in DatabaseIdentity.objects.get().fingerprint
        cursor.execute("RESET ROLE")
    assert check_for_restore(), "it may ask now: that is nothing new about the rows"
    assert "cluster" in DatabaseIdentity.objects.get().fingerprint
    say_it_was_elsewhere("database")
    assert not check_for_restore()


def test_calls_that_only_redis_remembers_pause_all_sending() -> None:
    check_for_restore()
    call = make_call()
    note_newest_call()
    assert check_for_restore()
    call.delete()
    assert not check_for_restore()
    assert find_cause() == "restored"


def test_forgotten_calls_are_found_once_too() -> None:
    call = make_call()
    note_newest_call()
    call.delete()
    check_for_restore()
    resume_sending(by=make_user())
    assert check_for_restore()


def test_what_redis_remembers_of_another_practice_is_none_of_ours(redis: "Redis") -> None:
    redis.set("callboard:newest-call:somebodyelse", 10**9)
    assert check_for_restore()


def test_without_redis_the_database_alone_tells(settings: Settings) -> None:
    check_for_restore()
    settings.REDIS_URL = f"redis://127.0.0.1:{find_free_port()}/0"
    note_newest_call()
    assert check_for_restore()
    say_it_was_elsewhere("database")
    assert not check_for_restore()


def test_a_practice_made_anew_is_another_identity_and_pauses_nothing() -> None:
    name = read_database_name()
    make_call()
    note_newest_call()
    check_for_restore()
    clear_practice()
    forget_database_name()
    assert check_for_restore()
    assert read_database_name() != name
