"""What belongs to no call that we have: posted to the account's address, or for a call that was lost.

Only here a number is looked up by what an event says: the event is about the number itself, not about a call.
Opt-outs, and START by text, are carried out; any other text from a patient is kept for staff to read, and
answers no reminder (product rule 12). The texts by staff, and those that confirm opt-outs, have this address,
so whether they were delivered is recorded here; that of any other text says nothing here.
"""

from datetime import datetime

from django.conf import settings

from contacts.models import ConsentEntry, PhoneNumber
from contacts.models.people import Channel
from contacts.numbers import is_assigned, parse_number, read_reported_number
from contacts.optouts import record_optin_by_text, record_optout, scope_of_optout
from contacts.own_numbers import read_own_numbers
from contacts.people import get_or_create_number
from reminders.models import CallRecord, FollowUp
from reminders.results.answers import ask_about_refusal, open_follow_ups
from reminders.results.optout_confirmations import record_optout_by_text
from reminders.results.outcomes import read_reply_in
from reminders.results.single_texts import keep_received, note_delivery
from reminders.robotalker.events import EventKind, RobotalkerEvent
from reminders.rules.reasons import AnswerReason
from reminders.rules.replies import ReplyMeaning
from webhooks.address_checks import DoesNotFit, mentions_optout, name_numbers

EVIDENCE = "event on the account's address"


def apply_account_event(event_id: int, event: RobotalkerEvent, received_at: datetime) -> None:
    """Carry out the stored event, with the number that it is about; one that we don't have yet is added.

    Raises DoesNotFit.
    """
    reply = read_reply_in(event)
    at = min(event.occurred_at or received_at, received_at)
    if mentions_optout(event):
        number = _find_patient(event)
        channel = Channel(event.channel) if event.channel else None
        scope = scope_of_optout(None if reply.names_calls else channel)
        source = ConsentEntry.Source.ROBOTALKER
        last_call = _find_last_call(number)
        if event.kind == EventKind.SMS_RECEIVED:
            record_optout_by_text(number.pk, last_call, scope=scope, source=source, at=at, evidence=EVIDENCE)
        else:
            record_optout(number.pk, scope=scope, source=source, at=at, evidence=EVIDENCE)
        if last_call:  # a doubtful "no" is asked about at the appointment that it most likely meant
            ask_about_refusal(last_call, reply)
    elif event.kind == EventKind.SMS_RECEIVED:
        number = _find_patient(event)
        if reply.meaning == ReplyMeaning.OPT_IN:
            record_optin_by_text(number.pk, at=at, evidence=EVIDENCE)
        elif last_call := _find_last_call(number):  # it answers nothing we know: a person looks at it
            open_follow_ups(last_call, FollowUp.Kind.UNCLEAR_ANSWER, AnswerReason.IN_WORDS)
    elif event.kind in (EventKind.SMS_DELIVERED, EventKind.SMS_FAILED):
        note_delivery(event, [form for reading in _read_numbers(event) for form in reading])
    else:
        raise DoesNotFit("the account's address accepts only opt-outs, and texts")
    if event.kind == EventKind.SMS_RECEIVED:
        keep_received(event_id, number, event.text or "", reply, at, call=None)


def _find_last_call(number: PhoneNumber) -> CallRecord | None:
    return CallRecord.objects.filter(number=number).order_by("-pk").first()


def _read_numbers(event: RobotalkerEvent) -> list[list[str]]:
    """What each number in `to` and `from` may be (E.164), the likeliest first."""
    return [list(read_reported_number(raw, [settings.PHONE_REGION])) for raw in name_numbers(event)]


def _find_patient(event: RobotalkerEvent) -> PhoneNumber:
    """The row of the one number in `to` and `from` that isn't ours (product rule 39). Raises DoesNotFit.

    Where both are strangers', it is the one that we know; so it is where one may be read in several ways,
    unless only the likeliest way is a number that exists.
    """
    own = read_own_numbers()
    patients = [reading for reading in _read_numbers(event) if reading and own.isdisjoint(reading)]
    forms = {form for reading in patients for form in reading}
    known = list(PhoneNumber.objects.filter(e164__in=forms))
    likeliest = patients[0][0] if patients else ""
    if len(known) == 1 and (len(patients) > 1 or is_assigned(known[0].e164) or not is_assigned(likeliest)):
        return known[0]
    if len({tuple(reading) for reading in patients}) != 1:
        raise DoesNotFit("it doesn't say for certain which number is the patient's")
    by_e164 = {number.e164: number for number in known if is_assigned(number.e164)}
    likeliest = next((form for form in patients[0] if form in by_e164), likeliest)
    return by_e164.get(likeliest) or get_or_create_number(parse_number(likeliest, settings.PHONE_REGION))
