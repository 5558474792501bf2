"""One Celery task a reminder, as tutorials do it: what dispatch is compared with. Lean, and not correct.

A task reads its reminder with one joined query, POSTs once, and saves twice. A worker that is killed between
the POST and the saves calls again or never, there is no last look, no rate, no cap and no rule
(tests/torture/naive.py shows what comes of that).
"""

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from subprocess import Popen
from uuid import uuid4

import requests
from celery import Celery

from tests.sandbox_server import ROOT, SandboxServer
from tests.waiting import wait_until

QUEUE = "tutorial"
WITHIN = 120.0  # seconds for all tasks of a round
POLL = 0.05  # seconds; more often would take processor time from PostgreSQL
app = Celery("tutorial", broker=os.environ["REDIS_URL"])
app.conf.update(task_ignore_result=True, worker_prefetch_multiplier=1)


@app.task(name="tutorial.remind", queue=QUEUE)
def remind(reminder_id: int) -> None:
    """Call one patient, and record it."""
    from django.utils import timezone

    from reminders.models import CallRecord, Reminder, ScriptText

    reminder = Reminder.objects.select_related("appointment__contact__phone", "appointment__location").get(
        pk=reminder_id
    )
    visit = reminder.appointment
    contact, phone = visit.contact, visit.contact.phone
    assert phone is not None
    text = f"Hello {contact.first_name}, this is a reminder of your visit on {visit.starts_at:%A at %H:%M}."
    address = f"{os.environ['PUBLIC_BASE_URL']}/hooks/{uuid4()}"
    body = {
        "to": phone.e164,
        "from": os.environ["ROBOTALKER_FROM_NUMBER"],
        "message": text,
        "voice": "female",
        "webhook_url": address,
    }
    answer = _session().post(f"{os.environ['TUTORIAL_URL']}/api/v1/calls", json=body, timeout=10)
    answer.raise_for_status()
    CallRecord(
        reminder=reminder,
        number=phone,
        channel="voice",
        try_number=1,
        from_number=body["from"],
        script_text=ScriptText(pk=_script_id()),
        text=text,
        state="submitted",
        submitting_at=timezone.now(),
        robotalker_id=answer.json()["call_id"],
    ).save()
    reminder.state = "done"
    reminder.save(update_fields=["state"])


@cache
def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.headers["Authorization"] = f"Bearer {SandboxServer.api_key}"
    return session


@cache
def _script_id() -> int:
    from reminders.models import ScriptText

    return ScriptText.objects.values_list("pk", flat=True)[0]


class TutorialWorker:
    """A Celery worker that runs, and what it has done."""

    def __init__(self, process: "Popen[bytes]") -> None:
        self.pid = process.pid

    def call_all(self, reminder_ids: Sequence[int]) -> None:
        """Send a task for each, and wait until all are done."""
        from reminders.models import Reminder

        for reminder_id in reminder_ids:
            remind.delay(reminder_id)
        done = Reminder.objects.filter(state="done")
        deadline = time.monotonic() + WITHIN
        while (count := done.count()) < len(reminder_ids):
            if time.monotonic() > deadline:
                raise RuntimeError(f"only {count} of {len(reminder_ids)} tasks are done")
            time.sleep(POLL)


@contextmanager
def run_tutorial(sandbox_url: str, *, at_once: int) -> Iterator[TutorialWorker]:
    """Run a worker with as many processes as there are calls at once; ready for tasks when this yields."""
    command = [sys.executable, "-m", "celery", "--quiet", "-A", "tests.bench.tutorial", "worker", "-Q", QUEUE]
    command += ["--concurrency", str(at_once), "--without-mingle", "--without-gossip", "--without-heartbeat"]
    environment = os.environ | {"TUTORIAL_URL": sandbox_url, "PYTHONWARNINGS": "ignore"}
    process = Popen(command, cwd=ROOT, env=environment)
    try:
        inspect = app.control.inspect(timeout=1.0)
        wait_until(lambda: inspect.ping(), "the worker of the tutorial", within_seconds=60)
        yield TutorialWorker(process)
    finally:
        process.terminate()
        process.wait(30)
