"""Probes after a pause because of Robotalker: against a sandbox that works, fails or does not answer."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from django.conf import settings as live_settings
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from reminders.dispatch.rounds import dispatch_due
from reminders.models import CallRecord, SendingSwitch
from reminders.tasks import probe_robotalker as tick
from reminders.traffic.gate import count_failure, count_success, read_gate
from reminders.traffic.probing import probe_robotalker
from reminders.traffic.rate import take_permits
from reminders.traffic.switch import Cause, pause_sending, read_switch
from tests.people import make_contact, make_due_reminder, make_user
from tests.sandbox_server import SandboxServer
from tests.waiting import find_free_port, wait_until

FAILURES: list[dict[str, Any]] = [
    {"kind": "error_401"},
    {"kind": "error_500_before"},
    {"kind": "error_502"},
    {"kind": "error_503"},
    {"kind": "rate_limit"},
    {"kind": "drop_before"},
    {"kind": "redirect"},
]


def break_probes(sandbox: SandboxServer, **fault: Any) -> None:
    """Give a fault to the answers to our probes, and to nothing else."""
    sandbox.faults({"endpoint": "contacts", "method": "GET", **fault})


def count_broken_probes(sandbox: SandboxServer) -> int:
    """How many probes have met the current fault."""
    return int(sandbox.control("GET", "/sandbox/faults")["faults"][0]["used"])


def pause_with_a_probe_due(cause: str = Cause.ROBOTALKER_FAILING) -> None:
    pause_sending(cause=cause)
    SendingSwitch.objects.update(probe_at=Now())


def seconds_until(moment: datetime | None) -> float:
    assert moment is not None
    now = SendingSwitch.objects.annotate(now=Now()).values_list("now", flat=True).get()
    return (moment - now).total_seconds()


@pytest.mark.parametrize("cause", [Cause.KEY_REFUSED, Cause.ROBOTALKER_FAILING])
def test_a_good_answer_resumes_sending(sandbox: SandboxServer, cause: str) -> None:
    pause_with_a_probe_due(cause)
    assert probe_robotalker() is True
    switch = read_switch()
    assert (switch.paused_at, switch.cause, switch.by, switch.probe_at) == (None, "", None, None)
    assert (read_gate().paused, read_gate().closed_for) == (False, 0.0)
    assert sandbox.ledger() == [], "the probe placed no call"


@pytest.mark.parametrize("fault", FAILURES, ids=lambda fault: fault["kind"])
def test_after_a_bad_answer_the_next_probe_waits_longer_each_time(
    sandbox: SandboxServer, fault: dict[str, Any]
) -> None:
    break_probes(sandbox, **fault)
    pause_with_a_probe_due()
    since = read_switch().paused_at
    for probes, longest in [(1, 30), (2, 60)]:
        SendingSwitch.objects.update(probe_at=Now())
        assert probe_robotalker() is False
        switch = read_switch()
        assert (switch.paused_at, switch.cause, switch.probes) == (since, Cause.ROBOTALKER_FAILING, probes)
        assert longest * 0.7 < seconds_until(switch.probe_at) <= longest


def test_a_key_that_is_still_refused_is_probed_again_later(
    sandbox: SandboxServer, settings: Settings
) -> None:
    settings.ROBOTALKER_API_KEY = "wrong"
    pause_with_a_probe_due(Cause.KEY_REFUSED)
    assert probe_robotalker() is False
    assert (read_switch().cause, read_switch().probes) == (Cause.KEY_REFUSED, 1)
    settings.ROBOTALKER_API_KEY = sandbox.api_key
    SendingSwitch.objects.update(probe_at=Now())
    assert probe_robotalker() is True


def test_an_unreachable_robotalker_is_probed_again_later(sandbox: SandboxServer, settings: Settings) -> None:
    settings.ROBOTALKER_BASE_URL = f"http://127.0.0.1:{find_free_port()}"
    pause_with_a_probe_due()
    assert probe_robotalker() is False
    assert read_switch().probes == 1


def test_a_retry_after_longer_than_our_own_wait_is_kept(sandbox: SandboxServer) -> None:
    break_probes(sandbox, kind="rate_limit", retry_after=600)
    pause_with_a_probe_due()
    assert probe_robotalker() is False
    assert 590 < seconds_until(read_switch().probe_at) <= 600


def test_a_refused_or_unreadable_probe_with_a_good_key_resumes_sending(
    sandbox: SandboxServer, settings: Settings
) -> None:
    for kind in ("error_400", "html", "no_id"):
        break_probes(sandbox, kind=kind)
        pause_with_a_probe_due()
        assert probe_robotalker() is True, kind
    settings.ROBOTALKER_BASE_URL = f"{sandbox.url}/elsewhere"  # a path that does not exist
    pause_with_a_probe_due()
    assert probe_robotalker() is True


@pytest.mark.parametrize("kind", ["error_503", "error_502"])
def test_a_call_is_tried_when_the_probe_keeps_failing(sandbox: SandboxServer, kind: str) -> None:
    break_probes(sandbox, kind=kind)
    pause_with_a_probe_due()
    for probe in (1, 2, 3):
        assert read_switch().cause == Cause.ROBOTALKER_FAILING, f"{probe - 1} failed probes are not enough"
        SendingSwitch.objects.update(probe_at=Now())
        assert probe_robotalker() is False
    assert not read_gate().paused, "a probe that always fails must not hold sending for ever"
    count_failure()
    switch = read_switch()
    assert switch.cause == Cause.ROBOTALKER_FAILING, "one failed call is enough"
    assert 60 < seconds_until(switch.probe_at) <= 120, "and the waits grow"


def test_a_tried_call_that_is_accepted_resets_the_counts(sandbox: SandboxServer) -> None:
    make_due_reminder()
    break_probes(sandbox, kind="error_500_before")
    pause_with_a_probe_due()
    SendingSwitch.objects.update(probes=2)
    probe_robotalker()
    assert dispatch_due().calls == 1
    switch = read_switch()
    assert (switch.paused_at, switch.failures, switch.probes) == (None, 0, 0)


@pytest.mark.parametrize(
    ("cause", "kind"),
    [
        (Cause.KEY_REFUSED, "error_503"),
        (Cause.ROBOTALKER_FAILING, "drop_before"),
        (Cause.ROBOTALKER_FAILING, "error_401"),
    ],
)
def test_no_call_is_tried_when_it_would_fail_like_the_probe(
    sandbox: SandboxServer, cause: str, kind: str
) -> None:
    break_probes(sandbox, kind=kind)
    pause_with_a_probe_due(cause)
    SendingSwitch.objects.update(probes=9)
    assert probe_robotalker() is False
    assert read_switch().cause == cause


def test_no_probe_is_sent_before_it_is_due(sandbox: SandboxServer) -> None:
    break_probes(sandbox, kind="error_503")
    pause_sending(cause=Cause.ROBOTALKER_FAILING)
    assert probe_robotalker() is None
    assert count_broken_probes(sandbox) == 0


@pytest.mark.parametrize("cause", [Cause.PERSON, Cause.RESTORED])
def test_a_pause_that_waits_for_a_person_is_never_probed(sandbox: SandboxServer, cause: str) -> None:
    break_probes(sandbox, kind="error_503")
    pause_with_a_probe_due(cause)
    assert probe_robotalker() is None
    assert (read_switch().cause, count_broken_probes(sandbox)) == (cause, 0)


def test_a_tick_takes_one_query_while_nothing_is_paused(sandbox: SandboxServer) -> None:
    SendingSwitch.objects.create()
    with CaptureQueriesContext(connection) as queries:
        tick()
    assert len(queries) == 1


def test_only_one_of_two_workers_sends_the_probe(sandbox: SandboxServer) -> None:
    break_probes(sandbox, kind="error_503")
    pause_with_a_probe_due()
    together = Barrier(2)

    def work(_: int) -> bool | None:
        try:
            together.wait()
            return probe_robotalker()
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(work, range(2)))
    assert sorted(answers, key=str) == [False, None]
    assert count_broken_probes(sandbox) == 1


def test_a_persons_pause_during_a_probe_is_kept(sandbox: SandboxServer) -> None:
    break_probes(sandbox, kind="slow_headers", seconds=1)
    rosa = make_user("rosa")
    pause_with_a_probe_due()
    answers: list[bool | None] = []

    def work() -> None:
        try:
            answers.append(probe_robotalker())
        finally:
            connection.close()

    asking = Thread(target=work)
    asking.start()
    claimed = wait_until(SendingSwitch.objects.filter(probes=1).first, "the probe to begin")
    assert seconds_until(claimed.probe_at) > 20, "no other worker probes before this probe must have ended"
    pause_sending(by=rosa)
    asking.join(30)
    assert answers == [True], "Robotalker works"
    assert (read_switch().cause, read_switch().by, read_switch().probe_at) == (Cause.PERSON, rosa, None)


def test_one_failure_after_a_good_answer_pauses_again(sandbox: SandboxServer) -> None:
    pause_with_a_probe_due()
    assert probe_robotalker() is True
    count_failure()
    assert read_switch().cause == Cause.ROBOTALKER_FAILING


def test_a_robotalker_that_answers_probes_but_accepts_no_calls_is_probed_less_and_less_often(
    sandbox: SandboxServer,
) -> None:
    for longest in (15, 30, 60, 120):
        pause_sending(cause=Cause.KEY_REFUSED)
        assert longest * 0.7 < seconds_until(read_switch().probe_at) <= longest
        SendingSwitch.objects.update(probe_at=Now() - timedelta(seconds=1))
        assert probe_robotalker() is True
    count_success()
    pause_sending(cause=Cause.KEY_REFUSED)
    assert seconds_until(read_switch().probe_at) <= 15


def test_a_probe_needs_a_permit_like_every_request(sandbox: SandboxServer, settings: Settings) -> None:
    settings.ROBOTALKER_RATE = "1/minute"
    take_permits(1)
    pause_with_a_probe_due()
    assert probe_robotalker() is None
    assert read_switch().cause == Cause.ROBOTALKER_FAILING
    settings.ROBOTALKER_RATE = "10/second"
    assert probe_robotalker() is True


def test_after_a_probe_one_call_at_a_time_is_sent_until_one_is_accepted(sandbox: SandboxServer) -> None:
    for last in range(6):
        make_due_reminder(make_contact(number=f"+120255501{last:02}"))
    SendingSwitch.objects.create(pk=1, probes=3, failures=live_settings.ROBOTALKER_BREAKER - 1)
    sandbox.faults({"kind": "drop_after"})
    dispatch_due()
    assert CallRecord.objects.count() == 1, "the first lost answer pauses sending again"
    assert read_switch().cause == Cause.ROBOTALKER_FAILING


def test_once_a_call_is_accepted_after_a_probe_sending_is_as_before(sandbox: SandboxServer) -> None:
    for last in range(6):
        make_due_reminder(make_contact(number=f"+120255501{last:02}"))
    SendingSwitch.objects.create(pk=1, probes=3)
    assert dispatch_due().calls == 6
    assert not read_gate().on_trial
