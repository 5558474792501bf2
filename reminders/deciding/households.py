"""Households: appointments of one number on one day share one call (product rule 12).

Such a call has its lead, the reminder that was due, and companions: reminders of the same step, number,
location and day, whose appointments its message mentions as well. The person's answer counts for each of the
appointments; each reminder is finished by the rules on its own.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from django.db import connection
from django.db.models import F, QuerySet

from contacts.models import Appointment
from contacts.models.people import Channel, OtherNumberUse
from reminders.deciding.situations import ReminderFacts
from reminders.models import Reminder
from reminders.rules.decide import Verdict, decide
from reminders.rules.say_as import NOTHING_TO_SAY_AS
from reminders.rules.states import REMINDER_ORDERABLE, REMINDER_PENDING
from reminders.rules.zones import zone_or_utc
from reminders.wording.pronunciations import NO_PRONUNCIATIONS, Pronunciations
from reminders.wording.scripts import fill_for_all, fill_message
from reminders.wording.sms_alphabet import measure_text

LONGEST_DAY = timedelta(hours=25)
MOST_IN_ONE_CALL = 6  # a listener can't follow more; the others of a large household are in the next call

# Each reminder with its appointment and number, and each possible companion with its appointment: a first
# guess, for about one day (the longest has 25 hours); choose_companions() goes by the location's clock.
_PAIRS = """
    SELECT lead.id, lead.appointment_id, person.phone_id, companion.id, companion.appointment_id,
        CASE WHEN person.other_phone_use = %s THEN person.other_phone_id END,
        CASE WHEN relative.other_phone_use = %s THEN relative.other_phone_id END
    FROM reminders_reminder AS lead
    JOIN contacts_appointment AS own ON own.id = lead.appointment_id
    JOIN contacts_contact AS person ON person.id = own.contact_id
    LEFT JOIN (
        reminders_reminder AS companion
        JOIN contacts_appointment AS other
            ON other.id = companion.appointment_id AND other.revision = companion.revision
        JOIN contacts_contact AS relative ON relative.id = other.contact_id
    ) ON relative.phone_id = person.phone_id
        AND companion.id <> lead.id
        AND companion.state = ANY(%s)
        AND (companion.step_id, companion.channel) = (lead.step_id, lead.channel)
        AND companion.ordered_by_id IS NOT DISTINCT FROM lead.ordered_by_id
        AND other.location_id = own.location_id
        AND abs(extract(epoch FROM other.starts_at - own.starts_at)) < 25 * 3600
    WHERE lead.id = ANY(%s)
