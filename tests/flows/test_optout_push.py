"""Opt-outs and opt-ins that are sent to Robotalker's list of contacts, over real HTTP (product rule 10)."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from reminders.models import Heartbeat, ListedNumber, SendingSwitch
from reminders.sweeps import optout_push
from reminders.sweeps.optout_pull import pull_contacts
from reminders.sweeps.optout_push import push_contacts
from reminders.tasks import push_contacts as push_tick
from reminders.traffic import background_requests
from reminders.traffic.switch import pause_sending
from tests.flows.optouts import (
    opt_in,
    opt_out,
    read_flags,
    read_robotalkers_list,
    set_on_robotalkers_list,
    try_again_now,
)
from tests.people import SARAH, make_number, make_user
from tests.sandbox_server import SandboxServer

NOAH = "+12025550142"


@pytest.mark.parametrize("scope", ["voice", "sms", "all"])
def test_an_opt_out_is_sent_once_for_its_channel_only(sandbox: SandboxServer, scope: str) -> None:
    opt_out(make_number(), scope)
    make_number(NOAH)
    assert push_contacts().sent == 1
    assert push_contacts().sent == 0
    assert read_robotalkers_list(sandbox) == {SARAH: {"voice": scope != "sms", "sms": scope != "voice"}}


def test_an_opt_in_by_staff_is_sent_too(sandbox: SandboxServer) -> None:
    number = make_number()
    opt_out(number)
    push_contacts()
    opt_in(number)
    assert push_contacts().sent == 1
    assert read_robotalkers_list(sandbox)[SARAH] == {"voice": False, "sms": False}


def test_an_opt_in_is_sent_when_only_robotalker_itself_had_listed_the_opt_out(sandbox: SandboxServer) -> None:
    number = make_number()
    set_on_robotalkers_list(sandbox, SARAH, voice=True)  # by key 9, which is also reported by an event
    opt_out(number)
    opt_in(number)  # without a push in between
    push_contacts()
    assert read_robotalkers_list(sandbox)[SARAH]["voice"] is False
    pull_contacts()
    assert read_flags() == (False, False)


def test_sending_an_opt_out_of_calls_keeps_an_opt_out_of_texts_and_records_it_here(
    sandbox: SandboxServer,
) -> None:
    set_on_robotalkers_list(sandbox, SARAH, sms=True)
    opt_out(make_number())
    push_contacts()
    assert read_robotalkers_list(sandbox)[SARAH] == {"voice": True, "sms": True}
    assert read_flags() == (True, True)
    assert push_contacts().sent == 0


def test_a_number_that_could_not_be_sent_is_sent_again_later(sandbox: SandboxServer) -> None:
    opt_out(make_number())
    sandbox.faults({"kind": "error_500_before", "endpoint": "contacts", "next": 1})
    assert push_contacts().failed == 1
    listed = ListedNumber.objects.get()
    assert (listed.failures, listed.told_at) == (1, None)
    assert listed.error
    assert SARAH not in listed.error
    assert push_contacts().sent == 0, "not at once"
    try_again_now()
    assert push_contacts().sent == 1
    listed.refresh_from_db()
    assert (listed.failures, listed.error, listed.calls_opted_out) == (0, "", True)


def test_a_number_that_robotalker_refuses_does_not_stop_the_others(sandbox: SandboxServer) -> None:
    for e164 in (SARAH, NOAH):
        opt_out(make_number(e164))
    sandbox.faults({"kind": "error_400", "endpoint": "contacts", "numbers": [SARAH]})
    report = push_contacts()
    assert (report.sent, report.failed) == (1, 1)
    assert set(read_robotalkers_list(sandbox)) == {NOAH}


def test_a_server_error_ends_the_round(sandbox: SandboxServer) -> None:
    for e164 in (SARAH, NOAH):
        opt_out(make_number(e164))
    sandbox.faults({"kind": "error_503", "endpoint": "contacts"})
    report = push_contacts()
    assert (report.sent, report.failed) == (0, 1)


def test_nothing_is_sent_while_sending_is_paused_or_the_gate_is_closed(sandbox: SandboxServer) -> None:
    opt_out(make_number())
    pause_sending(by=make_user())
    assert push_contacts().sent == 0
    SendingSwitch.objects.update(paused_at=None, gate_until=timezone.now() + timedelta(minutes=1))
    assert push_contacts().sent == 0
    assert read_robotalkers_list(sandbox) == {}


def test_a_refused_key_pauses_sending(sandbox: SandboxServer, settings: Settings) -> None:
    opt_out(make_number())
    settings.ROBOTALKER_API_KEY = "wrong"
    push_contacts()
    assert SendingSwitch.objects.get().cause == "key_refused"


def test_an_unreadable_answer_about_a_contact_does_not_pause_sending(
    sandbox: SandboxServer, settings: Settings
) -> None:
    settings.ROBOTALKER_BREAKER = 1
    opt_out(make_number())
    sandbox.faults({"kind": "html", "endpoint": "contacts"})
    assert push_contacts().failed == 1
    assert not SendingSwitch.objects.filter(paused_at__isnull=False).exists()


def test_numbers_over_the_limit_of_a_round_are_sent_in_the_next(
    sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(optout_push, "PUSH_AT_ONCE", 1)
    for e164 in (SARAH, NOAH):
        opt_out(make_number(e164))
    assert [push_contacts().sent for _ in range(3)] == [1, 1, 0]


def test_the_tick_records_a_heartbeat_with_its_counts(sandbox: SandboxServer) -> None:
    opt_out(make_number())
    push_tick()
    assert Heartbeat.objects.get(name="contacts").did == "1 sent, 0 failed"


def test_a_round_with_slow_answers_ends_before_the_next_begins(
    sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background_requests, "ROUND_SECONDS", 0.2)
    for e164 in (SARAH, NOAH):
        opt_out(make_number(e164))
    sandbox.faults({"kind": "slow_headers", "endpoint": "contacts", "seconds": 0.3})
    assert push_contacts().sent == 1
