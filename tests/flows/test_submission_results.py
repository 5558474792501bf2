"""The results of submissions are recorded when something goes wrong on our side meanwhile."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings as live_settings
from django.db import connection, transaction
from django.db.models.functions import Now
from pytest_django import Settings
from redis import Redis

from contacts.models import Appointment
from reminders.dispatch import submission
from reminders.dispatch.claims import claim_due
from reminders.dispatch.post_threads import answer_time, open_post_threads
from reminders.dispatch.rounds import DispatchReport, dispatch_due, submit_claim
from reminders.dispatch.submission import Accepted, Moment, Submission
from reminders.models import CallBatch, CallRecord, Reminder, SendingSwitch
from reminders.traffic import shutdown
from reminders.traffic.local_faults import NotBuilt, PostThreadFailed, SleptTooLong
from reminders.traffic.shutdown import mark_stopping
from reminders.traffic.switch import pause_sending
from tests.flows.one_claim import dispatch_one_claim
from tests.people import make_contact, make_due_reminder, make_user
from tests.sandbox_server import SandboxServer
from tests.waiting import find_free_port, wait_until

NAMES = ["Sarah", "Noah", "Ada", "Lin"]


def make_several_due() -> list[Reminder]:
    return [
        make_due_reminder(make_contact(name, number=f"+1202555011{index}"))
        for index, name in enumerate(NAMES)
    ]


def dispatch_and_close_connection() -> DispatchReport:
    try:
        return dispatch_due()
    finally:
        connection.close()


def test_answers_are_recorded_when_the_database_connection_broke_meanwhile(
    sandbox: SandboxServer, settings: Settings
) -> None:
    settings.ROBOTALKER_THREADS = 4
    make_several_due()
    sandbox.faults({"kind": "slow_headers", "seconds": 1}, {"kind": "lost"})
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(dispatch_and_close_connection)
        wait_until(lambda: len(sandbox.ledger()) == 4, "all four requests to be under way")
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            assert cursor.fetchone()[0] >= 1, "the dispatch's own connection"
        assert run.result().calls == 4
    assert set(CallRecord.objects.values_list("state", flat=True)) == {"submitted"}


def test_an_answer_that_cannot_be_recorded_does_not_affect_the_others(
    sandbox: SandboxServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ROBOTALKER_THREADS = 4
    monkeypatch.setattr(submission, "RECORD_WITHIN", 1.0)
    stuck = make_several_due()[0]
    sandbox.faults({"kind": "slow_headers"}, {"kind": "lost"})
    submitting = CallRecord.objects.filter(state="submitting")
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(dispatch_and_close_connection)
        wait_until(lambda: submitting.count() == 4, "all requests to be under way")
        with transaction.atomic():
            Appointment.objects.select_for_update().get(pk=stuck.appointment_id)
            run.result()
    assert [call.reminder_id for call in submitting] == [stuck.pk]
    assert CallRecord.objects.filter(state="unknown").count() == 3


def test_an_exception_in_a_post_thread_affects_only_its_own_call(db: None) -> None:
    def break_down(_client: object) -> Accepted:
        raise RuntimeError("out of memory")

    with open_post_threads(2) as threads:
        for post in (break_down, lambda _client: Accepted("cal_1")):
            threads.start(Submission([], None, post, Moment()))
        results = [result for _ in range(2) if threads.busy for result in threads.wait_for_results()]
    assert {result.accepted.robotalker_id for result in results} == {"", "cal_1"}
    assert [type(result.error) for result in results if result.error] == [PostThreadFailed]


def test_a_request_that_could_not_be_built_is_not_sent(
    sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    reminder = make_due_reminder()

    def fail(_subject: object) -> str:
        raise OSError("no more files")

    monkeypatch.setattr(submission, "status_url", fail)
    dispatch_one_claim()
    reminder.refresh_from_db()
    assert (CallRecord.objects.get().state, reminder.state) == ("not_sent", "planned")
    assert CallRecord.objects.get().reason == NotBuilt.code
    assert SendingSwitch.objects.filter(failures__gt=0).count() == 0, "it says nothing about Robotalker"


def test_a_machine_that_was_suspended_between_commit_and_post_sends_nothing() -> None:
    slept = Moment()
    slept._wall -= live_settings.DISPATCH_LEASE
    result = Submission([], None, lambda _client: Accepted("cal_1"), slept).submit_with(None)  # type: ignore[arg-type]
    assert isinstance(result.error, SleptTooLong)


def open_ahead(settings: Settings) -> None:
    """Let the next dispatch open all calls in one look, and one thread send them one after the other."""
    settings.ROBOTALKER_THREADS = 1
    settings.ROBOTALKER_CAMPAIGNS = False
    make_several_due()
    answer_time.seconds = 0.001


def test_calls_that_were_opened_ahead_are_not_sent_once_the_gate_is_closed(
    sandbox: SandboxServer, settings: Settings
) -> None:
    open_ahead(settings)
    sandbox.faults({"kind": "rate_limit", "retry_after": 60}, {"kind": "lost"})
    assert dispatch_one_claim(threads=1) == 4
    assert len(sandbox.requests()) == 1, "Robotalker asked for a pause"
    assert sorted(CallRecord.objects.values_list("state", "reason")) == [
        *[("not_sent", "held_back")] * 3,
        ("not_sent", "rate_limited"),
    ]
    due = Reminder.objects.filter(state="planned", claim=None, next_look_at__lte=Now())
    assert due.count() == 4, "they go out as soon as the gate opens"


def test_calls_that_were_opened_ahead_are_sent_after_the_failure_of_one(
    sandbox: SandboxServer, settings: Settings
) -> None:
    open_ahead(settings)
    sandbox.faults({"kind": "error_503", "next": 1}, {"kind": "lost"})
    assert dispatch_one_claim(threads=1) == 4
    assert sorted(CallRecord.objects.values_list("state", flat=True)) == ["not_sent", *["submitted"] * 3]


def test_calls_that_were_opened_ahead_are_taken_back_by_a_worker_that_is_to_stop(
    sandbox: SandboxServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_ahead(settings)
    monkeypatch.setattr(shutdown, "_shared", bytearray(1))
    sandbox.faults({"kind": "slow_headers", "seconds": 1}, {"kind": "lost"})
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(dispatch_and_close_connection)
        wait_until(lambda: len(sandbox.ledger()) == 1, "the first request to be under way")
        mark_stopping()
        assert run.result().calls == 4
    assert len(sandbox.ledger()) == 1
    assert sorted(CallRecord.objects.values_list("state", "reason")) == [
        *[("not_sent", "held_back")] * 3,
        ("submitted", ""),
    ]
    waiting = Reminder.objects.filter(state="planned", claim=None, next_look_at__lte=Now())
    assert waiting.count() == 3, "another worker can take them at once"


def test_no_claim_is_held_while_the_rate_is_used_up(sandbox: SandboxServer, settings: Settings) -> None:
    """A dispatch doesn't wait for the rate: it gives its claim back, for any dispatcher to take later."""
    settings.ROBOTALKER_RATE = "6/minute"  # one in ten seconds: the second isn't free until all is over
    settings.ROBOTALKER_CAMPAIGNS = False
    make_several_due()
    with Redis.from_url(settings.REDIS_URL) as window, open_post_threads(2) as threads:
        for key in window.scan_iter("callboard:rate*"):
            window.delete(key)
        claim = claim_due(10)
        assert submit_claim(claim, threads) == 1
    left = Reminder.objects.filter(calls=None)
    assert len(claim.reminder_ids) - 1 == left.count() == 3
    assert set(left.values_list("state", "claim", "lease_until")) == {("planned", None, None)}
    assert len(sandbox.ledger()) == 1


