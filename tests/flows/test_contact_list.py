"""Opt-outs told to Robotalker's list of contacts, and taken over from it, over real HTTP."""

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from contacts.models import ConsentEntry, PhoneNumber
from contacts.optouts import record_optin, record_optout
from reminders.dispatch.rounds import dispatch_due
from reminders.models import Heartbeat, ListedNumber, Reminder, SendingSwitch
from reminders.sweeps import optout_push as contact_list
from reminders.sweeps.optout_pull import pull_contacts, pull_if_due
from reminders.sweeps.optout_push import push_contacts
from reminders.tasks import push_contacts as push_tick
from reminders.traffic import background_requests as side_requests
from reminders.traffic.switch import pause_sending
from tests.people import SARAH, make_due_reminder, make_number, make_user
from tests.sandbox_server import SandboxServer

NOAH = "+12025550142"


def opt_out(number: PhoneNumber, scope: str = "voice") -> None:
    record_optout(number.pk, scope=scope, source=ConsentEntry.Source.STAFF, at=timezone.now())


def opt_in(number: PhoneNumber, scope: str = "voice") -> None:
    user = make_user(f"user{ConsentEntry.objects.count()}")
    record_optin(number.pk, scope=scope, evidence="changed her mind", by=user, at=timezone.now())


def tell_sandbox(sandbox: SandboxServer, to: str, **opted_out: bool) -> None:
    """As if it had happened over there."""
    sandbox.api("POST", "/api/v1/contacts", {"to": to, "opted_out": opted_out})


def read_sandbox(sandbox: SandboxServer) -> dict[str, Any]:
    contacts = sandbox.api("GET", "/api/v1/contacts").json()["contacts"]
    return {contact["to"]: contact["opted_out"] for contact in contacts}


def read_flags(e164: str = SARAH) -> tuple[bool, bool]:
    number = PhoneNumber.objects.get(e164=e164)
    return number.voice_opted_out_at is not None, number.sms_opted_out_at is not None


def try_again_now() -> None:
    ListedNumber.objects.update(next_attempt_at=None)


@pytest.mark.parametrize("scope", ["voice", "sms", "all"])
def test_an_opt_out_is_told_by_its_channel_and_once(sandbox: SandboxServer, scope: str) -> None:
    opt_out(make_number(), scope)
    make_number(NOAH)
    assert push_contacts().told == 1
    assert push_contacts().told == 0
    assert read_sandbox(sandbox) == {SARAH: {"voice": scope != "sms", "sms": scope != "voice"}}


def test_an_opt_in_by_staff_is_told_too(sandbox: SandboxServer) -> None:
    number = make_number()
    opt_out(number)
    push_contacts()
    opt_in(number)
    assert push_contacts().told == 1
    assert read_sandbox(sandbox)[SARAH] == {"voice": False, "sms": False}


def test_an_opt_in_after_an_opt_out_of_robotalkers_own_is_told(sandbox: SandboxServer) -> None:
    number = make_number()
    tell_sandbox(sandbox, SARAH, voice=True)  # by key 9, which tells us by an event
    opt_out(number)
    opt_in(number)  # and no round of ours in between
    push_contacts()
    assert read_sandbox(sandbox)[SARAH]["voice"] is False
    pull_contacts()
    assert read_flags() == (False, False)


def test_telling_of_calls_wipes_out_no_opt_out_of_texts_and_takes_it_over(sandbox: SandboxServer) -> None:
    tell_sandbox(sandbox, SARAH, sms=True)
    opt_out(make_number())
    push_contacts()
    assert read_sandbox(sandbox)[SARAH] == {"voice": True, "sms": True}
    assert read_flags() == (True, True)
    assert push_contacts().told == 0


def test_a_number_that_was_told_of_in_vain_is_told_again_later(sandbox: SandboxServer) -> None:
    opt_out(make_number())
    sandbox.faults({"kind": "error_500_before", "endpoint": "contacts", "next": 1})
    assert push_contacts().failed == 1
    listed = ListedNumber.objects.get()
    assert (listed.failures, listed.told_at) == (1, None)
    assert listed.error
    assert SARAH not in listed.error
    assert push_contacts().told == 0, "not at once"
    try_again_now()
    assert push_contacts().told == 1
    listed.refresh_from_db()
    assert (listed.failures, listed.error, listed.calls_opted_out) == (0, "", True)


