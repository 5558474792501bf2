"""What planning would write for a step, and what replanning would make of its reminders."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Mapping
from math import inf
from typing import NamedTuple

from reminders.campaigns.clinic_facts import ClinicFacts
from reminders.campaigns.reminder_rows import ByDue, RowGroups, Rows, Waiting
from reminders.planning.bulk_rows import OwedReminder
from reminders.planning.owed_reminders import LONG_AGO, StepTiming
from reminders.planning.owed_spans import OwedFinder, OwedSpan
from reminders.planning.replanning import as_covered_then, is_replanned, with_details_then
from reminders.rules.reasons import SKIPPED_BY_PLANNING
from reminders.rules.states import ReminderState


class _Owed(NamedTuple):
    """An OwedReminder in seconds since 1970."""

    due: float
    not_after: float
    state: str
    reason: str


class _Span(NamedTuple):
    """An OwedSpan in seconds since 1970."""

    starts_from: float
    starts_before: float
    owed: _Owed | None
    moves: bool


class _Spans:
    """The spans that were found, by when they start; and the last one, which is often asked for again."""

    def __init__(self) -> None:
        self._starts: list[float] = []
        self._spans: list[_Span] = []
        self._last: _Span | None = None

    def find(self, starts: float) -> _Span | None:
        last = self._last
        if last is not None and last.starts_from <= starts < last.starts_before:
            return last
        place = bisect_right(self._starts, starts) - 1
        if place < 0 or starts >= self._spans[place].starts_before:
            return None
        self._last = self._spans[place]
        return self._last

    def add(self, span: OwedSpan) -> _Span:
        starts_from, starts_before = span.starts_from.timestamp(), span.starts_before.timestamp()
        place = bisect_right(self._starts, starts_from)
        self._starts.insert(place, starts_from)
        self._spans.insert(place, _Span(starts_from, starts_before, _in_seconds(span.owed), span.moves))
        return self._spans[place]


class StepPlanner:
    """What planning writes for visits without a reminder of a step, and what replanning makes of the others.

    What is owed is found once for visits of a class that start in a span of time and were booked before it is
    due (planning/owed_spans.py). `is_after`: by the filters after an edit.
    """

    def __init__(self, facts: ClinicFacts, timing: StepTiming | None, *, is_after: bool = False) -> None:
        self._facts, self._timing, self._is_after = facts, timing, is_after
        self._times, self._class_of = facts.visits.times, facts.visits.class_of
        filters, live = timing and timing.since.filters, facts.mode.live_since
        self._filtered_since = filters.timestamp() if filters else -inf
        self._live_since = live.timestamp() if live else -inf
        self._is_after_booking = timing is not None and timing.is_after_booking
        self._finders: dict[bool, OwedFinder] = {}
        self._spans: dict[tuple[int, bool], _Spans] = defaultdict(_Spans)

    def plan(self, visits: Collection[int]) -> list[Rows]:
        """The reminders that planning would write for these visits."""
        found = RowGroups()
        planned: dict[tuple[int, str, str], ByDue] = {}
        for visit in visits:
            if owed := self._find_owed(visit, None):
                key = (self._class_of[visit], owed.state, owed.reason)
                if key not in planned:
                    planned[key] = found.rows_of(key[0], Waiting(None, None, owed.state, owed.reason))
                _add_owed(planned[key], visit, owed)
        return found.list_rows()

    def replan(self, own: Rows, created: Mapping[int, float], tried: Collection[int]) -> list[Rows]:
        """These reminders after an edit; `created`: when each was planned, for a new one it is missing."""
        row, now = own.row, self._facts.now.timestamp()
        if row.ordered_by is not None or not _is_replannable(row):
            return [own]
        found = RowGroups()
        kept = found.rows_of(own.class_index, row)
        moved: dict[tuple[str, str, bool], ByDue] = {}
        for due, (visits, ends) in own.by_due.items():
            for visit, end in zip(visits, ends, strict=True):
                planned_at = created.get(visit, inf)
                owed = None
                if visit not in tried:
                    owed = self._find_owed(visit, now if planned_at == inf else planned_at)
                if owed is None or not _is_moved(row, due, end, owed, now):
                    kept_visits, kept_ends = kept[due]
                    kept_visits.append(visit)
                    kept_ends.append(end)
                    continue
                # as situations.py says it; what is not planned yet is planned now, after that
                is_before_live = max(owed.due, planned_at) < self._live_since
                key = (owed.state, owed.reason, is_before_live)
                if key not in moved:
                    new = row._replace(look=None, state=owed.state, reason=owed.reason)
                    new = new._replace(is_before_live=is_before_live)
                    moved[key] = found.rows_of(own.class_index, new)
                _add_owed(moved[key], visit, owed)
        return found.list_rows() if moved else [own]

    def _find_owed(self, visit: int, planned_at: float | None) -> _Owed | None:
        """`planned_at`: when it was planned, if it was."""
        times, index = self._times[visit], self._class_of[visit]
        was_covered = planned_at is not None and planned_at < self._filtered_since
        # replanning passes over what the filters ask of the patient: it was covered when it was planned
        changed = times.patient_after if self._is_after else times.patient_before
        patient = changed if planned_at is None else None
        if times.details is None and patient is None and not self._is_after_booking:
            spans = self._spans[index, was_covered]
            span = spans.find(times.starts) or self._add_span(spans, visit, was_covered=was_covered)
            if span is None or span.owed is None:
                return None
            due, not_after, state, reason = span.owed
            later = times.starts - span.starts_from
            if span.moves:
                due += later
            if times.revised <= due:
                return _Owed(due, not_after + later, state, reason)
        appointment = self._facts.plannable(visit, patient)
        if planned_at is not None:
            appointment = with_details_then(appointment, self._facts.at(planned_at))
        return _in_seconds(self._finder_for(was_covered).find(appointment))

    def _add_span(self, spans: _Spans, visit: int, *, was_covered: bool) -> _Span | None:
        """None if the step or the location can't be read, so that nothing is owed."""
        found = self._finder_for(was_covered).find_span(self._facts.plannable(visit))
        return spans.add(found) if found else None

    def _finder_for(self, was_covered: bool) -> OwedFinder:
        if was_covered not in self._finders:
            timing = as_covered_then(self._timing, LONG_AGO) if was_covered else self._timing
            self._finders[was_covered] = OwedFinder(timing, self._facts.clocks)
        return self._finders[was_covered]


def _in_seconds(owed: OwedReminder | None) -> _Owed | None:
    if owed is None:
        return None
    return _Owed(owed.due_at.timestamp(), owed.not_after.timestamp(), owed.state, owed.reason)


def _is_moved(row: Waiting, due: float, end: float, owed: _Owed, now: float) -> bool:
    is_same_time = owed.due == due and owed.not_after == end
    return is_replanned(row, owed, is_same_time=is_same_time, is_ahead=owed.due > now)


def _add_owed(by_due: ByDue, visit: int, owed: _Owed) -> None:
    visits, ends = by_due[0.0 if owed.state == ReminderState.SKIPPED else owed.due]
    visits.append(visit)
    ends.append(owed.not_after)


def _is_replannable(row: Waiting) -> bool:
    return row.state == ReminderState.PLANNED or (
        row.state == ReminderState.SKIPPED and row.reason in SKIPPED_BY_PLANNING
    )
