"""Asking a worker to run a sweep now costs a millisecond: its connections to the broker stay open."""

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import Redis

from config.queues import SWEEPS_QUEUE
from contacts import worker_hints
from contacts.worker_hints import PLANNING_TASK, send_hint


@pytest.fixture
def broker() -> Iterator[Redis]:
    """Redis, with no task in the queue of sweeps."""
    with Redis.from_url(os.environ["REDIS_URL"]) as redis:
        redis.delete(SWEEPS_QUEUE)
        yield redis
        redis.delete(SWEEPS_QUEUE)


def count_hints(broker: Redis) -> int:
    messages = broker.lrange(SWEEPS_QUEUE, 0, -1)
    assert all(json.loads(message)["headers"]["task"] == PLANNING_TASK for message in messages)
    return len(messages)


def count_connections(broker: Redis) -> int:
    """How many the server has ever accepted."""
    return int(broker.info("stats")["total_connections_received"])


def test_hints_share_a_few_connections(broker: Redis) -> None:
    send_hint(PLANNING_TASK, worth_seconds=30)
    before = count_connections(broker)
    for _ in range(20):
        send_hint(PLANNING_TASK, worth_seconds=30)
    assert count_hints(broker) == 21
    assert count_connections(broker) - before < 10  # other tests' processes may connect as well


def test_a_hint_goes_out_on_a_new_connection_when_the_server_has_closed_the_old_one(broker: Redis) -> None:
    send_hint(PLANNING_TASK, worth_seconds=30)
    broker.client_kill_filter(_type="normal", skipme=True)
    send_hint(PLANNING_TASK, worth_seconds=30)
    assert count_hints(broker) == 2


def test_more_threads_than_connections_all_send_their_hint(broker: Redis) -> None:
    count = 4 * worker_hints.CONNECTIONS
    with ThreadPoolExecutor(count) as threads:
        list(threads.map(lambda _: send_hint(PLANNING_TASK, worth_seconds=30), range(count)))
    assert count_hints(broker) == count
