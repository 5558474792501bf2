"""Two machines over one PostgreSQL and one Redis: two of each process, under different host names."""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from django.conf import global_settings
from django.test import override_settings

from config.queues import WORKERS
from contacts.models import Appointment
from reminders.health import heartbeats
from reminders.models import CallRecord, FollowUp, Heartbeat
from tests.celery_processes import Broker
from tests.machines import Machine, run_machine
from tests.people import make_contact, make_due_reminder, make_user
from tests.sandbox_server import SandboxServer
from tests.waiting import wait_until
from webhooks.models import WebhookEvent

HOSTS = ("front-1", "front-2")
NUMBERS = [f"+1202555{1000 + index}" for index in range(28)]
RATE = 3  # calls a second, so that both machines call
SETTINGS = {
    "ROBOTALKER_CAMPAIGNS": "off",
    "ROBOTALKER_RATE": f"{RATE}/second",
    "DISPATCH_BATCH": 2,
    "WORKER_SILENT_AFTER": 20,
}


def make_due(number: str) -> None:
    make_due_reminder(make_contact(number=number))


def count_confirmed() -> int:
    return Appointment.objects.filter(answer=Appointment.Answer.CONFIRMED).count()


def list_idle_workers() -> list[str]:
    """Of the six workers, by host and queues, those that have begun no task."""
    begun = {
        (beat.name.split(":")[0], *beat.queues)
        for beat in Heartbeat.objects.filter(name__startswith=heartbeats.WORKER)
        if not re.search(r" 0 tasks started", beat.did)
    }
    kinds = [tuple(sorted(queues)) for queues in WORKERS.values()]
    wanted = {(f"{heartbeats.WORKER}{host}", *queues) for host in HOSTS for queues in kinds}
    return sorted(map(str, wanted - begun))


@pytest.fixture
def machines(sandbox: SandboxServer, tmp_path: Path) -> Iterator[dict[str, tuple[ExitStack, Machine]]]:
    """Two that run, by host name, each with what switches it off."""
    sandbox.set_scenarios(dict.fromkeys(NUMBERS, "press_1"))
    broker = Broker()
    broker.empty()
    with ExitStack() as running:
        found = {}
        for host in HOSTS:
            own = running.enter_context(ExitStack())
            found[host] = own, own.enter_context(run_machine(host, broker, sandbox, tmp_path, **SETTINGS))
        for _own, machine in found.values():
            machine.wait_until_ready()
        yield found


def test_two_machines_share_the_work_and_one_goes_on_alone(
    sandbox: SandboxServer, machines: dict[str, tuple[ExitStack, Machine]]
) -> None:
    """(product rule 3)"""
    first, second = (machine for _own, machine in machines.values())
    for number in NUMBERS[1:]:
        make_due(number)
    try:
        wait_until(lambda: count_confirmed() == len(NUMBERS) - 1, "all answers", within_seconds=60)
        wait_until(lambda: not list_idle_workers(), "each worker to begin a task", within_seconds=30)
    except AssertionError as error:
        seen = f"{count_confirmed()} confirmed, idle: {list_idle_workers()}"
        raise AssertionError(f"{error} {seen}\n{first.read_logs()}{second.read_logs()}") from error
    assert len({urlsplit(post["url"]).netloc for post in sandbox.posts()}) == 2, "both called"
    check_rate(sandbox)
    check_events_at_the_other_machine(sandbox, {first.url: second.url, second.url: first.url})
    check_sign_in(first, second)

    machines[first.host][0].close()
    make_due(NUMBERS[0])
    wait_until(lambda: count_confirmed() == len(NUMBERS), "the other one to go on", within_seconds=30)
    assert Counter(entry["to"] for entry in sandbox.ledger()) == Counter(NUMBERS)
    assert CallRecord.objects.count() == len(NUMBERS)
    assert not FollowUp.objects.exists()


def check_rate(sandbox: SandboxServer) -> None:
    """The machines together keep the rate: with one each, they would take half the time."""
    moments = sandbox.requests()
    assert len(moments) <= RATE * ((moments[-1] - moments[0]).total_seconds() + 1.5)


def check_events_at_the_other_machine(sandbox: SandboxServer, other: dict[str, str]) -> None:
    """Whatever machine gets an event, it knows the call, and that it has the event already: others may come
    meanwhile, but none is stored twice.
    """
    for post in sandbox.posts()[:6]:
        url = urlsplit(post["url"])
        elsewhere = other[f"{url.scheme}://{url.netloc}"] + url.path
        assert requests.post(elsewhere, json=post["body"], timeout=10).status_code == 200
    assert not WebhookEvent.objects.filter(occurrence__gt=0).exists()


def check_sign_in(first: Machine, second: Machine) -> None:
    """Who has signed in at one machine is known at the other, and wrong passwords are counted together."""
    with override_settings(PASSWORD_HASHERS=global_settings.PASSWORD_HASHERS):  # as the web processes have
        make_user("rosa", password="a quiet desk")
    rosa, stranger = requests.Session(), requests.Session()
    assert sign_in(rosa, first, "a quiet desk") == 302
    assert rosa.get(second.url, timeout=20, allow_redirects=False).status_code == 200
    tries = [sign_in(stranger, machine, "a guess") for machine in (first, second) * 3]
    assert tries == [200] * 5 + [429]


def sign_in(who: requests.Session, where: Machine, password: str) -> int:
    address = f"{where.url}/login/"
    who.get(address, timeout=20)
    data = {"username": "rosa", "password": password, "csrfmiddlewaretoken": who.cookies["csrftoken"]}
    return who.post(address, data, timeout=20, allow_redirects=False).status_code
