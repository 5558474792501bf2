"""Reading the upcoming visits of a campaign and their reminders in bulk: few statements, plain values.

Visits that are alike in everything but their time share a class, and reminders that are alike share a group;
their ids and times come as arrays. An object for each row would take many times as long as all the rest.
Times are seconds since 1970 in here, as floats, exact to the microsecond.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import (
    BooleanField,
    Case,
    F,
    FloatField,
    Func,
    IntegerField,
    Q,
    QuerySet,
    TextField,
    Value,
    When,
)
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast

from contacts.database.grouping import read_arrays
from contacts.models import Appointment
from contacts.models.people import Channel
from contacts.numbers import list_never_dialled
from contacts.paired_numbers import paired_optout
from reminders.deciding.coverage import CampaignFilters, build_coverage, find_patient_change
from reminders.deciding.number_caps import NumberUse, read_use
from reminders.deciding.visits import find_upcoming
from reminders.models import CallCompanion, CallRecord, Reminder
from reminders.rules.states import REMINDER_PENDING

PHONE = "contact__phone"
COVERED_BEFORE, COVERED_AFTER = 1, 2


class Seconds(Func):
    """A moment as seconds since 1970."""

    template = "date_part('epoch', %(expressions)s)"
    output_field = FloatField()


class VisitClass(NamedTuple):
    """What a decision about a visit depends on, but its time; `number_zones` as PostgreSQL writes it.

    `coverage`: whether the filters before an edit cover it (1), those after it (2), or both (3).
    """

    location: int
    language: str
    preferred_channel: str
    stated_zone: str
    number_zones: str | None
    has_number: bool
    unusable: bool | None
    no_calls: bool | None
    no_texts: bool | None
    consent_basis: str | None
    answer_now: str
    details_known: bool
    is_demo: bool
    number_verified: bool
    other_no_calls: bool
    other_no_texts: bool
    coverage: int
    is_never_dialled: bool = False

    def is_covered(self, *, after: bool) -> bool:
        """Whether the filters before an edit cover it, or those after it."""
        return bool(self.coverage & (COVERED_AFTER if after else COVERED_BEFORE))


_DAY = Func(
    F("local_start"), template="(%(expressions)s)::date - DATE '1970-01-01'", output_field=IntegerField()
)
_KEYS = tuple(name for name in VisitClass._fields if name != "is_never_dialled")


class VisitTimes(NamedTuple):
    """What differs from visit to visit of a class; seconds since 1970.

    `patient_before`, `patient_after`: when what the filters before and after an edit ask of the patient last
    changed (coverage.find_patient_change). `day`: by the location's clock, in days since 1970.
    """

    starts: float
    revised: float
    details: float | None
    booked: float | None
    patient_before: float | None
    patient_after: float | None
    revision: int
    contact: int
    phone: int | None
    day: int


@dataclass
class Visits:
    """Upcoming booked visits: their classes, and by visit its class (an index) and its times.

    `households`: visits of one number on one day at one location, where there are several. `uses`: the calls
    of the last week, by number (ids), of numbers that had any.
    """

    classes: list[VisitClass] = field(default_factory=list)
    class_of: dict[int, int] = field(default_factory=dict)
    times: dict[int, VisitTimes] = field(default_factory=dict)
    households: list[list[int]] = field(default_factory=list)
    uses: dict[int, NumberUse] = field(default_factory=dict)


class ReminderGroup(NamedTuple):
    """Reminders of one step that are alike: their visits, and in the same order their ends and due times.

    `look`, `try_after`: of those that wait, else None; `look` also if they are looked at when they are due.
    `is_before_live`: it came to be owed before the installation went live.
    """

    look: float | None
    try_after: float | None
    state: str
    reason: str
    channel: str
    ordered_by: int | None
    is_before_live: bool
    visits: list[int]
    ends: list[float]
    dues: list[float]


def read_visits_ahead(
    before: CampaignFilters, after: CampaignFilters, now: datetime, only: Collection[int] | None = None
) -> Visits:
    """The upcoming visits that either of the filters covers; `only`: of these, by id."""
    either = (build_coverage(before), build_coverage(after))
    covered = find_upcoming(now).filter(either[0] | either[1] if all(either) else Q())
    if only is not None:
        covered = covered.filter(pk__in=only)
    found = Visits()
    for row in _group_alike(covered, before, after):
        _add_class(found, row)
    with_number = [times.phone for times in found.times.values() if times.phone]
    phones = set(with_number)
    if len(phones) < len(with_number):
        found.households = _find_households(found, with_number)
    found.uses = _read_uses(phones, now)
    return found


def read_reminder_groups(
    step_ids: Collection[int],
    now: datetime,
    only: Collection[int] | None = None,
    *,
    live_since: datetime | None,
) -> dict[int, list[ReminderGroup]]:
    """The reminders of these steps for the present revision of upcoming visits, by step."""
    came_before_live = Q(state__in=REMINDER_PENDING, due_at__lt=live_since, created_at__lt=live_since)
    is_waiting = Q(state__in=REMINDER_PENDING)
    looks_later = is_waiting & ~Q(next_look_at=F("due_at"))
    known = _find_reminders(step_ids, now, only).annotate(
        look=Case(When(looks_later, then=Seconds("next_look_at")), default=None),
        again=Case(When(is_waiting, then=Seconds("try_after")), default=None),
        is_before_live=_yes(came_before_live) if live_since else Value(False),
    )
    heads = ("step", "look", "again", "state", "reason", "channel", "ordered_by", "is_before_live")
    arrays = {
        "visits": ArrayAgg("appointment"),
        "ends": ArrayAgg(Seconds("not_after")),
        "dues": ArrayAgg(Seconds("due_at")),
    }
    groups: dict[int, list[ReminderGroup]] = defaultdict(list)
    for step, *values in read_arrays(known.values_list(*heads).annotate(**arrays)):
        groups[step].append(ReminderGroup(*values))
    return groups


class Planned(NamedTuple):
    """What replanning asks of reminders, by step and visit: when they were planned, and which were tried."""

    early: Mapping[int, Mapping[int, float]]
    tried: Mapping[int, Collection[int]]


def read_planned(
    step_ids: Collection[int], now: datetime, before: datetime | None, only: Collection[int] | None = None
) -> Planned:
    """When reminders were planned: those of before a moment, and of edited visits; and which were tried.

    Of the reminders that read_reminder_groups() finds; an edited visit is one with `details_at`. Tried are
    those that wait and have a call already, their own or another's.
    """
    is_early = Q(appointment__details_at__isnull=False)
    if before:
        is_early |= Q(created_at__lt=before)
    early: dict[int, dict[int, float]] = defaultdict(dict)
    tried: dict[int, set[int]] = defaultdict(set)
    found = _find_reminders(step_ids, now, only).filter(is_early)
    rows = found.values_list("step", "appointment", Seconds("created_at"))
    for step, visit, created in rows.union(*_list_tried(step_ids, now), all=True) if step_ids else ():
        if created is None:
            tried[step].add(visit)
        else:
            early[step][visit] = created
    return Planned(early, tried)


def _find_reminders(
    step_ids: Collection[int], now: datetime, only: Collection[int] | None
) -> "QuerySet[Reminder]":
    of_visit = {"appointment__status": Appointment.Status.BOOKED, "appointment__starts_at__gt": now}
    found = Reminder.objects.filter(step__in=step_ids, revision=F("appointment__revision"), **of_visit)
    return (found if only is None else found.filter(appointment__in=only)).order_by()


def _list_tried(step_ids: Collection[int], now: datetime) -> "list[QuerySet[Any, Any]]":
    """Steps and visits whose waiting reminder was tried already, alone or in another's call."""
    waiting: dict[str, Any] = {
        "reminder__step__in": step_ids,
        "reminder__state__in": REMINDER_PENDING,
        "reminder__appointment__starts_at__gt": now,
    }
    columns = ("reminder__step", "reminder__appointment", Cast(Value(None), FloatField()))
    return [
        table.objects.filter(**waiting).order_by().values_list(*columns)
        for table in (CallRecord, CallCompanion)
    ]


