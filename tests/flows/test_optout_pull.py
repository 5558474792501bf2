"""Opt-outs on Robotalker's list of contacts that are recorded here, over real HTTP (product rule 10)."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from contacts.consent_ledger import ledger_open
from contacts.models import ConsentEntry, PhoneNumber
from contacts.models.people import Channel
from contacts.optouts import record_optin_by_text
from reminders.dispatch.rounds import dispatch_due
from reminders.models import Heartbeat, ListedNumber, Reminder
from reminders.robotalker.responses import ContactStatus
from reminders.sweeps import optout_pull
from reminders.sweeps.optout_pull import pull_contacts, pull_if_due
from reminders.sweeps.optout_push import push_contacts
from reminders.traffic.switch import pause_sending
from tests.flows.optouts import (
    opt_in,
    opt_out,
    read_flags,
    read_robotalkers_list,
    set_on_robotalkers_list,
    try_again_now,
)
from tests.people import SARAH, make_due_reminder, make_number
from tests.sandbox_server import SandboxServer


@pytest.mark.parametrize(("scope", "flags"), [("channel", (True, False)), ("all", (True, True))])
def test_a_number_opted_out_at_robotalker_is_opted_out_here_and_not_called(
    sandbox: SandboxServer, settings: Settings, scope: str, flags: tuple[bool, bool]
) -> None:
    settings.OPT_OUT_SCOPE = scope
    reminder = make_due_reminder()
    set_on_robotalkers_list(sandbox, SARAH, voice=True)
    report = pull_contacts()
    assert (report.listed, report.opted_out) == (1, 1)
    assert read_flags() == flags
    entry = ConsentEntry.objects.get()
    expected = {"channel": "voice", "all": "all"}[scope]
    assert (entry.source, entry.scope, entry.what) == ("robotalker", expected, "opt_out")
    assert dispatch_due().calls == 0
    reminder.refresh_from_db()
    assert (reminder.state, reminder.reason) == ("skipped", "opted_out")


def test_an_unknown_number_on_the_list_is_opted_out_before_its_first_call(sandbox: SandboxServer) -> None:
    set_on_robotalkers_list(sandbox, SARAH, voice=True, sms=True)
    pull_contacts()
    make_due_reminder()
    assert dispatch_due().calls == 0
    assert Reminder.objects.get().reason == "opted_out"


def test_a_second_pull_changes_nothing(sandbox: SandboxServer) -> None:
    set_on_robotalkers_list(sandbox, SARAH, voice=True, sms=True)
    pull_contacts()
    assert pull_contacts().opted_out == 0
    assert ConsentEntry.objects.count() == 1
    assert push_contacts().sent == 0, "an opt-out from the list isn't sent back"


def test_a_pull_never_ends_an_opt_out(sandbox: SandboxServer) -> None:
    opt_out(make_number(), "all")
    pull_contacts()
    set_on_robotalkers_list(sandbox, SARAH, voice=False, sms=True)
    pull_contacts()
    assert read_flags() == (True, True)
    push_contacts()
    assert read_robotalkers_list(sandbox)[SARAH] == {"voice": True, "sms": True}, "it is sent again"


def test_an_opt_out_missing_from_robotalkers_list_is_sent_again(sandbox: SandboxServer) -> None:
    opt_out(make_number())
    push_contacts()
    set_on_robotalkers_list(sandbox, SARAH, voice=False)
    assert pull_contacts().missing == 1
    assert push_contacts().sent == 1
    assert read_robotalkers_list(sandbox)[SARAH]["voice"] is True


def test_a_pull_keeps_an_opt_in_that_is_not_sent_yet(sandbox: SandboxServer) -> None:
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
    assert read_robotalkers_list(sandbox)[SARAH]["voice"] is False


def test_an_opt_out_on_the_list_after_our_opt_in_was_sent_is_recorded_here(sandbox: SandboxServer) -> None:
    number = make_number()
    opt_out(number)
    push_contacts()
    opt_in(number)
    push_contacts()
    set_on_robotalkers_list(sandbox, SARAH, voice=True)  # the patient has opted out at Robotalker once more
    pull_contacts()
    assert read_flags() == (True, True)
    newest = ConsentEntry.objects.order_by("-pk")[0]
    assert (newest.what, newest.source) == ("opt_out", "robotalker")


def test_after_a_restore_a_pull_brings_opt_outs_back_even_while_sending_is_paused(
    sandbox: SandboxServer,
) -> None:
    opt_out(make_number(), "all")
    push_contacts()
    with ledger_open():
        ConsentEntry.objects.all().delete()
    ListedNumber.objects.all().delete()
    PhoneNumber.objects.update(voice_opted_out_at=None, sms_opted_out_at=None)  # as before the opt-out
    pause_sending(cause="restored")
    pull_contacts()
    assert read_flags() == (True, True)
    assert ConsentEntry.objects.get().scope == "all"


def test_a_long_list_is_recorded_in_few_statements(
    sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.OPT_OUT_SCOPE = "channel"  # else the next pull first sends that they want no texts either
    monkeypatch.setattr(optout_pull, "CHUNK", 20)
    make_number("+12022000007")

    def count_statements(listed: int) -> int:
        for index in range(listed - 20, listed):
            set_on_robotalkers_list(sandbox, f"+1202{2_000_000 + index}", voice=True)
        with CaptureQueriesContext(connection) as queries:
            assert pull_contacts().opted_out == 20
        return len(queries)

    first = count_statements(20)
    assert count_statements(40) <= first + 12, "each further chunk takes a few statements"
    assert read_flags("+12022000007") == (True, False)


def test_a_pull_does_not_undo_a_start_by_text(sandbox: SandboxServer) -> None:
    """The "no" to calls is on Robotalker's list and stays; texts stay wanted (product rule 32)."""
    number = make_number()
    opt_out(number, "all")
    push_contacts()
    assert record_optin_by_text(number.pk, at=timezone.now(), evidence="START")
    for _ in range(2):
        pull_contacts()
        assert read_flags() == (True, False)
    assert read_robotalkers_list(sandbox)[SARAH] == {"voice": True, "sms": False}


