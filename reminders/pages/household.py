"""Everybody who shares a number: what each wants, their next visits, and which call is about whom."""

from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from django.db.models import F, Q

from contacts.models import Appointment, ConsentEntry, Contact, Location, PhoneNumber
from contacts.models.people import Channel
from contacts.own_numbers import is_own_number
from contacts.paired_numbers import find_paired_optout
from reminders.deciding.explanations import explain_reminder
from reminders.deciding.households import choose_companions
from reminders.deciding.number_caps import read_use
from reminders.deciding.situations import (
    PracticeConfig,
    ReminderFacts,
    read_reminder_facts,
    without_settings,
)
from reminders.models import Reminder
from reminders.rules.states import REMINDER_PENDING
from reminders.wording.scripts import channel_of

MOST_PEOPLE = 100  # more share no phone: such a number is a mistake of a list, and is said to be one
VISITS_EACH = 3


@dataclass(frozen=True)
class Member:
    """One who has the number. `is_first`: reminders go to it; else it is their other number.

    `visits`: the next VISITS_EACH that are booked. `other_opted_out`: the other number of their pair has.
    """

    contact: Contact
    is_first: bool
    visits: tuple[Appointment, ...]
    other_opted_out: bool


@dataclass(frozen=True)
class SharedCall:
    """A call or text that will go out to the number, at `at` by the location's clock, with its visits."""

    at: datetime
    is_text: bool
    visits: tuple[Appointment, ...]

    @property
    def location(self) -> Location:
        return self.visits[0].location


@dataclass(frozen=True)
class Household:
    """What the page shows. `has_more`: more than MOST_PEOPLE have the number. `location`: for its times."""

    number: PhoneNumber
    members: tuple[Member, ...]
    has_more: bool
    calls: tuple[SharedCall, ...]
    entries: tuple[ConsentEntry, ...]
    location: Location | None
    is_own: bool


def read_household(
    number_id: int, now: datetime, practice: PracticeConfig, *, sending_paused: bool
) -> Household:
    """Whoever has the number at `now`; seven queries. Raises PhoneNumber.DoesNotExist."""
    number = PhoneNumber.objects.get(pk=number_id, erased_at=None)
    having = Contact.objects.filter(Q(phone=number) | Q(other_phone=number)).select_related("other_phone")
    people = list(having.order_by("last_name", "first_name", "id")[: MOST_PEOPLE + 1])
    shown = people[:MOST_PEOPLE]
    visits = list(
        Appointment.objects.filter(contact__in=shown, status=Appointment.Status.BOOKED, starts_at__gt=now)
        .select_related("location", "provider")
        .order_by("starts_at", "pk")
    )
    entries = ConsentEntry.objects.filter(number=number).select_related("by", "confirmation")
    return Household(
        number=number,
        members=tuple(_make_member(one, number, visits) for one in shown),
        has_more=len(people) > MOST_PEOPLE,
        calls=tuple(_find_calls(number, shown, now, practice, sending_paused=sending_paused)),
        entries=tuple(entries),
        location=visits[0].location if visits else next(iter(practice.locations.values()), None),
        is_own=is_own_number(number.e164),
    )


def _make_member(contact: Contact, number: PhoneNumber, visits: list[Appointment]) -> Member:
    own = (visit for visit in visits if visit.contact_id == contact.pk)
    is_first = contact.phone_id == number.pk
    other_no = is_first and any(find_paired_optout(contact, channel) for channel in Channel)
    return Member(contact, is_first, tuple(islice(own, VISITS_EACH)), other_no)


def _find_calls(
    number: PhoneNumber,
    people: list[Contact],
    now: datetime,
    practice: PracticeConfig,
    *,
    sending_paused: bool,
) -> list[SharedCall]:
    """The calls ahead, as dispatch groups them: the soonest reminder leads, and others join its call."""
    waiting = Reminder.objects.filter(
        state__in=REMINDER_PENDING,
        revision=F("appointment__revision"),
        appointment__contact__in=people,
        appointment__contact__phone=number,
        appointment__starts_at__gt=now,
    )
    use = read_use([number.pk], now)[number.pk]
    going: list[tuple[datetime, ReminderFacts]] = []
    people_too = ("appointment__contact__phone", "appointment__contact__other_phone")
    for reminder in without_settings(waiting.select_related(*people_too)):
        practice.complete(reminder)
        moment = explain_reminder(reminder, now, sending_paused=sending_paused, use=use).moment
        if moment is not None:
            going.append((moment, read_reminder_facts(reminder, sending_paused=sending_paused)))
    going.sort(key=lambda pair: (pair[0], pair[1].reminder.pk))
    calls = []
    while going:
        (moment, lead), rest = going[0], [facts for _, facts in going[1:]]
        others = choose_companions(lead, rest, moment)
        spoken_for = {facts.reminder.pk for facts in (lead, *others)}
        calls.append(_make_call(moment, lead, others))
        going = [pair for pair in going if pair[1].reminder.pk not in spoken_for]
    return calls


def _make_call(moment: datetime, lead: ReminderFacts, others: list[ReminderFacts]) -> SharedCall:
    visits = [facts.reminder.appointment for facts in (lead, *others)]
    visits.sort(key=lambda visit: (visit.starts_at, visit.pk))
    is_text = channel_of(lead.reminder) == Channel.SMS
    return SharedCall(moment.astimezone(visits[0].location.zone), is_text, tuple(visits))
