"""Read the facts for the oracle from the sandbox and the database."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Exists, OuterRef, Q

from contacts.models import PhoneNumber
from reminders.models import CallCompanion, CallRecord, FollowUp, Reminder
from reminders.traffic.callback_urls import BadToken, read_token
from tests.sandbox_server import SandboxServer
from tests.torture.generated_clinic import GeneratedClinic
from tests.torture.oracle import Facts, FollowUpRow, LedgerLine, OptOut, ReminderRow, Try, Withdrawal

Json = dict[str, Any]
CHANNELS = {"voice": frozenset({"voice"}), "sms": frozenset({"sms"}), "all": frozenset({"voice", "sms"})}
# The commit time of each row, which PostgreSQL keeps with track_commit_timestamp.
OPT_OUTS = """
    SELECT e164, scope, pg_xact_commit_timestamp(entry.xmin)
    FROM contacts_consententry entry JOIN contacts_phonenumber number ON number.id = entry.number_id
    WHERE what = 'opt_out'
"""
WITHDRAWALS = """
    SELECT appointment_id, CASE what WHEN 'moved' THEN revision - 1 ELSE revision END,
           pg_xact_commit_timestamp(xmin)
    FROM contacts_appointmentchange WHERE what IN ('cancelled', 'moved')
"""


def read_facts(sandbox: SandboxServer, clinic: GeneratedClinic) -> Facts:
    """Read everything the oracle uses."""
    return Facts(
        lines=read_ledger(sandbox),
        tries=read_tries(),
        reminders=read_reminders(),
        follow_ups=read_follow_ups(),
        optouts=[
            OptOut(number, CHANNELS[scope], committed_at) for number, scope, committed_at in _query(OPT_OUTS)
        ],
        withdrawals=[Withdrawal(*row) for row in _query(WITHDRAWALS)],
        hours=clinic.hours,
        deadline=timedelta(seconds=settings.DISPATCH_LEASE),
    )


def read_ledger(sandbox: SandboxServer) -> list[LedgerLine]:
    """Read the sandbox's ledger, each line with the outcome of its call or text."""
    ends = {call["call_id"]: call for call in sandbox.calls()}
    ends |= {sms["sms_id"]: sms for sms in sandbox.texts()}
    return [_read_line(entry, ends.get(entry["id"], {})) for entry in sandbox.ledger()]


def read_tries() -> list[Try]:
    """Read all CallRecords."""
    companions: dict[int, list[int]] = {}
    for call_id, reminder_id in CallCompanion.objects.values_list("call_id", "reminder_id"):
        companions.setdefault(call_id, []).append(reminder_id)
    calls = CallRecord.objects.select_related("number", "batch").order_by("pk")
    return [_read_try(call, companions.get(call.pk, [])) for call in calls]


def read_reminders() -> list[ReminderRow]:
    """Read all reminders; all of them became due in the run."""
    outcome_unknown = CallRecord.objects.filter(
        Q(reminder=OuterRef("pk")) | Q(companions__reminder=OuterRef("pk")), state__in=["unknown", "overdue"]
    )
    reminders = Reminder.objects.select_related("appointment__contact__phone", "step").order_by("pk")
    return [
        ReminderRow(
            reminder_id=reminder.pk,
            appointment_id=reminder.appointment_id,
            revision=reminder.revision,
            number=_number_of(reminder),
            state=reminder.state,
            reason=reminder.reason,
            max_tries=reminder.step.max_tries,
            retry_voicemail=reminder.step.retry_voicemail,
            outcome_unknown=reminder.outcome_unknown,
        )
        for reminder in reminders.annotate(outcome_unknown=Exists(outcome_unknown))
    ]


def read_follow_ups() -> list[FollowUpRow]:
    """Read all follow-ups, resolved or not. One about a household's call is about each of its reminders."""
    follow_ups = FollowUp.objects.select_related("call").prefetch_related("call__companions").order_by("pk")
    return [
        FollowUpRow(
            kind=entry.kind,
            appointment_id=entry.appointment_id,
            reminder_ids=frozenset(_reminders_of(entry)),
            resolved=entry.state == FollowUp.State.RESOLVED,
        )
        for entry in follow_ups
    ]


def _reminders_of(entry: FollowUp) -> Iterator[int]:
    if entry.reminder_id:
        yield entry.reminder_id
    if entry.call:
        yield entry.call.reminder_id
        yield from (companion.reminder_id for companion in entry.call.companions.all())


def _read_line(entry: Json, end: Json) -> LedgerLine:
    ended_at = end.get("ended_at") or (end.get("created_at") if end.get("status") == "failed" else None)
    return LedgerLine(
        subject=_read_subject(entry),
        to=entry["to"],
        channel="sms" if entry["kind"] in {"sms", "bulk_sms"} else "voice",
        at=datetime.fromisoformat(entry["at"]),
        outcome=end.get("status", ""),
        ended_at=datetime.fromisoformat(ended_at) if ended_at else None,
        fault=entry["fault"],
    )


def _read_subject(entry: Json) -> str:
    """Return which try the line belongs to, from the secret callback URL that was sent with the call."""
    token = entry["webhook_url"].rstrip("/").rsplit("/", 1)[-1]
    try:
        callback = read_token(token)
    except BadToken:
        return f"not ours: {token}"
    return f"{callback.public_id} {entry['to']}" if callback.subject == "b" else callback.public_id


def _read_try(call: CallRecord, companions: list[int]) -> Try:
    subject = f"{call.batch.public_id} {call.number.e164}" if call.batch else call.public_id
    return Try(
        subject=subject,
        number=call.number.e164,
        reminder_ids=(call.reminder_id, *companions),
        state=call.state,
        submitting_at=call.submitting_at,
        ordered=call.ordered_by_id is not None,
        answer_recorded=bool(call.submitted_at or (call.batch and call.batch.robotalker_id)),
    )


def _number_of(reminder: Reminder) -> str:
    number: PhoneNumber | None = reminder.appointment.contact.phone
    return number.e164 if number else ""


def _query(query: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
