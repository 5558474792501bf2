"""Noticing by PostgreSQL and by Redis that a database was restored, copied or moved (product rule 25)."""

from collections.abc import Iterator

import pytest
from django.db import connection
from pytest_django import Settings
from redis import Redis

from reminders.demo.clinic import clear_practice
from reminders.dispatch.claims import claim_due
from reminders.dispatch.opening import open_calls
from reminders.models import CallRecord, DatabaseIdentity
from reminders.traffic.callback_urls import forget_database_name, read_database_name
from reminders.traffic.restore_guard import (
    PARTS,
    check_for_restore,
    note_newest_call,
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


def change_kept_fingerprint(part: str) -> None:
    identity = DatabaseIdentity.objects.get()
    parts = dict(word.split("=") for word in identity.fingerprint.split())
    identity.fingerprint = " ".join(f"{name}={value}" for name, value in (parts | {part: "7"}).items())
    identity.save()


def make_call() -> CallRecord:
    reminder = make_due_reminder()
    claim = claim_due(1)
    (call,) = open_calls([reminder.pk], claim.token)
    return call


def test_the_first_check_only_stores_the_fingerprint() -> None:
    assert check_for_restore()
    assert check_for_restore()
    assert find_cause() == ""
    assert set(PARTS) == {word.split("=")[0] for word in DatabaseIdentity.objects.get().fingerprint.split()}


@pytest.mark.parametrize("part", PARTS)
def test_rows_from_another_place_pause_all_sending(part: str) -> None:
    check_for_restore()
    change_kept_fingerprint(part)
    assert not check_for_restore()
    assert find_cause() == "restored"


def test_a_restore_is_found_once_so_that_a_person_can_resume_sending() -> None:
    check_for_restore()
    change_kept_fingerprint("database")
    check_for_restore()
    resume_sending(by=make_user())
    assert check_for_restore()
    assert find_cause() == ""


def test_a_restored_database_keeps_its_name_so_that_it_recognises_its_addresses() -> None:
    name = read_database_name()
    check_for_restore()
    change_kept_fingerprint("cluster")
    check_for_restore()
    forget_database_name()
    assert read_database_name() == name == DatabaseIdentity.objects.get().name


def test_the_name_is_read_from_the_database_only_once(django_assert_num_queries: "object") -> None:
    read_database_name()
    with django_assert_num_queries(0):  # type: ignore[operator]
        read_database_name()


def test_a_restore_during_a_persons_pause_is_shown_as_the_cause() -> None:
    check_for_restore()
    pause_sending(by=make_user())
    change_kept_fingerprint("table")
    check_for_restore()
    assert find_cause() == "restored", "so that a person who resumes sending knows of it"


def test_a_part_without_permission_is_left_out_and_does_not_pause_sending() -> None:
    with connection.cursor() as cursor:
        cursor.execute("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
        cursor.execute("CREATE ROLE with_few_permissions")
        cursor.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO with_few_permissions")
        cursor.execute("SET LOCAL ROLE with_few_permissions")
        assert check_for_restore()
        assert "cluster" not in DatabaseIdentity.objects.get().fingerprint
        cursor.execute("RESET ROLE")
    assert check_for_restore(), "a part that can be read only now is no sign of a restore"
    assert "cluster" in DatabaseIdentity.objects.get().fingerprint
    change_kept_fingerprint("database")
    assert not check_for_restore()


def test_a_newer_call_in_redis_than_in_the_database_pauses_all_sending() -> None:
    check_for_restore()
    call = make_call()
    note_newest_call()
    assert check_for_restore()
    call.delete()
    assert not check_for_restore()
    assert find_cause() == "restored"


def test_lost_calls_are_found_once_too() -> None:
    call = make_call()
    note_newest_call()
    call.delete()
    check_for_restore()
    resume_sending(by=make_user())
    assert check_for_restore()


def test_the_newest_call_of_another_practice_in_redis_is_ignored(redis: "Redis") -> None:
    redis.set("callboard:newest-call:somebodyelse", 10**9)
    assert check_for_restore()


def test_without_redis_the_fingerprint_is_still_checked(settings: Settings) -> None:
    check_for_restore()
    settings.REDIS_URL = f"redis://127.0.0.1:{find_free_port()}/0"
    note_newest_call()
    assert check_for_restore()
    change_kept_fingerprint("database")
    assert not check_for_restore()


def test_a_practice_that_is_set_up_anew_gets_a_new_name_and_is_not_paused() -> None:
    name = read_database_name()
    make_call()
    note_newest_call()
    check_for_restore()
    clear_practice()
    forget_database_name()
    assert check_for_restore()
    assert read_database_name() != name