def test_a_number_that_robotalker_refuses_holds_up_no_other(sandbox: SandboxServer) -> None:
    for e164 in (SARAH, NOAH):
        opt_out(make_number(e164))
    sandbox.faults({"kind": "error_400", "endpoint": "contacts", "numbers": [SARAH]})
    report = push_contacts()
    assert (report.told, report.failed) == (1, 1)
    assert set(read_sandbox(sandbox)) == {NOAH}


def test_a_robotalker_that_is_unwell_is_left_alone_for_the_rest_of_the_round(sandbox: SandboxServer) -> None:
    for e164 in (SARAH, NOAH):
        opt_out(make_number(e164))
    sandbox.faults({"kind": "error_503", "endpoint": "contacts"})
    report = push_contacts()
    assert (report.told, report.failed) == (0, 1)


def test_nothing_is_told_while_sending_is_paused_or_the_gate_closed(sandbox: SandboxServer) -> None:
    opt_out(make_number())
    pause_sending(by=make_user())
    assert push_contacts().told == 0
    SendingSwitch.objects.update(paused_at=None, gate_until=timezone.now() + timedelta(minutes=1))
    assert push_contacts().told == 0
    assert read_sandbox(sandbox) == {}


def test_a_refused_key_pauses_sending(sandbox: SandboxServer, settings: Settings) -> None:
    opt_out(make_number())
    settings.ROBOTALKER_API_KEY = "wrong"
    push_contacts()
    assert SendingSwitch.objects.get().cause == "key_refused"


def test_an_odd_answer_about_a_contact_never_pauses_the_calls(
    sandbox: SandboxServer, settings: Settings
) -> None:
    settings.ROBOTALKER_BREAKER = 1
    opt_out(make_number())
    sandbox.faults({"kind": "html", "endpoint": "contacts"})
    assert push_contacts().failed == 1
    assert not SendingSwitch.objects.filter(paused_at__isnull=False).exists()


def test_more_than_a_round_takes_waits_for_the_next(
    sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contact_list, "PUSH_AT_ONCE", 1)
    for e164 in (SARAH, NOAH):
        opt_out(make_number(e164))
    assert [push_contacts().told for _ in range(3)] == [1, 1, 0]


def test_the_tick_says_that_it_was_alive(sandbox: SandboxServer) -> None:
    opt_out(make_number())
    push_tick()
    assert Heartbeat.objects.get(name="contacts").did == "1 told, 0 failed"


def test_who_opted_out_over_there_is_opted_out_here_and_not_called(sandbox: SandboxServer) -> None:
    reminder = make_due_reminder()
    tell_sandbox(sandbox, SARAH, voice=True)
    report = pull_contacts()
    assert (report.listed, report.opted_out) == (1, 1)
    assert read_flags() == (True, False)
    entry = ConsentEntry.objects.get()
    assert (entry.source, entry.scope, entry.what) == ("robotalker", "voice", "opt_out")
    assert dispatch_due().calls == 0
    reminder.refresh_from_db()
    assert (reminder.state, reminder.reason) == ("skipped", "opted_out")


def test_a_number_that_we_do_not_know_yet_is_opted_out_when_it_comes(sandbox: SandboxServer) -> None:
    tell_sandbox(sandbox, SARAH, voice=True, sms=True)
    pull_contacts()
    make_due_reminder()
    assert dispatch_due().calls == 0
    assert Reminder.objects.get().reason == "opted_out"


def test_pulling_twice_changes_nothing(sandbox: SandboxServer) -> None:
    tell_sandbox(sandbox, SARAH, voice=True, sms=True)
    pull_contacts()
    assert pull_contacts().opted_out == 0
    assert ConsentEntry.objects.count() == 1
    assert push_contacts().told == 0, "what they told us isn't told back"


def test_a_pull_never_opts_anybody_in(sandbox: SandboxServer) -> None:
    opt_out(make_number(), "all")
    pull_contacts()
    tell_sandbox(sandbox, SARAH, voice=False, sms=True)
    pull_contacts()
    assert read_flags() == (True, True)
    push_contacts()
    assert read_sandbox(sandbox)[SARAH] == {"voice": True, "sms": True}, "and it is told again"


