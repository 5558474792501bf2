"""Which orders pages offer: the one rule for "call now", and the one for "put back"."""

from collections.abc import Sequence
from datetime import datetime

from contacts.models import Appointment
from contacts.paired_numbers import find_paired_optout
from reminders.deciding.coverage import lacks_consent
from reminders.deciding.explanations import foresee_call
from reminders.deciding.number_caps import NumberUse
from reminders.deciding.situations import SharedFacts, read_reminder_facts
from reminders.models import CallRecord, Reminder
from reminders.rules.decide import Verdict, decide
from reminders.rules.reasons import SKIPPED_BY_PLANNING, sentence_for
from reminders.rules.states import REACHED_NOBODY_FOR_SURE, REMINDER_ENDED_WITHOUT_CALL, REMINDER_ORDERABLE
from reminders.wording.scripts import find_refusal, step_channel_of


def may_order_call(reminder: Reminder, now: datetime) -> bool:
    """Whether to offer it: the appointment is ahead, its number may be called, and no call is under way.

    Makes no query for a reminder of situations.with_situation(). The order itself asks decide() as well,
    which may still refuse it, with the reason in words.
    """
    appointment, number = reminder.appointment, reminder.appointment.contact.phone
    return (
        reminder.state in REMINDER_ORDERABLE
        and appointment.status == Appointment.Status.BOOKED
        and appointment.starts_at > now
        and number is not None
        and number.opted_out_at(channel := step_channel_of(reminder)) is None
        and find_paired_optout(appointment.contact, channel) is None
        and find_refusal(channel, appointment.contact.preferred_channel) is None
        and not lacks_consent(reminder.step.campaign.consent, number)
    )


def find_order_refusal(
    reminder: Reminder, now: datetime, *, sending_paused: bool, shared: SharedFacts | None = None
) -> str:
    """Why an order to call now would be refused, as a sentence; "" where it would be accepted.

    Makes no query for a reminder of situations.with_situation().
    """
    facts = read_reminder_facts(reminder, sending_paused=sending_paused, shared=shared)
    decision = decide(facts.situation._replace(ordered=True, not_before=now), now)
    return "" if decision.verdict == Verdict.CALL else sentence_for(decision.reason)


def may_put_back(
    reminder: Reminder, calls: Sequence[CallRecord], now: datetime, use: NumberUse | None
) -> bool:
    """Whether to offer to plan a skipped or missed reminder again; `calls`: all that it had.

    Makes no query for a reminder of situations.with_situation(). The order itself decides under locks.
    """
    if reminder.state not in REMINDER_ENDED_WITHOUT_CALL or reminder.reason in SKIPPED_BY_PLANNING:
        return False
    if any(call.state not in REACHED_NOBODY_FOR_SURE for call in calls):
        return False
    situation = read_reminder_facts(reminder, sending_paused=False).situation
    decision = foresee_call(reminder, situation, now, use).decision
    return decision.verdict not in (Verdict.SKIP, Verdict.MISS)
