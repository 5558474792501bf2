"""The one text that confirms an opt-out by text, over real HTTP both ways (product rule 32)."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from contacts.consent_ledger import ledger_open
from contacts.models import ConsentEntry, PhoneNumber
from contacts.optouts import record_optin
from reminders.dispatch.rounds import dispatch_due
from reminders.models import CallRecord, FollowUp, OptOutConfirmation, SendingSwitch
from reminders.planning.planner import plan_all
from reminders.robotalker.client import RobotalkerClient
from reminders.sweeps import single_texts
from reminders.sweeps.confirming_texts import send_confirmations
from reminders.tasks import confirm_optouts
from reminders.traffic.switch import pause_sending
from tests.flows.applying import is_all_applied
from tests.people import SARAH, make_contact, make_due_reminder, make_location, make_step, make_user
from tests.sandbox_server import SandboxServer
from tests.waiting import wait_until
from webhooks.models import WebhookEvent

EXPECTED = "Harbor Clinic, Downtown: You get no more texts or calls. Reply START for texts."


@pytest.fixture(autouse=True)
def _switched_on(settings: Settings) -> None:
    settings.OPT_OUT_CONFIRMATION = True


def send_reminder(sandbox: SandboxServer) -> None:
    """Sarah has got her reminder by text."""
    make_step(channel="sms")
    make_due_reminder()
    dispatch_due()
    wait_until(CallRecord.objects.filter(state="delivered").exists, "the reminder to be delivered")


def reply(sandbox: SandboxServer, words: str) -> None:
    """Sarah answers the newest text; returns when all its events have been applied."""
    before = len(sandbox.posts())
    sandbox.reply(SARAH, words)
    wait_until(lambda: len(sandbox.posts()) > before, "the reply to be posted")
    wait_until(lambda: all(post["state"] != "waiting" for post in sandbox.posts()), "the last post to end")
    wait_until(is_all_applied, "the last event to be applied")


def stop(sandbox: SandboxServer, words: str = "STOP") -> OptOutConfirmation:
    reply(sandbox, words)
    return OptOutConfirmation.objects.latest("pk")


def start(sandbox: SandboxServer) -> None:
    """A START after the "no"; in the same second it wouldn't count, since events name no smaller time."""
    refused_at = PhoneNumber.objects.get().sms_opted_out_at
    assert refused_at
    wait_until(lambda: timezone.now() >= refused_at + timedelta(seconds=1), "the next second")
    reply(sandbox, "START")


def read_sent(sandbox: SandboxServer) -> list[str]:
    """What Robotalker has accepted after the reminder, in order."""
    return [entry["message"] for entry in sandbox.ledger(SARAH)[1:]]


def reread(confirmation: OptOutConfirmation) -> tuple[str, str]:
    confirmation.refresh_from_db()
    return confirmation.state, confirmation.reason


def move_optout_back(minutes: int) -> None:
    with ledger_open():
        ConsentEntry.objects.update(at=timezone.now() - timedelta(minutes=minutes))


def test_exactly_one_text_follows_a_stop_and_nothing_else_does(
    sandbox: SandboxServer, settings: Settings
) -> None:
    settings.CAP_PER_DAY = 0
    send_reminder(sandbox)
    stop(sandbox)
    make_due_reminder(make_contact("Elias", number=SARAH), location=make_location("Uptown"))
    make_step(channel="sms", audience="everyone")
    plan_all()
    for _ in range(3):
        confirm_optouts()
        dispatch_due()
    assert read_sent(sandbox) == [EXPECTED]
    [first, *_] = sandbox.ledger(SARAH)
    assert sandbox.ledger(SARAH)[1]["from"] == first["from"]
    # the sandbox takes the text, then doesn't deliver to a number that is opted out there
    undelivered = OptOutConfirmation.objects.filter(state="undelivered", submitted_at__isnull=False)
    wait_until(undelivered.exists, "the report on it")
    wait_until(is_all_applied, "the last event to be applied")
    assert not WebhookEvent.objects.exclude(state="applied").exists()
    assert not FollowUp.objects.filter(kind="event_kept_back").exists()
    assert CallRecord.objects.count() == 1, "it is no call, so no cap counts it"


