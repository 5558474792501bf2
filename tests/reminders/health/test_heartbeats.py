"""Heartbeats, and which part has stopped when they are missing."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from config.celery import app
from reminders.health import heartbeats
from reminders.health.diagnosis import WORK, Standstill, StoppedPart, broker_answers, find_standstill
from reminders.models import Heartbeat
from tests.people import make_user
from tests.waiting import find_free_port

pytestmark = pytest.mark.django_db

SINCE = datetime(2026, 1, 5, 8, tzinfo=UTC)
WORKER = heartbeats.name_worker("front-1", 4711)


def beat_everything() -> None:
    for name in (heartbeats.DISPATCH, heartbeats.BEAT, *heartbeats.STALE_AFTER):
        heartbeats.record_heartbeat(name)
    heartbeats.record_worker_heartbeat(WORKER, ["asking", "dispatch"], since=SINCE, begun=3)


def make_stale(*names: str, ago: timedelta = timedelta(minutes=10)) -> None:
    Heartbeat.objects.filter(name__in=names).update(at=timezone.now() - ago)


def test_a_workers_heartbeat_has_its_queues_its_start_and_its_number_of_tasks() -> None:
    beat_everything()
    heartbeat = Heartbeat.objects.get(name="worker front-1:4711")
    assert heartbeat.queues == ["asking", "dispatch"]
    assert heartbeat.did == "since 2026-01-05 08:00 UTC, 3 tasks started"


def test_the_name_of_a_heartbeat_is_cut_for_a_long_host_name() -> None:
    name = heartbeats.name_worker("ip-10-0-0-1.a-region-far-away.compute.internal.example.org", 1234567)
    heartbeats.record_worker_heartbeat(name, ["events"], since=SINCE, begun=0)
    assert Heartbeat.objects.get().name.startswith("worker ip-10-0-0-1.a-")
    assert Heartbeat.objects.get().name.endswith(":1234567")


def test_two_workers_whose_long_host_names_differ_at_the_end_have_a_heartbeat_each() -> None:
    """As containers are named, in each of which a worker is process 7. They would look like one worker."""
    for host in ("callboard-dispatcher-7d9f8b6c5d-x2k4q", "callboard-dispatcher-7d9f8b6c5d-9wz7m"):
        name = heartbeats.name_worker(host, 7)
        heartbeats.record_worker_heartbeat(name, ["dispatch"], since=SINCE, begun=0)
    assert Heartbeat.objects.count() == 2


def test_the_heartbeat_of_a_worker_is_deleted_after_a_day_and_that_of_a_sweep_never() -> None:
    beat_everything()
    make_stale(WORKER, heartbeats.PLANNING, ago=timedelta(hours=25))
    heartbeats.record_worker_heartbeat("worker front-2:1", ["events"], since=SINCE, begun=0)
    names = set(Heartbeat.objects.values_list("name", flat=True))
    assert WORKER not in names
    assert heartbeats.PLANNING in names


def test_a_queue_is_served_while_its_worker_runs() -> None:
    beat_everything()
    heartbeats.record_worker_heartbeat("worker front-2:1", ["events"], since=SINCE, begun=0)
    now = timezone.now()
    assert heartbeats.find_served_queues(heartbeats.read_heartbeats(), now) == {
        "asking",
        "dispatch",
        "events",
    }
    make_stale(WORKER)
    assert heartbeats.find_served_queues(heartbeats.read_heartbeats(), now) == {"events"}


@pytest.mark.parametrize(
    ("stale", "stopped"),
    [
        ([heartbeats.BEAT], StoppedPart.BEAT),
        ([WORKER], StoppedPart.WORKERS),
        ([heartbeats.BEAT, WORKER], StoppedPart.BEAT),
        ([], StoppedPart.NOT_KNOWN),
    ],
)
@pytest.mark.parametrize("sweep", heartbeats.QUEUES)
def test_the_stopped_part_is_found_whichever_sweep_is_stale(
    sweep: str, stale: list[str], stopped: StoppedPart
) -> None:
    """(product rule 19)"""
    beat_everything()
    heartbeats.record_worker_heartbeat(WORKER, sorted(set(heartbeats.QUEUES.values())), since=SINCE, begun=3)
    make_stale(sweep, *stale)
    assert find_standstill(heartbeats.read_heartbeats(), timezone.now()) == Standstill(stopped, (sweep,))


def test_a_stopped_beat_is_found_before_any_sweep_is_stale() -> None:
    beat_everything()
    make_stale(heartbeats.BEAT, ago=timedelta(seconds=40))
    assert find_standstill(heartbeats.read_heartbeats(), timezone.now()) == Standstill(StoppedPart.BEAT, ())


def test_a_sweep_without_a_worker_is_named_before_one_whose_worker_does_nothing() -> None:
    beat_everything()
    heartbeats.record_worker_heartbeat(WORKER, ["asking", "dispatch", "sweeps"], since=SINCE, begun=3)
    make_stale(*heartbeats.QUEUES)
    standstill = find_standstill(heartbeats.read_heartbeats(), timezone.now())
    assert standstill == Standstill(StoppedPart.WORKERS, (heartbeats.EVENTS,))
    assert standstill.words == "no worker for events is running"


@pytest.mark.parametrize(
    ("sweep", "task"),
    [
        (heartbeats.DISPATCH, "reminders.tasks.dispatch_due"),
        (heartbeats.PLANNING, "reminders.tasks.plan_reminders"),
        (heartbeats.RECONCILIATION, "reminders.tasks.reconcile_calls"),
        (heartbeats.EVENTS, "webhooks.tasks.apply_stored_events"),
    ],
)
def test_each_sweep_is_checked_at_the_queue_of_its_tick(sweep: str, task: str) -> None:
    assert app.amqp.router.route({}, task)["queue"].name == heartbeats.QUEUES[sweep]


def test_every_sweep_that_can_be_stale_has_a_queue_and_words() -> None:
    watched = heartbeats.find_stale(timezone.now()).keys() - {heartbeats.BEAT}
    assert watched == heartbeats.QUEUES.keys() == WORK.keys()


def test_a_lost_broker_is_named_before_the_parts_that_it_stops(settings: Settings) -> None:
    settings.REDIS_URL = f"redis://127.0.0.1:{find_free_port()}/0"
    assert not broker_answers()
    assert find_standstill({}, timezone.now()) == Standstill(StoppedPart.BROKER, tuple(heartbeats.QUEUES))


def test_beat_and_every_sweep_are_stale_before_they_ever_ran() -> None:
    names = {heartbeats.DISPATCH, heartbeats.BEAT, *heartbeats.STALE_AFTER}
    assert heartbeats.find_stale(timezone.now()) == dict.fromkeys(names)
    beat_everything()
    assert heartbeats.find_stale(timezone.now()) == {}


def test_every_page_says_that_calls_have_stopped() -> None:
    """(product rule 19)"""
    beat_everything()
    make_stale(heartbeats.DISPATCH, heartbeats.BEAT)
    client = Client()
    client.force_login(make_user())
    page = client.get("/pulse/").content.decode()
    assert "Calls have stopped since" in page
    assert "sweep-stale" in page


AHEAD = timedelta(hours=2)  # the clock was two hours ahead, and has been set right


def test_a_heartbeat_that_lies_ahead_of_now_is_stale() -> None:
    """Product rule 28: it is from before the clock was set back, so it says nothing."""
    beat_everything()
    for name in (heartbeats.BEAT, *heartbeats.QUEUES):
        make_stale(name, ago=-AHEAD)
    now = timezone.now()
    stale = heartbeats.find_stale(now)
    assert set(stale) == {heartbeats.BEAT, *heartbeats.QUEUES}
    assert all(age is not None and age < timedelta(0) for age in stale.values())


@pytest.mark.parametrize(
    ("ahead", "is_stale"),
    [(timedelta(milliseconds=300), False), (timedelta(seconds=5), True), (timedelta(days=400), True)],
    ids=str,
)
def test_a_clock_that_was_corrected_by_a_fraction_of_a_second_makes_nothing_stale(
    ahead: timedelta, is_stale: bool
) -> None:
    now = timezone.now()
    beats = {heartbeats.BEAT: Heartbeat(name=heartbeats.BEAT, at=now + ahead)}
    assert (heartbeats.BEAT in heartbeats.pick_stale(beats, now)) is is_stale


def test_the_heartbeat_of_a_dead_worker_that_lies_ahead_counts_for_nothing() -> None:
    beat_everything()
    make_stale(WORKER, ago=-AHEAD)
    assert heartbeats.find_served_queues(heartbeats.read_heartbeats(), timezone.now()) == set()
    heartbeats.record_worker_heartbeat("worker front-2:1", ["events"], since=SINCE, begun=0)
    assert not Heartbeat.objects.filter(name=WORKER).exists(), "nor is it kept for two hours"


def test_ages_are_by_the_databases_clock_however_wrong_that_of_this_machine_is() -> None:
    beat_everything()
    with time_machine.travel(timezone.now() - AHEAD):
        beats = heartbeats.read_heartbeats()
        read_at = heartbeats.read_heartbeat_clock(beats, otherwise=timezone.now())
        assert heartbeats.pick_stale(beats, read_at) == {}


def test_without_any_heartbeat_there_is_no_clock_to_read() -> None:
    assert heartbeats.read_heartbeat_clock(heartbeats.read_heartbeats(), otherwise=SINCE) == SINCE