def _group_alike(
    covered: "QuerySet[Appointment]", before: CampaignFilters, after: CampaignFilters
) -> list[tuple[Any, ...]]:
    answered = When(answer_revision=F("revision"), then=F("answer"))
    named = covered.order_by().annotate(
        language=F("contact__language"),
        preferred_channel=F("contact__preferred_channel"),
        stated_zone=F("contact__time_zone"),
        number_zones=Cast(f"{PHONE}__time_zones", TextField()),
        has_number=_yes(Q(contact__phone__isnull=False)),
        unusable=_yes(Q(contact__phone__unusable_since__isnull=False)),
        no_calls=_yes(Q(contact__phone__voice_opted_out_at__isnull=False)),
        no_texts=_yes(Q(contact__phone__sms_opted_out_at__isnull=False)),
        consent_basis=F(f"{PHONE}__consent_basis"),
        answer_now=Case(answered, default=Value("")),
        details_known=_yes(Q(details_at__isnull=False)),
        is_demo=F("contact__is_demo"),
        number_verified=_yes(Q(contact__phone__verified_at__isnull=False)),
        other_no_calls=_yes(paired_optout(Channel.VOICE, "contact")),
        other_no_texts=_yes(paired_optout(Channel.SMS, "contact")),
        coverage=_build_coverages(before, after),
    )
    arrays = {
        "visits": ArrayAgg("pk"),
        "all_starts": ArrayAgg(Seconds("starts_at")),
        "all_revised": ArrayAgg(Seconds("revised_at")),
        "all_details": ArrayAgg(Seconds("details_at")),
        "all_booked": ArrayAgg(Seconds("booked_at")),
        "all_patients_before": _gather_patient_changes(before),
        "all_patients_after": _gather_patient_changes(after),
        "all_revisions": ArrayAgg("revision"),
        "all_contacts": ArrayAgg("contact"),
        "all_phones": ArrayAgg(PHONE),
        "all_days": ArrayAgg(_DAY),
        "all_numbers": ArrayAgg(f"{PHONE}__e164"),
    }
    return read_arrays(named.values_list(*_KEYS).annotate(**arrays))