def test_none_follows_while_it_is_off(sandbox: SandboxServer, settings: Settings) -> None:
    settings.OPT_OUT_CONFIRMATION = False
    send_reminder(sandbox)
    reply(sandbox, "STOP")
    settings.OPT_OUT_CONFIRMATION = True
    confirm_optouts()
    assert PhoneNumber.objects.get().sms_opted_out_at
    assert read_sent(sandbox) == []


def test_one_that_waits_is_dropped_when_it_is_switched_off(
    sandbox: SandboxServer, settings: Settings
) -> None:
    send_reminder(sandbox)
    confirmation = stop(sandbox)
    settings.OPT_OUT_CONFIRMATION = False
    send_confirmations()
    assert reread(confirmation) == ("dropped", "confirmations_off")
    assert read_sent(sandbox) == []


def test_stop_twice_in_two_words_gets_one(sandbox: SandboxServer) -> None:
    send_reminder(sandbox)
    stop(sandbox)
    send_confirmations()
    stop(sandbox, "UNSUBSCRIBE")
    send_confirmations()
    assert read_sent(sandbox) == [EXPECTED]


def test_start_in_reply_to_it_brings_texts_back_and_another_stop_gets_another(sandbox: SandboxServer) -> None:
    send_reminder(sandbox)
    stop(sandbox)
    send_confirmations()
    start(sandbox)
    assert PhoneNumber.objects.get().sms_opted_out_at is None
    stop(sandbox)
    send_confirmations()
    assert read_sent(sandbox) == [EXPECTED, EXPECTED]