def test_our_own_numbers_on_the_list_are_left_out(sandbox: SandboxServer) -> None:
    """Product rule 39; another number counts in its national form, too (product rule 35)."""
    set_on_robotalkers_list(sandbox, "+18005550199", voice=True)
    assert pull_contacts().opted_out == 0
    assert not PhoneNumber.objects.exists()
    assert optout_pull._merge(
        [
            ContactStatus(to="(202) 555-0100", voice_opted_out=True, sms_opted_out=False),
            ContactStatus(to="somebody", voice_opted_out=True, sms_opted_out=False),
        ]
    ) == ({SARAH: {Channel.VOICE}}, 1)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("known", "counts_for"),
    [
        ((), {"+5511987654321"}),
        (("+5511987654321",), {"+5511987654321"}),
        (("+551187654321",), {"+551187654321"}),
        (("+5511987654321", "+551187654321"), {"+5511987654321", "+551187654321"}),
    ],
)
def test_a_number_that_can_be_read_in_two_ways_is_the_one_that_is_known(
    settings: Settings, known: tuple[str, ...], counts_for: set[str]
) -> None:
    """Without the ninth digit of Brazil (product rule 35)."""
    settings.PHONE_REGION = "BR"
    for e164 in known:
        make_number(e164)
    listed = ContactStatus(to="+551187654321", voice_opted_out=True, sms_opted_out=False)
    assert optout_pull._merge([listed]) == ({e164: {Channel.VOICE} for e164 in counts_for}, 0)


def test_invalid_numbers_on_the_list_are_left_out(sandbox: SandboxServer) -> None:
    set_on_robotalkers_list(sandbox, "+12345678", voice=True)  # too short for its country
    set_on_robotalkers_list(sandbox, SARAH, voice=True)
    assert pull_contacts().opted_out == 1
    assert PhoneNumber.objects.get().e164 == SARAH


def test_the_list_is_pulled_once_a_night(sandbox: SandboxServer) -> None:
    assert pull_if_due() is not None
    assert pull_if_due() is None
    Heartbeat.objects.filter(name="contacts pulled").update(at=timezone.now() - timedelta(days=1))
    assert pull_if_due() is not None


def test_a_pull_that_failed_is_tried_again(sandbox: SandboxServer) -> None:
    sandbox.faults({"kind": "error_500_before", "endpoint": "contacts", "method": "GET", "next": 1})
    assert pull_if_due() is None
    assert pull_if_due() is not None


def test_the_command_prints_what_it_did_or_why_it_failed(sandbox: SandboxServer) -> None:
    set_on_robotalkers_list(sandbox, SARAH, voice=True)
    printed = StringIO()
    call_command("pull_contacts", stdout=printed)
    assert printed.getvalue().startswith("1 on Robotalker's list, 1 newly opted out here")
    sandbox.faults({"kind": "error_503", "endpoint": "contacts", "method": "GET"})
    with pytest.raises(CommandError, match="could not be read"):
        call_command("pull_contacts")


def test_the_pull_does_not_wait_for_a_heartbeat_that_lies_ahead(sandbox: SandboxServer) -> None:
    """Product rule 28: it was written before the clock was set back, two days in one system."""
    set_on_robotalkers_list(sandbox, SARAH, voice=True)
    Heartbeat.objects.create(name="contacts pulled", at=timezone.now() + timedelta(days=2))
    assert pull_if_due() is not None
    assert read_flags() == (True, True)
    assert pull_if_due() is None, "tonight's pull is done"
