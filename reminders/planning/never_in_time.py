"""For how many appointments ahead a step can never be in time, whenever they were booked."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from reminders.models import Step
from reminders.planning.bulk_rows import PlannedAppointment
from reminders.planning.owed_reminders import LONG_AGO, LocationClock, StepTiming, read_step_timing
from reminders.planning.owed_spans import OwedFinder
from reminders.rules.reaching_back import MeantSince
from reminders.rules.reasons import Reason


class NeverInTime(NamedTuple):
    """For how many of the appointments ahead (`of`) a step can never be in time, and what becomes of it."""

    too_late: int  # its moment is too late: no reminder
    no_hours: int  # no calling hours are left: no reminder
    brought_forward: int  # either of the two: the reminder is sent earlier
    of: int


def count_never_in_time(
    ahead: Iterable[PlannedAppointment], steps: Sequence[Step], clocks: Mapping[int, LocationClock | None]
) -> list[NeverInTime]:
    """For each of a campaign's steps, for how many of its appointments `ahead` it can never be in time.

    That is whenever they were booked, and with calling hours. The campaign need not be active. All zero for a
    step after booking, whose moment depends on the booking. `clocks`: of all locations, by id.
    """
    finders = [OwedFinder(_read_timing_of_old(step), clocks) for step in steps]
    counts: list[Counter[str]] = [Counter() for _step in steps]
    for appointment in ahead:
        booked_early = appointment._replace(revised_at=LONG_AGO, details_at=None)
        for finder, count in zip(finders, counts, strict=True):
            if finder.step:
                owed = finder.find(booked_early)
                count[owed.reason if owed else ""] += 1
    return [_sum_never_in_time(count) for count in counts]


def _read_timing_of_old(step: Step) -> StepTiming | None:
    """Its timing for visits that were covered from the start; None if that depends on the booking."""
    timing = read_step_timing(step)
    if timing is None or timing.is_after_booking:
        return None
    return timing._replace(since=MeantSince(LONG_AGO, LONG_AGO))


def _sum_never_in_time(counts: Counter[str]) -> NeverInTime:
    return NeverInTime(
        too_late=counts[Reason.NEVER_IN_TIME],
        no_hours=counts[Reason.NEVER_IN_HOURS],
        brought_forward=counts[Reason.BROUGHT_FORWARD],
        of=counts.total(),
    )