def _gather_patient_changes(filters: CampaignFilters) -> Combinable:
    """Null in place of an array of nulls, where the filters ask nothing of the patient."""
    patient_at = find_patient_change(filters)
    return Cast(Value(None), FloatField()) if patient_at is None else ArrayAgg(Seconds(patient_at))


def _build_coverages(before: CampaignFilters, after: CampaignFilters) -> Case:
    """Both as one column: two equal ones would be grouped by only once, which PostgreSQL refuses."""
    conditions = [
        (build_coverage(before), COVERED_BEFORE),
        (build_coverage(after), COVERED_AFTER),
    ]
    always = sum(flag for condition, flag in conditions if not condition)
    asked = [(condition, flag) for condition, flag in conditions if condition]
    cases = [When(condition, then=Value(always + flag)) for condition, flag in asked]
    if len(asked) > 1:
        cases.insert(0, When(asked[0][0] & asked[1][0], then=Value(COVERED_BEFORE + COVERED_AFTER)))
    return Case(*cases, default=Value(always), output_field=IntegerField())


def _yes(condition: Q) -> Case:
    """The condition as a column that is true or false, never null."""
    return Case(When(condition, then=Value(True)), default=Value(False), output_field=BooleanField())


def _add_class(found: Visits, row: Sequence[Any]) -> None:
    """Add the visits of a row of _group_alike(); those with a number of a kind never dialled are a class."""
    kind, visits, numbers = VisitClass(*row[: len(_KEYS)]), row[len(_KEYS)], row[-1]
    nothing = [None] * len(visits)
    arrays = [nothing if array is None else array for array in row[len(_KEYS) + 1 : -1]]
    found.times.update(zip(visits, map(VisitTimes._make, zip(*arrays, strict=True)), strict=True))
    faulty = list_never_dialled(numbers) if kind.has_number else set()
    index = len(found.classes)
    found.classes.append(kind)
    found.class_of.update(dict.fromkeys(visits, index))
    if faulty:
        found.classes.append(kind._replace(is_never_dialled=True))
        found.class_of |= {
            visit: index + 1 for visit, e164 in zip(visits, numbers, strict=True) if e164 in faulty
        }


def _find_households(found: Visits, numbers: Iterable[int]) -> list[list[int]]:
    """`numbers`: of all visits that have one."""
    shared = {number for number, count in Counter(numbers).items() if count > 1}
    households: dict[tuple[int, int, int], list[int]] = defaultdict(list)
    for visit, times in found.times.items():
        if times.phone in shared:
            location = found.classes[found.class_of[visit]].location
            households[times.phone, location, times.day].append(visit)
    return [visits for visits in households.values() if len(visits) > 1]


def _read_uses(phones: set[int], now: datetime) -> dict[int, NumberUse]:
    return {number: use for number, use in read_use(phones, now).items() if use.calls}