"""


class Candidate(NamedTuple):
    """A reminder that a call may be opened for, as lead or companion, by primary keys.

    `other_number_id`: of a pair, on whose two numbers a "no" on either counts (contacts/paired_numbers.py).
    """

    pk: int
    appointment_id: int
    number_id: int | None
    other_number_id: int | None


class _Pair(NamedTuple):
    lead: int
    appointment: int
    number: int | None
    companion: int | None
    other: int | None  # the companion's appointment
    lead_pair: int | None
    companion_pair: int | None


def find_candidates(reminder_ids: Collection[int]) -> set[Candidate]:
    """These reminders, and their possible companions; read without locks."""
    rows = _find_pairs(reminder_ids)
    leads = {Candidate(one.lead, one.appointment, one.number, one.lead_pair) for one in rows}
    return leads | {
        Candidate(one.companion, one.other, one.number, one.companion_pair)
        for one in rows
        if one.companion and one.other
    }


def find_household_reminders(reminder_ids: Collection[int]) -> set[int]:
    """Those that probably have companions: their message is their own, so no campaign can take them."""
    return {one.lead for one in _find_pairs(reminder_ids) if one.companion}


def _find_pairs(reminder_ids: Collection[int]) -> list[_Pair]:
    pair = OtherNumberUse.UNREACHABLE.value
    with connection.cursor() as cursor:
        cursor.execute(_PAIRS, [pair, pair, list(REMINDER_PENDING), list(reminder_ids)])
        return [_Pair(*row) for row in cursor.fetchall()]


def choose_families(leads: Iterable[Reminder], among: Iterable[Reminder]) -> dict[int, list[Reminder]]:
    """For each of these reminders, by id: those that one call ordered now would be about, by time.

    A family has the lead's number, step, location and day, as at the last look; who has answered is left out.
    `leads`: with their appointments, contacts and locations. `among`: orderable ones of booked visits ahead.
    """
    by_family: defaultdict[tuple[object, ...], list[Reminder]] = defaultdict(list)
    for reminder in among:
        if not reminder.appointment.current_answer:
            by_family[_family_of(reminder)].append(reminder)
    return {lead.pk: _choose_family(lead, by_family[_family_of(lead)]) for lead in leads}


def find_relatives(appointment: Appointment, now: datetime) -> "QuerySet[Reminder]":
    """The reminders of the visits of others that a call now about this one could be about, too."""
    number = appointment.contact.phone_id
    first, last = appointment.starts_at - LONGEST_DAY, appointment.starts_at + LONGEST_DAY
    there = Reminder.objects.filter(
        state__in=REMINDER_ORDERABLE,
        revision=F("appointment__revision"),
        appointment__status=Appointment.Status.BOOKED,
        appointment__contact__phone=number,
        appointment__starts_at__range=(max(now, first), last),
    ).exclude(appointment=appointment)
    return there.order_by() if number else there.none()


def _choose_family(lead: Reminder, relatives: Sequence[Reminder]) -> list[Reminder]:
    others = sorted(
        (one for one in relatives if one.pk != lead.pk), key=lambda one: (one.appointment.starts_at, one.pk)
    )
    chosen = [lead, *others[: MOST_IN_ONE_CALL - 1]]
    return sorted(chosen, key=lambda one: (one.appointment.starts_at, one.pk))


def _family_of(reminder: Reminder) -> tuple[object, ...]:
    appointment = reminder.appointment
    day = appointment.starts_at.astimezone(zone_or_utc(appointment.location.time_zone)).date()
    return appointment.contact.phone_id, reminder.step_id, appointment.location_id, day


def choose_companions(
    lead: ReminderFacts, at_number: Sequence[ReminderFacts], now: datetime
) -> list[ReminderFacts]:
    """Those of `at_number` whose appointments the lead's call mentions as well, by the appointments' times.

    `at_number`: all locked reminders of the lead's number, the lead among them. decide() is asked about each
    as if it were due. Texts that together would need more than one part are sent one by one.
    """
    companions = []
    for facts in at_number:
        is_other = facts.reminder.pk != lead.reminder.pk and facts.reminder.state in REMINDER_PENDING
        if is_other and _are_together(facts, lead):
            as_if_due = facts.situation._replace(not_before=min(facts.situation.not_before, now))
            if decide(as_if_due, now).verdict == Verdict.CALL:
                companions.append(facts)
    companions = sorted(companions, key=_by_time)[: MOST_IN_ONE_CALL - 1]
    is_text = lead.channel == Channel.SMS
    if companions and is_text and measure_text(build_message(lead, companions)[1]).segments > 1:
        return []
    return companions


def build_message(
    lead: ReminderFacts,
    companions: Sequence[ReminderFacts],
    pronunciations: Pronunciations = NO_PRONUNCIATIONS,
) -> tuple[dict[str, str], str]:
    """The variables of the lead's message, and exactly what is said. Raises ValueError without a script."""
    script = lead.script_text
    if script is None:
        raise ValueError("the reminder has no script to say")
    appointments = [facts.reminder.appointment for facts in sorted([lead, *companions], key=_by_time)]
    is_text, say_as = lead.channel == Channel.SMS, pronunciations.get(script.language, NOTHING_TO_SAY_AS)
    values = fill_for_all(appointments, script.language, is_text=is_text, say_as=say_as)
    return fill_message(script.text, values, is_text=is_text)


def _are_together(one: ReminderFacts, other: ReminderFacts) -> bool:
    """Whether they are of one household, for one day and location.

    An order is for one appointment only, so it is joined with nothing that the same person hasn't ordered.
    """
    return _household_of(one) == _household_of(other) and _day_of(one) == _day_of(other)


def _household_of(facts: ReminderFacts) -> tuple[object, ...]:
    reminder = facts.reminder
    number_id = facts.number.pk if facts.number else None
    location_id = reminder.appointment.location_id
    channels = reminder.channel, facts.channel  # of two siblings, one may prefer text messages
    return number_id, reminder.step_id, channels, reminder.ordered_by_id, location_id


def _day_of(facts: ReminderFacts) -> date:
    return facts.reminder.appointment.local_start.date()


def _by_time(facts: ReminderFacts) -> tuple[datetime, int]:
    return facts.reminder.appointment.starts_at, facts.reminder.pk