def test_no_request_begins_and_no_claim_is_held_while_redis_is_away(
    sandbox: SandboxServer, settings: Settings
) -> None:
    here, settings.REDIS_URL = settings.REDIS_URL, f"redis://127.0.0.1:{find_free_port()}/0"
    make_several_due()
    assert dispatch_due().claimed == 0, "nothing is even claimed"
    with open_post_threads(2) as threads:
        assert submit_claim(claim_due(10), threads) == 0, "Redis was lost after the claim"
    assert set(Reminder.objects.values_list("state", "claim", "lease_until")) == {("planned", None, None)}
    assert sandbox.ledger() == []
    settings.REDIS_URL = here
    assert dispatch_due().calls == 4


def test_all_due_reminders_are_held_while_sending_is_paused(sandbox: SandboxServer) -> None:
    make_several_due()
    pause_sending(by=make_user())
    assert dispatch_due().calls == 0
    assert set(Reminder.objects.values_list("state", "reason")) == {("planned", "sending_paused")}
    assert sandbox.ledger() == []


def test_a_campaign_that_could_not_be_opened_leaves_no_batch_behind(
    sandbox: SandboxServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CAMPAIGN_MINIMUM = 2
    make_several_due()
    blocked = Appointment.objects.earliest("pk")
    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        Appointment.objects.select_for_update().get(pk=blocked.pk)
        pool.submit(dispatch_and_close_connection).result()
    assert CallBatch.objects.count() == 0
    assert sandbox.ledger(str(blocked.contact.phone and blocked.contact.phone.e164)) == []