def test_a_worker_lost_between_commit_and_post_leaves_it_unknown_and_it_is_never_sent(
    sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    send_reminder(sandbox)
    confirmation = stop(sandbox)
    with monkeypatch.context() as patch:
        patch.setattr(RobotalkerClient, "send_sms", _die)
        with pytest.raises(KeyboardInterrupt):
            send_confirmations()
    assert reread(confirmation) == ("submitting", "")
    send_confirmations()
    OptOutConfirmation.objects.update(submitting_at=timezone.now() - timedelta(minutes=2))
    for _ in range(2):
        send_confirmations()
    assert reread(confirmation) == ("unknown", "sender_lost")
    assert read_sent(sandbox) == []


def _die(*_: Any) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("fault", ["drop_after", "error_500_after", "error_502", "html"])
def test_one_that_may_have_arrived_is_never_sent_again(sandbox: SandboxServer, fault: str) -> None:
    send_reminder(sandbox)
    confirmation = stop(sandbox)
    sandbox.faults({"kind": fault, "endpoint": "sms"}, {"kind": "lost"})
    send_confirmations()
    sandbox.faults({"kind": "lost"})
    send_confirmations()
    assert reread(confirmation)[0] == "unknown"
    assert read_sent(sandbox) == [EXPECTED]


def test_its_report_settles_one_whose_answer_was_lost(sandbox: SandboxServer) -> None:
    send_reminder(sandbox)
    confirmation = stop(sandbox)
    sandbox.faults({"kind": "drop_after", "endpoint": "sms"})
    send_confirmations()
    wait_until(lambda: reread(confirmation)[0] == "undelivered", "the report on it")


def test_after_a_429_it_is_sent_as_soon_as_the_gate_opens(sandbox: SandboxServer) -> None:
    send_reminder(sandbox)
    confirmation = stop(sandbox)
    sandbox.faults({"kind": "rate_limit", "endpoint": "sms", "next": 1})
    send_confirmations()
    assert reread(confirmation) == ("waiting", "rate_limited")
    send_confirmations()
    assert read_sent(sandbox) == [], "the gate is closed"
    SendingSwitch.objects.update(gate_until=timezone.now())
    send_confirmations()
    assert read_sent(sandbox) == [EXPECTED]
    assert reread(confirmation)[1] == ""


def test_one_that_never_left_is_sent_later_but_not_after_five_minutes(
    sandbox: SandboxServer, settings: Settings
) -> None:
    send_reminder(sandbox)
    confirmation = stop(sandbox)
    settings.ROBOTALKER_BASE_URL = "http://127.0.0.1:9"
    send_confirmations()
    assert reread(confirmation) == ("waiting", "connection_refused")
    settings.ROBOTALKER_BASE_URL = sandbox.url
    move_optout_back(6)
    send_confirmations()
    assert reread(confirmation) == ("dropped", "confirmed_too_late")
    assert read_sent(sandbox) == []


@pytest.mark.parametrize("minutes", [6, -10], ids=["six minutes ago", "ahead, as the clock was set back"])
def test_one_of_an_opt_out_at_another_time_is_dropped_at_the_last_look_too(
    sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch, minutes: int
) -> None:
    send_reminder(sandbox)
    confirmation = stop(sandbox)
    monkeypatch.setattr(single_texts, "_drop_too_late", lambda _: 0)  # it aged during the round
    move_optout_back(minutes)
    send_confirmations()
    assert reread(confirmation) == ("dropped", "confirmed_too_late")
    assert read_sent(sandbox) == []


def test_it_waits_while_sending_is_paused_and_is_then_dropped(sandbox: SandboxServer) -> None:
    send_reminder(sandbox)
    confirmation = stop(sandbox)
    pause_sending(by=make_user())
    send_confirmations()
    assert reread(confirmation) == ("waiting", "")
    move_optout_back(6)
    send_confirmations()
    assert reread(confirmation) == ("dropped", "confirmed_too_late")
    assert read_sent(sandbox) == []


def test_a_pause_counts_at_the_last_look_too(sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> None:
    send_reminder(sandbox)
    confirmation = stop(sandbox)
    monkeypatch.setattr(single_texts, "limit_to_permits", _pause_meanwhile)
    send_confirmations()
    assert reread(confirmation) == ("waiting", "")
    assert read_sent(sandbox) == []


def _pause_meanwhile(ids: Any) -> Any:
    for one in ids:
        pause_sending(by=make_user())
        yield one


def _opt_in_by_staff(sandbox: SandboxServer) -> None:
    number = PhoneNumber.objects.get()
    record_optin(number.pk, scope="all", evidence="asked", by=make_user(), at=timezone.now())


@pytest.mark.parametrize("opt_in", [_opt_in_by_staff, start])
def test_it_is_not_sent_to_a_number_that_was_opted_in_since(
    sandbox: SandboxServer, opt_in: Callable[[SandboxServer], None]
) -> None:
    send_reminder(sandbox)
    confirmation = stop(sandbox)
    opt_in(sandbox)
    send_confirmations()
    assert reread(confirmation) == ("dropped", "opted_in_since")
    assert read_sent(sandbox) == []


def test_of_two_stops_with_an_opt_in_between_only_the_last_is_confirmed(sandbox: SandboxServer) -> None:
    send_reminder(sandbox)
    first = stop(sandbox)
    _opt_in_by_staff(sandbox)
    stop(sandbox)
    send_confirmations()
    assert reread(first) == ("dropped", "opted_in_since")
    assert read_sent(sandbox) == [EXPECTED]


def test_one_that_robotalker_refuses_is_not_sent_again(sandbox: SandboxServer) -> None:
    send_reminder(sandbox)
    confirmation = stop(sandbox)
    sandbox.faults({"kind": "error_400", "endpoint": "sms", "next": 1})
    for _ in range(2):
        send_confirmations()
    assert reread(confirmation) == ("dropped", "bad_request")
    assert read_sent(sandbox) == []


def test_it_is_not_sent_to_a_number_that_has_become_our_own(
    sandbox: SandboxServer, settings: Settings
) -> None:
    send_reminder(sandbox)
    confirmation = stop(sandbox)
    settings.ROBOTALKER_FROM_NUMBER = SARAH
    send_confirmations()
    assert reread(confirmation) == ("dropped", "never_texted")
    assert read_sent(sandbox) == []


def test_nothing_is_sent_by_a_process_that_slept_after_the_commit(
    sandbox: SandboxServer, settings: Settings
) -> None:
    send_reminder(sandbox)
    confirmation = stop(sandbox)
    settings.DISPATCH_LEASE = settings.ROBOTALKER_TOTAL_DEADLINE  # as if all of it had passed
    send_confirmations()
    assert reread(confirmation) == ("dropped", "slept_too_long")
    assert read_sent(sandbox) == []


def test_two_workers_at_once_send_it_once(sandbox: SandboxServer) -> None:
    send_reminder(sandbox)
    stop(sandbox)
    barrier = threading.Barrier(2)

    def work() -> None:
        barrier.wait(10)
        try:
            send_confirmations()
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(20)
    assert read_sent(sandbox) == [EXPECTED]
