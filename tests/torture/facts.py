"""Reading the facts for the oracle: the sandbox's ledger and calls, and the database."""

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
from tests.torture.oracle import Entry, Facts, Line, OptOut, Promise, Try, Withdrawal
from tests.torture.world import World

Json = dict[str, Any]
CHANNELS = {"voice": frozenset({"voice"}), "sms": frozenset({"sms"}), "all": frozenset({"voice", "sms"})}
# The moment a row was committed, by the database itself (it keeps them with track_commit_timestamp).
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


def read_facts(sandbox: SandboxServer, world: World) -> Facts:
    """Everything the oracle looks at, as it stands now."""
    return Facts(
        lines=read_lines(sandbox),
        tries=read_tries(),
        promises=read_promises(),
        entries=read_entries(),
        optouts=[
            OptOut(number, CHANNELS[scope], committed_at) for number, scope, committed_at in _ask(OPT_OUTS)
        ],
        withdrawals=[Withdrawal(*row) for row in _ask(WITHDRAWALS)],
        hours=world.hours,
        deadline=timedelta(seconds=settings.DISPATCH_LEASE),
    )


def read_lines(sandbox: SandboxServer) -> list[Line]:
    """The ledger, each line with what became of the call at the sandbox."""
    ends = {call["call_id"]: call for call in sandbox.calls()}
    ends |= {sms["sms_id"]: sms for sms in sandbox.texts()}
    return [_read_line(entry, ends.get(entry["id"], {})) for entry in sandbox.ledger()]


def read_tries() -> list[Try]:
    """Every CallRecord."""
    companions: dict[int, list[int]] = {}
    for call_id, reminder_id in CallCompanion.objects.values_list("call_id", "reminder_id"):
        companions.setdefault(call_id, []).append(reminder_id)
    calls = CallRecord.objects.select_related("number", "batch").order_by("pk")
    return [_read_try(call, companions.get(call.pk, [])) for call in calls]


def read_promises() -> list[Promise]:
    """Every reminder; all of them fell due in the run."""
    unheard_of = CallRecord.objects.filter(
        Q(reminder=OuterRef("pk")) | Q(companions__reminder=OuterRef("pk")), state__in=["unknown", "overdue"]
    )
    reminders = Reminder.objects.select_related("appointment__contact__phone", "step").order_by("pk")
    return [
        Promise(
            reminder_id=reminder.pk,
            appointment_id=reminder.appointment_id,
            revision=reminder.revision,
            number=_number_of(reminder),
            state=reminder.state,
            reason=reminder.reason,
            max_tries=reminder.step.max_tries,
            retry_voicemail=reminder.step.retry_voicemail,
            unheard_of=reminder.unheard_of,
        )
        for reminder in reminders.annotate(unheard_of=Exists(unheard_of))
    ]


def read_entries() -> list[Entry]:
    """The whole worklist, settled or not; what is about a household's call is about each of them."""
    entries = FollowUp.objects.select_related("call").prefetch_related("call__companions").order_by("pk")
    return [
        Entry(
            kind=entry.kind,
            appointment_id=entry.appointment_id,
            reminder_ids=frozenset(_reminders_of(entry)),
            resolved=entry.state == FollowUp.State.RESOLVED,
        )
        for entry in entries
    ]


def _reminders_of(entry: FollowUp) -> Iterator[int]:
    if entry.reminder_id:
        yield entry.reminder_id
    if entry.call:
        yield entry.call.reminder_id
        yield from (companion.reminder_id for companion in entry.call.companions.all())


def _read_line(entry: Json, end: Json) -> Line:
    ended_at = end.get("ended_at") or (end.get("created_at") if end.get("status") == "failed" else None)
    return Line(
        subject=_read_subject(entry),
        to=entry["to"],
        channel="sms" if entry["kind"] in {"sms", "bulk_sms"} else "voice",
        at=datetime.fromisoformat(entry["at"]),
        outcome=end.get("status", ""),
        ended_at=datetime.fromisoformat(ended_at) if ended_at else None,
        fault=entry["fault"],
    )


def _read_subject(entry: Json) -> str:
    """Whose call it was, by the address that we gave and nobody else knows."""
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
        written_down=bool(call.submitted_at or (call.batch and call.batch.robotalker_id)),
    )


def _number_of(reminder: Reminder) -> str:
    number: PhoneNumber | None = reminder.appointment.contact.phone
    return number.e164 if number else ""


def _ask(query: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
