"""What planning would write for a step, and what replanning would make of its reminders."""

from collections.abc import Collection, Mapping
from datetime import datetime

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
                found.add(class_of[visit], _write(owed), visit, owed.not_after.timestamp())
        return found.list_rows()

    def replan(self, own: Rows, created: Mapping[int, float], tried: Collection[int]) -> list[Rows]:
        """These reminders after an edit; `created`: when each was planned, for a new one it is missing."""
        found, at, known = RowGroups(), self._facts.at, {}
        is_done = own.row.ordered_by is not None or not _is_replannable(own.row)
        for visit, end in zip(own.visits, own.ends, strict=True):
            if is_done or visit in tried:
                found.add(own.class_index, own.row, visit, end)
                continue
            planned_at = created.get(visit)
            owed = self._find_owed(visit, self._facts.now if planned_at is None else at(planned_at))
            is_before_live = owed is not None and self._is_before_live(owed, planned_at)
            key = (id(owed), end, is_before_live)
            if key not in known:
                untried = UntriedReminder(
                    own.row.state, own.row.reason, at(own.row.due), at(end), self._facts.now
                )
                new = find_replanned(untried, owed, self._facts.now)
                moved = new and _write(new)._replace(
                    channel=own.row.channel, try_after=own.row.try_after, is_before_live=is_before_live
                )
                known[key] = (owed, moved or own.row, new.not_after.timestamp() if new else end)
            _, row, end = known[key]
            found.add(own.class_index, row, visit, end)
        return found.list_rows()

    def _is_before_live(self, owed: OwedReminder, planned_at: float | None) -> bool:
        """As situations.py says it; what is not planned yet (None) is planned now, after that."""
        live = self._facts.mode.live_since
        if live is None or planned_at is None:
            return False
        return max(owed.due_at.timestamp(), planned_at) < live.timestamp()

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
    return Waiting(owed.state, owed.reason, "", None, due, due, None)


def _is_replannable(row: Waiting) -> bool:
    return row.state == ReminderState.PLANNED or (
        row.state == ReminderState.SKIPPED and row.reason in SKIPPED_BY_PLANNING
    )
