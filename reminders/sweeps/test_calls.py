"""Sending test calls and texts, each once, soon after it was ordered or not at all.

As with the texts that confirm opt-outs (confirming_texts.py), `submitting` is committed before the request.
None is repeated: the person who ordered it is there, and orders another. Gate, rate and switch hold as for
every request. A code is made only now, so it is stored nowhere but as a hash.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from contacts.database.clock import read_database_clock
from contacts.models.people import Channel
from reminders.deciding.test_objections import find_test_objection
from reminders.lifecycle.locking import lock_numbers
from reminders.models import TestCall
from reminders.robotalker.client import RobotalkerClient
from reminders.robotalker.errors import Meaning, RobotalkerError
from reminders.robotalker.payloads import Recipient, build_call, build_campaign, build_sms, build_sms_batch
from reminders.rules.reasons import CallReason, ReasonOfTest
from reminders.traffic.background_requests import limit_to_permits, should_continue_after
from reminders.traffic.callback_urls import key_urls, status_url
from reminders.traffic.client import make_guarded_client
from reminders.traffic.gate import count_success
from reminders.traffic.local_faults import SleptTooLong
from reminders.traffic.request_guard import read_request_guard
from reminders.wording.test_messages import fill_code

State, Purpose = TestCall.State, TestCall.Purpose

SENT_WITHIN = timedelta(minutes=5)
AT_ONCE = 20  # in each round
CODE_DIGITS = 6
LONGEST_BODY = 16_384  # characters of an answer that are kept
NEVER_ACCEPTED = frozenset({Meaning.NOT_SENT, Meaning.REJECTED, Meaning.UNAUTHORIZED, Meaning.RATE_LIMITED})


@dataclass(frozen=True)
class TestReport:
    """How many tests were accepted, and how many were dropped as too late."""

    __test__ = False

    sent: int = 0
    dropped: int = 0


def send_tests() -> TestReport:
    """One round: drop what is too late, and send what waits, the oldest first."""
    open_ones = TestCall.objects.filter(state__in=[State.WAITING, State.SUBMITTING])
    if not open_ones.exists():
        return TestReport()
    longest = timedelta(seconds=settings.DISPATCH_LEASE)
    lost = open_ones.filter(state=State.SUBMITTING, submitting_at__lt=Now() - longest)
    lost.update(state=State.UNKNOWN, reason=CallReason.SENDER_LOST)
    waiting = open_ones.filter(state=State.WAITING)
    too_late = waiting.filter(Q(created_at__lt=Now() - SENT_WITHIN) | Q(created_at__gt=Now()))
    dropped = too_late.update(state=State.DROPPED, reason=ReasonOfTest.TEST_TOO_LATE)
    ids = list(waiting.order_by("pk").values_list("pk", flat=True)[:AT_ONCE])
    return TestReport(sum(_send(pk) for pk in limit_to_permits(ids)), dropped)


@dataclass(frozen=True)
class OpenedTest:
    """A test that is about to be sent, with its code if it speaks one; and when it was opened."""

    test: TestCall
    variables: Mapping[str, str]
    at: datetime


def _send(pk: int) -> bool:
    opened = _open(pk)
    if opened is None:
        return False
    exchange: list[dict[str, Any]] = []
    try:
        robotalker_id = _request(opened, exchange)
    except ValueError:  # the request can't be built
        _record(opened.test, State.DROPPED, exchange, reason=CallReason.NOT_WRITABLE)
        return False
    except RobotalkerError as error:
        state = State.DROPPED if error.meaning in NEVER_ACCEPTED else State.UNKNOWN
        _record(opened.test, state, exchange, reason=error.code, detail=error.detail[:200])
        should_continue_after(error, opened.at)
        return False
    now = read_database_clock()
    _record(opened.test, State.SUBMITTED, exchange, robotalker_id=robotalker_id, submitted_at=now)
    count_success(of_call=False)
    return True


def _request(opened: OpenedTest, exchange: list[dict[str, Any]]) -> str:
    """Make the request, and note it with its answer in `exchange`; Robotalker's id.

    Raises RobotalkerError, also if this process slept since the test was opened: nobody waits for it now.
    """
    is_code = opened.test.purpose == Purpose.CODE
    longest = timedelta(seconds=settings.DISPATCH_LEASE - settings.ROBOTALKER_TOTAL_DEADLINE)
    if read_database_clock() - opened.at > longest:
        raise SleptTooLong

    def note(path: str, content: Mapping[str, Any] | None, status: int, body: bytes) -> None:
        if not is_code:  # an exchange about a code would hold it
            answer = body.decode(errors="replace").replace("\x00", "")[:LONGEST_BODY]
            exchange.extend([_note(f"POST /api/v1/{path}", content), _note(f"HTTP {status}", answer)])

    guard = read_request_guard(also=opened.test.number.e164 if is_code else "")
    with make_guarded_client(guard, note_exchange=note) as client:
        return _post(client, opened)


@transaction.atomic
def _open(pk: int) -> OpenedTest | None:
    """Look at it for the last time, and mark it `submitting`; None if it isn't sent.

    The number is locked first, so an opt-out either is seen here, or comes after the test.
    """
    lock_numbers(TestCall.objects.filter(pk=pk).values_list("number", flat=True))
    rows = TestCall.objects.select_related("number", "by", "location")
    test = rows.select_for_update(of=("self",), skip_locked=True).filter(pk=pk, state=State.WAITING).first()
    if test is None:
        return None
    now = read_database_clock()
    if objection := find_test_objection(test, now):
        test.state, test.reason = State.DROPPED, objection
        test.save(update_fields=["state", "reason"])
        return None
    variables = test.variables
    if test.purpose == Purpose.CODE:
        code = "".join(secrets.choice("0123456789") for _ in range(CODE_DIGITS))
        test.code_hash = make_password(code)
        variables = fill_code(variables["PRACTICE"], code)
    test.state, test.submitting_at = State.SUBMITTING, now
    test.save(update_fields=["state", "submitting_at", "code_hash"])
    return OpenedTest(test, variables, now)


def _post(client: RobotalkerClient, opened: OpenedTest) -> str:
    """Make the one request; Robotalker's id. Raises RobotalkerError, and ValueError if it can't be built."""
    test, variables = opened.test, opened.variables
    recipients: Sequence[Recipient] = [Recipient(test.number.e164, variables)]
    said = {"from_number": test.from_number, "message": test.message, "status_url": status_url(test)}
    if test.channel == Channel.SMS:
        if test.in_batch:
            return client.send_sms_batch(build_sms_batch(recipients=recipients, **said)).batch_id
        return client.send_sms(build_sms(to=test.number.e164, variables=variables, **said)).sms_id
    keys = key_urls(test) if test.purpose == Purpose.TEST else {}
    if test.in_batch:
        campaign = build_campaign(recipients=recipients, voice=test.voice, key_urls=keys, **said)
        return client.create_campaign(campaign).campaign_id
    call = build_call(to=test.number.e164, variables=variables, voice=test.voice, key_urls=keys, **said)
    return client.create_call(call).call_id


def _record(test: TestCall, state: str, exchange: Sequence[dict[str, Any]], **fields: Any) -> None:
    """Its events may have come before the answer, so what they said stays, and follows what was sent."""
    with transaction.atomic():
        now_stored = TestCall.objects.select_for_update().get(pk=test.pk)
        if now_stored.state in (State.SUBMITTING, State.UNKNOWN):
            now_stored.state = state
        for name, value in fields.items():
            setattr(now_stored, name, value)
        now_stored.exchange = [*exchange, *now_stored.exchange]
        now_stored.save(update_fields=["state", "exchange", *fields])


def _note(what: str, body: object) -> dict[str, Any]:
    return {"at": read_database_clock().isoformat(), "what": what, "body": body}
