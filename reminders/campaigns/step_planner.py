"""What planning would write for a step, and what replanning would make of its reminders."""

from collections.abc import Collection, Mapping
from datetime import datetime
from math import inf
from typing import NamedTuple

from reminders.campaigns.clinic_facts import ClinicFacts
from reminders.campaigns.reminder_rows import RowGroups, Rows, Waiting
from reminders.planning.bulk_rows import OwedReminder
from reminders.planning.owed_reminders import (
    LONG_AGO,
    OwedFinder,
    StepTiming,
)
from reminders.planning.replanning import (
    UntriedReminder,
    as_covered_then,
    find_replanned,
    with_details_then,
)
from reminders.rules.reasons import SKIPPED_BY_PLANNING
from reminders.rules.states import ReminderState


class _Replanned(NamedTuple):
    """What replanning makes of reminders that are alike: where their visits and ends are added, and the end.

    `booked_by`: it holds for all that were booked by then (seconds since 1970); None: for this visit only.
    """

    visits: list[int]
    ends: list[float]
    end: float
    booked_by: float | None


class StepPlanner:
    """What planning writes for visits without a reminder of a step, and what replanning makes of the others.

    What is owed is found once for visits of a class that start at the same time and were booked before it is
    due: for them, when they were booked makes no difference (a test holds it equal to find_owed).
    `is_after`: by the filters after an edit.
    """

    def __init__(self, facts: ClinicFacts, timing: StepTiming | None, *, is_after: bool = False) -> None:
        self._facts, self._timing, self._is_after = facts, timing, is_after
        self._finders: dict[bool, OwedFinder] = {}
        self._owed: dict[tuple[int, float, bool], tuple[OwedReminder | None, float]] = {}

    def plan(self, visits: Collection[int]) -> list[Rows]:
        """The reminders that planning would write for these visits."""
        found, class_of = RowGroups(), self._facts.visits.class_of
        for visit in visits:
            if owed := self._find_owed(visit, None):
                own_visits, ends = found.lists_for(class_of[visit], _write(owed))
                own_visits.append(visit)
                ends.append(owed.not_after.timestamp())
        return found.list_rows()

    def replan(self, own: Rows, created: Mapping[int, float], tried: Collection[int]) -> list[Rows]:
        """These reminders after an edit; `created`: when each was planned, for a new one it is missing."""
        if own.row.ordered_by is not None or not _is_replannable(own.row):
            return [own]
        found, times_of = RowGroups(), self._facts.visits.times
        live, filters = self._facts.mode.live_since, self._timing and self._timing.since.filters
        live_since = live.timestamp() if live else 0.0
        filtered_since = filters.timestamp() if filters else 0.0
        kept = found.lists_for(own.class_index, own.row)
        known: dict[tuple[float, float, bool, bool], _Replanned] = {}
        for visit, end in zip(own.visits, own.ends, strict=True):
            if visit in tried:
                kept[0].append(visit)
                kept[1].append(end)
                continue
            times, planned_at = times_of[visit], created.get(visit, inf)
            key = (times.starts, end, planned_at < filtered_since, planned_at < live_since)
            alike = known.get(key)
            if alike is None or times.details is not None or times.revised > (alike.booked_by or 0.0):
                alike = self._replan_one(own, visit, end, planned_at, found)
                if alike.booked_by is not None:
                    known[key] = alike
            alike.visits.append(visit)
            alike.ends.append(alike.end)
        return found.list_rows()

    def _replan_one(
        self, own: Rows, visit: int, end: float, planned_at: float, found: RowGroups
    ) -> "_Replanned":
        """`planned_at`: seconds since 1970, `inf` if it is planned only now."""
        at, now = self._facts.at, self._facts.now
        owed = self._find_owed(visit, now if planned_at == inf else at(planned_at))
        untried = UntriedReminder(own.row.state, own.row.reason, at(own.row.due), at(end), now)
        new, row = find_replanned(untried, owed, now), own.row
        if new:
            row = _write(new)._replace(
                channel=own.row.channel,
                try_after=own.row.try_after,
                is_before_live=owed is not None and self._is_before_live(owed, planned_at),
            )
            end = new.not_after.timestamp()
        times, due = self._facts.visits.times[visit], owed.due_at.timestamp() if owed else inf
        depends_on_booking = self._timing is not None and self._timing.is_after_booking
        is_of_its_own = depends_on_booking or times.details is not None or times.revised > due
        return _Replanned(*found.lists_for(own.class_index, row), end, None if is_of_its_own else due)

    def _is_before_live(self, owed: OwedReminder, planned_at: float) -> bool:
        """As situations.py says it; what is not planned yet is planned now, after that."""
        live = self._facts.mode.live_since
        return live is not None and max(owed.due_at.timestamp(), planned_at) < live.timestamp()

    def _find_owed(self, visit: int, planned_at: datetime | None) -> OwedReminder | None:
        """`planned_at`: when it was planned, if it was."""
        times, index = self._facts.visits.times[visit], self._facts.visits.class_of[visit]
        filters = self._timing and self._timing.since.filters
        was_covered = bool(filters and planned_at and planned_at < filters)
        # replanning passes over what the filters ask of the patient: it was covered when it was planned
        changed = times.patient_after if self._is_after else times.patient_before
        patient = changed if planned_at is None else None
        is_after_booking = self._timing is not None and self._timing.is_after_booking
        if times.details is None and patient is None and not is_after_booking:
            key = (index, times.starts, was_covered)
            known = self._owed.get(key)
            if known is None:
                early = self._facts.plannable(visit)._replace(revised_at=LONG_AGO)
                owed = self._finder_for(was_covered).find(early)
                known = self._owed[key] = (owed, owed.due_at.timestamp() if owed else 0.0)
            if known[0] is None or times.revised <= known[1]:
                return known[0]
        appointment = self._facts.plannable(visit, patient)
        if planned_at is not None:
            appointment = with_details_then(appointment, planned_at)
        return self._finder_for(was_covered).find(appointment)

    def _finder_for(self, was_covered: bool) -> OwedFinder:
        if was_covered not in self._finders:
            timing = as_covered_then(self._timing, LONG_AGO) if was_covered else self._timing
            self._finders[was_covered] = OwedFinder(timing, self._facts.clocks)
        return self._finders[was_covered]


def _write(owed: OwedReminder) -> Waiting:
    """The row of a reminder that is planned now."""
    due = owed.due_at.timestamp()
    return Waiting(due, due, None, owed.state, owed.reason)


def _is_replannable(row: Waiting) -> bool:
    return row.state == ReminderState.PLANNED or (
        row.state == ReminderState.SKIPPED and row.reason in SKIPPED_BY_PLANNING
    )
