"""Reading where upcoming booked visits stand: the facts for rules/visit_standings.py, from the tables."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, F, OuterRef, Prefetch, Q, QuerySet
from django.db.models.functions import Now

from contacts.models import Appointment, PhoneNumber
from contacts.models.people import Channel
from contacts.paired_numbers import paired_optout
from reminders.deciding.coverage import HAS_REQUIRED_CONSENT, is_being_planned, read_unplanned_campaigns
from reminders.deciding.situations import read_reminder_facts, with_situation
from reminders.models import Campaign, FollowUp, Reminder, Step
from reminders.models.campaigns import StepChannel
from reminders.rules.decide import Situation, Verdict, decide
from reminders.rules.reasons import HELD_BY_DATA, IS_CHOSEN, Reason
from reminders.rules.states import REMINDER_OPEN, REMINDER_PENDING, ReminderState
from reminders.rules.visit_standings import ReminderEnd, VisitFacts, VisitStanding, find_visit_standing
from reminders.wording.scripts import PREFERS_TEXTS, step_channel_of

CHUNK = 500  # visits read at once
CHOSEN_REASONS = [reason for reason, chosen in IS_CHOSEN.items() if chosen]
Kind = FollowUp.Kind

# Reminders, to an appointment without an answer: those meant for it, and those that nothing known stops.
FOR_UNANSWERED = ~Q(step__audience=Step.Audience.CONFIRMED) | Q(ordered_by__isnull=False)
MAY_GO_OUT = (
    Q(state__in=REMINDER_PENDING)
    & ~Q(reason__in=HELD_BY_DATA)
    & FOR_UNANSWERED
    & HAS_REQUIRED_CONSENT
    & (Q(step__campaign__state=Campaign.State.ACTIVE) | Q(ordered_by__isnull=False))
)
# Reminders whose step goes to the patient by text: step_channel_of() in SQL.
GOES_BY_TEXT = Q(step__channel=StepChannel.SMS) | Q(
    step__channel=StepChannel.PREFERRED, appointment__contact__preferred_channel__in=PREFERS_TEXTS
)


@dataclass(frozen=True)
class Visit:
    """An upcoming booked appointment, where it stands, and why.

    `ends`: its reminders of active campaigns that won't go out, each with why, in the order of their times.
    """

    appointment: Appointment
    standing: VisitStanding
    facts: VisitFacts
    ends: Sequence[tuple[Reminder, ReminderEnd]]


def find_upcoming(now: datetime | Now) -> "QuerySet[Appointment]":
    """Every visit that must stand somewhere at `now`."""
    return Appointment.objects.filter(status=Appointment.Status.BOOKED, starts_at__gt=now)


def iterate_visits(appointments: "QuerySet[Appointment]", now: datetime) -> Iterator[Visit]:
    """Each of these upcoming visits, by its id; a constant number of queries for each CHUNK."""
    last = 0
    while visits := read_visits(appointments.filter(pk__gt=last).order_by("pk")[:CHUNK], now):
        yield from visits
        last = visits[-1].appointment.pk


def read_visits(appointments: "QuerySet[Appointment]", now: datetime) -> list[Visit]:
    """Each of these upcoming visits; a constant number of queries."""
    present = with_situation(Reminder.objects.filter(revision=F("appointment__revision")).order_by("due_at"))
    follow_ups = FollowUp.objects.select_related("reminder").order_by("pk")
    found = appointments.select_related("contact__phone", "location").prefetch_related(
        Prefetch("reminders", queryset=present), Prefetch("follow_ups", queryset=follow_ups)
    )
    unplanned = read_unplanned_campaigns()
    return [_read_visit(appointment, unplanned, now) for appointment in found]


def find_suspects(appointments: "QuerySet[Appointment]") -> "QuerySet[Appointment]":
    """Those of these upcoming visits that may be unaccounted for: one query, for a sweep over all.

    It finds every visit that read_visits() finds to be so, and few others (a test holds the two together).
    """
    own = Reminder.objects.filter(appointment=OuterRef("pk"), revision=OuterRef("revision"))
    of_active = own.filter(step__campaign__state=Campaign.State.ACTIVE)
    phone = PhoneNumber.objects.filter(pk=OuterRef("contact__phone"))
    usable = phone.filter(unusable_since=None).exclude(consent_basis=PhoneNumber.ConsentBasis.NONE)
    seen = FollowUp.objects.filter(
        appointment=OuterRef("appointment"),
        reminder__revision=OuterRef("revision"),
        resolved_by__isnull=False,
    )
    ended = of_active.filter(
        ~Exists(seen.filter(resolved_at__gte=OuterRef("updated_at"))),
        ~Q(reason__in=CHOSEN_REASONS),
        ~Q(state__in=REMINDER_OPEN),
    )
    held = of_active.filter(~Exists(seen), FOR_UNANSWERED, state__in=REMINDER_PENDING)
    other_no = Q(
        paired_optout(Channel.VOICE, "contact") | paired_optout(Channel.SMS, "contact")
    )  # of either channel: read_visits() finds out which reminders it stops
    goes_out = Exists(own.filter(state=ReminderState.IN_PROGRESS)) | (
        Exists(own.filter(MAY_GO_OUT))
        & Exists(usable.filter(voice_opted_out_at=None, sms_opted_out_at=None))
        & ~other_no
    )
    needs_somebody = (
        Exists(held) & ~Exists(usable)
        | Exists(held.filter(reason__in=HELD_BY_DATA))
        | Exists(held) & other_no
        | Exists(ended) & Q(contact__phone=None)
    )
    for of_channel, flag in ((~GOES_BY_TEXT, "voice_opted_out_at"), (GOES_BY_TEXT, "sms_opted_out_at")):
        needs_somebody |= Exists(ended.filter(of_channel)) & Exists(phone.filter(**{flag: None}))
    unresolved = FollowUp.objects.filter(~Q(state=FollowUp.State.RESOLVED), appointment=OuterRef("pk"))
    answered = Q(answer_revision=F("revision"))
    return appointments.filter(~Exists(unresolved)).filter(
        (Q(answer_revision=None) | ~answered) & ~goes_out & needs_somebody
        | answered & Q(answer=Appointment.Answer.WANTS_ANOTHER_TIME)
    )


def _read_visit(appointment: Appointment, unplanned: Collection[Campaign], now: datetime) -> Visit:
    reminders = list(appointment.reminders.all())
    follow_ups = list(appointment.follow_ups.all())
    goes_out, ends = False, []
    for reminder in reminders:
        if reminder.step.campaign.state != Campaign.State.ACTIVE and not _is_on_its_way(reminder):
            continue
        end = _find_end(reminder, now)
        goes_out = goes_out or end is None
        if end is not None:
            ends.append((reminder, end))
    settled = [one.resolved_at for one in follow_ups if _is_settled(one, appointment) and one.resolved_at]
    facts = VisitFacts(
        answer=appointment.current_answer,
        on_worklist=any(one.state != FollowUp.State.RESOLVED for one in follow_ups),
        goes_out=goes_out,
        being_planned=is_being_planned(appointment, unplanned, now),
        ends=tuple(end for _, end in ends),
        settled_at=max(settled, default=None),
        wish_settled=any(
            one.kind == Kind.WANTS_ANOTHER_TIME and one.resolved_by_id is not None for one in follow_ups
        ),
    )
    return Visit(appointment, find_visit_standing(facts), facts, ends)


def _is_on_its_way(reminder: Reminder) -> bool:
    """Whether it goes out although its campaign is not active."""
    is_ordered = reminder.state in REMINDER_PENDING and reminder.ordered_by_id is not None
    return is_ordered or reminder.state == ReminderState.IN_PROGRESS


def _is_settled(follow_up: FollowUp, appointment: Appointment) -> bool:
    """Whether a person resolved it, and it was about the present revision."""
    reminder = follow_up.reminder
    return (
        follow_up.resolved_by_id is not None
        and reminder is not None
        and reminder.revision == appointment.revision
    )


def _find_end(reminder: Reminder, now: datetime) -> ReminderEnd | None:
    """Why it won't go out as things stand; None while it will, or is yet to be decided."""
    number = reminder.appointment.contact.phone
    opted_out = number is not None and number.opted_out_at(step_channel_of(reminder)) is not None
    if reminder.state not in REMINDER_OPEN:
        return ReminderEnd(reminder.reason, reminder.updated_at, opted_out)
    if reminder.state == ReminderState.IN_PROGRESS:
        return None
    # a pause, of all sending or of a location, is on every page, and so is sandbox mode; what is too late is
    # about to be marked as missed
    found = read_reminder_facts(reminder, sending_paused=False).situation
    situation = found._replace(location_paused=False, is_real=False)
    why = _find_obstacle(reminder, situation, now)
    return ReminderEnd(why, reminder.updated_at, opted_out, is_held=True) if why else None


def _find_obstacle(reminder: Reminder, situation: Situation, now: datetime) -> str:
    """Why a pending reminder won't be sent to a patient who hasn't answered; "" when it will."""
    if situation.audience == Step.Audience.CONFIRMED and not situation.ordered:
        return Reason.NOT_CONFIRMED
    decision = decide(situation, now)
    if decision.verdict == Verdict.SKIP:
        return "" if decision.reason == Reason.NOT_COVERED else decision.reason  # skipped when it is due
    if decision.verdict == Verdict.MISS:
        return ""
    known_now = [  # decide() says so only when it is due
        (not situation.has_number, Reason.NO_NUMBER),
        (situation.number_unusable, Reason.NUMBER_UNUSABLE),
        (not situation.has_consent, Reason.NO_CONSENT),
    ]
    for is_so, reason in known_now:
        if is_so:
            return reason
    if decision.verdict == Verdict.BLOCK and reminder.reason in HELD_BY_DATA:  # dispatch has looked at it
        return decision.reason
    return ""
