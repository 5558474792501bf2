"""Neither dispatch nor what asks Robotalker takes all children of the worker that serves both."""

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from celery import current_app
from django.conf import settings
from django.db import connection

from config.queues import ASKING_QUEUE, DISPATCH_QUEUE, KEPT_APART
from config.worker_places import PlacedTask
from reminders.models import Heartbeat
from tests.celery_processes import Broker, read_compose_words, read_database_url, run_celery
from tests.waiting import wait_until

# The main process makes the places; two children take what there is of dispatch's; one is killed.
OF_THREE = """
import os, signal, sys
from config.worker_places import WorkerPlaces
places = WorkerPlaces(set(sys.argv[1].split(",")), 3)

def start():
    ends, begins = os.pipe()
    child = os.fork()
    if not child:
        with places.take("dispatch") as has_place:
            os.write(begins, b"1" if has_place else b"0")
            signal.pause()
    return child, os.read(ends, 1).decode()

def look(queue):
    with places.take(queue) as has_place:
        return "1" if has_place else "0"

children = [start(), start()]
found = [seen for _, seen in children] + [look("dispatch"), look("asking"), look("sweeps")]
os.kill(children[0][0], signal.SIGKILL)
os.waitpid(children[0][0], 0)
found += [look("dispatch"), look("dispatch")]
os.kill(children[1][0], signal.SIGKILL)
print("".join(found))
"""


@pytest.mark.parametrize(
    ("queues", "found"),
    [("dispatch,asking", "1101111"), ("dispatch", "1111111"), ("sweeps,folders", "1111111")],
    ids=["the third is kept for the other queue, until a child dies", "a queue of its own", "others"],
)
def test_a_queue_has_one_child_less_than_there_are(queues: str, found: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", OF_THREE, queues], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == found


def test_compose_gives_the_dispatcher_more_than_one_child() -> None:
    words = read_compose_words("dispatcher")
    assert int(words[words.index("--concurrency") + 1]) > 1


def test_the_tasks_of_these_queues_need_a_place_and_no_others() -> None:
    current_app.loader.import_default_modules()
    ours = {name: task for name, task in current_app.tasks.items() if ".tasks." in name}
    queues = {name: settings.CELERY_TASK_ROUTES.get(name, {}).get("queue", "") for name in ours}
    need_one = {name for name, task in ours.items() if isinstance(task, PlacedTask)}
    assert need_one == {name for name, queue in queues.items() if queue in KEPT_APART}
    assert len(need_one) > 5


@pytest.mark.django_db(transaction=True)
def test_robotalker_is_probed_while_dispatch_hangs(broker: Broker, tmp_path: Path) -> None:
    with (
        psycopg.connect(read_database_url()) as blocking,
        run_celery(
            [*read_compose_words("dispatcher"), "--concurrency", "2"], broker, tmp_path / "log"
        ) as worker,
    ):
        worker.wait_until_ready()
        blocking.execute("LOCK TABLE reminders_databaseidentity")  # each dispatch reads it first
        for _ in range(2):
            broker.send("reminders.tasks.dispatch_due", DISPATCH_QUEUE)
        wait_until(
            lambda: count_waiting() and not broker.count(DISPATCH_QUEUE),
            "both tasks to be taken",
            within_seconds=60,
        )
        broker.send("reminders.tasks.probe_robotalker", ASKING_QUEUE)
        wait_until(lambda: Heartbeat.objects.filter(name="probe").exists(), "a probe", within_seconds=60)
        assert not Heartbeat.objects.filter(name="dispatch").exists(), "a dispatch has ended"


def count_waiting() -> int:
    """The sessions that wait for a table that another has locked."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'relation'")
        return int(cursor.fetchone()[0])
