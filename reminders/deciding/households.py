"""Households: appointments of one number on one day go out as one call (product rule 12).

Such a call has its lead, the reminder that was due, and companions: reminders of the same step, number,
place and day that its message speaks of as well. What the person answers counts for each of their
appointments, and each reminder is settled by the rules for itself.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import NamedTuple

from django.db import connection

from contacts.models.people import Channel
from reminders.deciding.situations import ReminderFacts
from reminders.models import CallCompanion, CallRecord
from reminders.rules.decide import Verdict, decide
from reminders.rules.states import REMINDER_PENDING
from reminders.wording.scripts import (
    FOR_ALL,
    _message,
    channel_of,
    fill_for_all,
    fill_variables,
    speak,
    used_variables,
)
from reminders.wording.sms_length import MOST_CHARACTERS

MOST_IN_ONE_CALL = 6  # nobody follows more by ear; the others of a large house come with the next call

# Each reminder with its appointment and number, and each that may go along with it with its appointment: a
# first guess, for about one day (the longest has 25 hours); the last look goes by the location's clock.
_PAIRS = """
    SELECT lead.id, lead.appointment_id, person.phone_id, mate.id, mate.appointment_id
    FROM reminders_reminder AS lead
    JOIN contacts_appointment AS visit ON visit.id = lead.appointment_id
    JOIN contacts_contact AS person ON person.id = visit.contact_id
    LEFT JOIN (
        reminders_reminder AS mate
        JOIN contacts_appointment AS other
            ON other.id = mate.appointment_id AND other.revision = mate.revision
        JOIN contacts_contact AS relative ON relative.id = other.contact_id
    ) ON relative.phone_id = person.phone_id
        AND mate.id <> lead.id
        AND mate.state = ANY(%s)
        AND (mate.step_id, mate.channel, other.location_id) = (lead.step_id, lead.channel, visit.location_id)
        AND mate.ordered_by_id IS NOT DISTINCT FROM lead.ordered_by_id
        AND abs(extract(epoch FROM other.starts_at - visit.starts_at)) < 25 * 3600
    WHERE lead.id = ANY(%s)
"""


class Candidate(NamedTuple):
    """A reminder that is looked at, or may go along, by primary keys."""

    pk: int
    appointment_id: int
    number_id: int | None


def find_candidates(reminder_ids: Collection[int]) -> set[Candidate]:
    """The reminders themselves, and those that may go along as companions; without locks."""
    rows = _find_pairs(reminder_ids)
    given = {Candidate(pk, visit, number) for pk, visit, number, _, _ in rows}
    return given | {Candidate(mate, other, number) for _, _, number, mate, other in rows if mate and other}


def find_household_reminders(reminder_ids: Collection[int]) -> set[int]:
    """Those that a household's call is likely for: they go singly, since their message is their own."""
    return {pk for pk, _, _, mate, _ in _find_pairs(reminder_ids) if mate}


def _find_pairs(reminder_ids: Collection[int]) -> list[tuple[int, int, int | None, int | None, int | None]]:
    with connection.cursor() as cursor:
        cursor.execute(_PAIRS, [list(REMINDER_PENDING), list(reminder_ids)])
        rows: list[tuple[int, int, int | None, int | None, int | None]] = cursor.fetchall()
    return rows


def group_by_number(all_facts: Iterable[ReminderFacts]) -> dict[int, list[ReminderFacts]]:
    """The facts about each number, by its id; only among them can there be companions."""
    groups = defaultdict(list)
    for facts in all_facts:
        if facts.number:
            groups[facts.number.pk].append(facts)
    return groups


def choose_companions(
    lead: ReminderFacts, at_number: Mapping[int, Sequence[ReminderFacts]], now: datetime
) -> list[ReminderFacts]:
    """Those (locked, like the lead) that the lead's call speaks of as well, by the time of the visit.

    Each is asked of decide() for itself; that it isn't due yet is all that may stand against it. Text
    messages that would be too long together go out one by one.
    `at_number` comes from group_by_number().
    """
    joining = [
        facts
        for facts in (at_number[lead.number.pk] if lead.number else [])
        if facts.reminder.pk != lead.reminder.pk and _are_together(facts, lead) and _may_join(facts, now)
    ]
    joining = sorted(joining, key=_by_visit)[: MOST_IN_ONE_CALL - 1]
    if joining and channel_of(lead.reminder) == Channel.SMS:
        return joining if len(build_message(lead, joining)[1]) <= MOST_CHARACTERS else []
    return joining


def build_message(lead: ReminderFacts, companions: Sequence[ReminderFacts]) -> tuple[dict[str, str], str]:
    """The variables of the lead's message and exactly what is said; it must have a script."""
    script = lead.script_text
    if script is None:
        raise ValueError("there are no words for it")
    if companions:
        all_facts = sorted([lead, *companions], key=_by_visit)
        visits = [facts.reminder.appointment for facts in all_facts]
        is_text = channel_of(lead.reminder) == Channel.SMS
        values = fill_for_all(visits, script.language, is_text=is_text)
    else:
        values = fill_variables(lead.reminder.appointment, script.language)
    used = used_variables(script.text) | {FOR_ALL}
    variables = {name: values[name] for name in sorted(used) if name in values}
    return variables, speak(_message(script.text, variables), variables)


def build_companions(call: CallRecord, companions: Sequence[ReminderFacts]) -> list[CallCompanion]:
    """The rows that say whom else a call speaks for, to be saved after it."""
    return [CallCompanion(call=call, reminder=facts.reminder) for facts in companions]


def _are_together(one: ReminderFacts, other: ReminderFacts) -> bool:
    """Whether they are of one household, for one day and place.

    An order is for what its person meant by it, so it joins nothing that the same person hasn't ordered.
    """
    return _home_of(one) == _home_of(other) and _day_of(one) == _day_of(other)


def _home_of(facts: ReminderFacts) -> tuple[object, ...]:
    reminder = facts.reminder
    number_id = facts.number.pk if facts.number else None
    location_id = reminder.appointment.location_id
    return number_id, reminder.step_id, reminder.channel, reminder.ordered_by_id, location_id


def _day_of(facts: ReminderFacts) -> date:
    appointment = facts.reminder.appointment
    return appointment.starts_at.astimezone(appointment.location.zone).date()


def _may_join(facts: ReminderFacts, now: datetime) -> bool:
    if facts.reminder.state not in REMINDER_PENDING:
        return False
    if_due = replace(facts.situation, not_before=min(facts.situation.not_before, now))
    return decide(if_due, now).verdict == Verdict.CALL


def _by_visit(facts: ReminderFacts) -> tuple[datetime, int]:
    return facts.reminder.appointment.starts_at, facts.reminder.pk