def test_a_number_gone_from_their_list_is_told_again(sandbox: SandboxServer) -> None:
    opt_out(make_number())
    push_contacts()
    tell_sandbox(sandbox, SARAH, voice=False)
    assert pull_contacts().missing == 1
    assert push_contacts().told == 1
    assert read_sandbox(sandbox)[SARAH]["voice"] is True


def test_an_opt_in_that_is_not_told_yet_is_not_undone_by_the_pull(sandbox: SandboxServer) -> None:
    number = make_number()
    opt_out(number)
    push_contacts()
    opt_in(number)
    sandbox.faults({"kind": "error_500_before", "endpoint": "contacts", "method": "POST"})
    pull_contacts()
    assert read_flags() == (False, False)
    sandbox.faults()
    try_again_now()
    pull_contacts()
    assert read_flags() == (False, False)
    assert read_sandbox(sandbox)[SARAH]["voice"] is False


def test_a_no_that_outlives_our_yes_is_theirs_and_wins(sandbox: SandboxServer) -> None:
    number = make_number()
    opt_out(number)
    push_contacts()
    opt_in(number)
    push_contacts()
    tell_sandbox(sandbox, SARAH, voice=True)  # the patient has said no to Robotalker once more
    pull_contacts()
    assert read_flags() == (True, False)
    newest = ConsentEntry.objects.order_by("-pk")[0]
    assert (newest.what, newest.source) == ("opt_out", "robotalker")


def test_after_a_restore_the_pull_brings_opt_outs_back_though_sending_is_paused(
    sandbox: SandboxServer,
) -> None:
    opt_out(make_number(), "all")
    push_contacts()
    ConsentEntry.objects.all().delete()
    ListedNumber.objects.all().delete()
    PhoneNumber.objects.update(voice_opted_out_at=None, sms_opted_out_at=None)  # as before the opt-out
    pause_sending(cause="restored")
    pull_contacts()
    assert read_flags() == (True, True)
    assert ConsentEntry.objects.get().scope == "all"


def test_a_long_list_is_taken_over_in_few_statements(
    sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contact_list, "CHUNK", 20)
    make_number("+12022000007")

    def count_statements(listed: int) -> int:
        for place in range(listed - 20, listed):
            tell_sandbox(sandbox, f"+1202{2_000_000 + place}", voice=True)
        with CaptureQueriesContext(connection) as queries:
            assert pull_contacts().opted_out == 20
        return len(queries)

    first = count_statements(20)
    assert count_statements(40) <= first + 12, "one more chunk of a list costs a handful, however long it is"
    assert read_flags("+12022000007") == (True, False)


def test_what_is_no_number_on_the_list_is_left_out(sandbox: SandboxServer) -> None:
    tell_sandbox(sandbox, "+12345678", voice=True)  # too short for its country
    tell_sandbox(sandbox, SARAH, voice=True)
    assert pull_contacts().opted_out == 1
    assert PhoneNumber.objects.get().e164 == SARAH


def test_the_list_is_pulled_once_a_night(sandbox: SandboxServer) -> None:
    assert pull_if_due() is not None
    assert pull_if_due() is None
    Heartbeat.objects.filter(name="contacts pulled").update(at=timezone.now() - timedelta(days=1))
    assert pull_if_due() is not None


def test_a_list_that_can_not_be_had_is_asked_for_again(sandbox: SandboxServer) -> None:
    sandbox.faults({"kind": "error_500_before", "endpoint": "contacts", "method": "GET", "next": 1})
    assert pull_if_due() is None
    assert pull_if_due() is not None


def test_the_command_says_what_it_did_or_why_it_could_not(sandbox: SandboxServer) -> None:
    tell_sandbox(sandbox, SARAH, voice=True)
    said = StringIO()
    call_command("pull_contacts", stdout=said)
    assert said.getvalue().startswith("1 opted out there, 1 of them news")
    sandbox.faults({"kind": "error_503", "endpoint": "contacts", "method": "GET"})
    with pytest.raises(CommandError, match="could not be read"):
        call_command("pull_contacts")


def test_slow_answers_end_a_round_before_the_next_begins(
    sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(side_requests, "ROUND_SECONDS", 0.2)
    for e164 in (SARAH, NOAH):
        opt_out(make_number(e164))
    sandbox.faults({"kind": "slow_headers", "endpoint": "contacts", "seconds": 0.3})
    assert push_contacts().told == 1
