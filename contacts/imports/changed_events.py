"""Visits of a calendar's event that were moved as a whole, or with it: the same UID, but other ids.

The id of a visit in a series is the UID and the moment that the series gives it, so all ids change when the
whole series moves, or when a single event becomes a series. A visit here whose id the file no longer has is
then the one of a new id: at the same time, else on the same day, else in order of time if both are as many.
Where that isn't clear a person is asked, so that nobody is called for both times.
"""

from collections import defaultdict
from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext, ngettext

from contacts.database.arrays import is_any_external_id
from contacts.imports.called_off_series import replace_series
from contacts.imports.doubts import RowSpan
from contacts.imports.event_visits import (
    EventKey,
    EventVisit,
    are_alone,
    divide_events,
    group_by_patient,
    has_relative,
    may_be_one,
    read_event_row,
    read_event_visits,
)
from contacts.imports.questions import Choice, Question
from contacts.imports.row_blocks import RowBlocks
from contacts.imports.rows import RowResult
from contacts.models import Appointment

CHANGED_KEY = "changed_events"
CANCEL_OLD, KEEP_BOTH = "cancel", "keep"


@dataclass
class ChangedEvents:
    """What was found. `renamed`: the id here, by the new id of the file; `replaced`: what stays booked here
    though the file has other times, with the first row of these; `question`: about them.
    """

    renamed: dict[str, str] = field(default_factory=dict)
    replaced: list[tuple[EventVisit, EventVisit]] = field(default_factory=list)

    @property
    def question(self) -> Question | None:
        """Whether what was replaced is to be cancelled."""
        count = len({visit.id for visit, _ in self.replaced})
        if not count:
            return None
        text = ngettext(
            "%(count)d visit is booked here at a time that the calendar no longer has, and the calendar has "
            "other times of the same event. Is the visit to be cancelled here?",
            "%(count)d visits are booked here at times that the calendar no longer has, and the calendar has "
            "other times of the same events. Are these visits to be cancelled here?",
            count,
        )
        choices = (
            Choice(CANCEL_OLD, gettext("Yes: cancel them here, and book the times of the calendar")),
            Choice(KEEP_BOTH, gettext("No: they stay booked beside the times of the calendar")),
        )
        return Question(CHANGED_KEY, text % {"count": count}, choices, once=True)

    def cancel_replaced(self, answers: Mapping[str, str]) -> Iterator[RowResult]:
        """Results that cancel what was replaced, if somebody answered so."""
        if answers.get(CHANGED_KEY) == CANCEL_OLD:
            for visit, row in self.replaced:
                yield RowResult(
                    row.line, visit.id, None, (), cancels=True, version=row.version, beside=row.id
                )


def add_events(
    rows: RowBlocks, results: Iterable[RowResult], source: str, answers: Mapping[str, str]
) -> ChangedEvents:
    """Add the rows of a calendar, with what they cancel here; return what they change besides."""
    events = _EventsOfFile(source)
    cancelling: list[RowResult] = []
    for result in results:
        if result.cancels:
            cancelling.append(result)
        else:
            rows.add(result)
            events.add(result)
    for result in replace_series(cancelling, source):
        rows.add(result)
        events.add(result)
    changed = events.find_changed()
    for result in changed.cancel_replaced(answers):
        rows.add(result)
    return changed


class _EventsOfFile:
    """The rows of a calendar that are of the same events as visits here."""

    def __init__(self, source: str) -> None:
        self._here = read_event_visits(source) if source else {}
        self._source = source
        self._ids: set[str] = set()  # of the rows
        self._taken: set[str] = set()  # of the visits for which something new was found
        self._span = RowSpan()
        self._rows: defaultdict[EventKey, list[EventVisit]] = defaultdict(list)

    def add(self, result: RowResult) -> None:
        """Look at one more row."""
        if result.row:
            self._span.add(result.row)
        if not result.appointment_id:
            return
        row = read_event_row(result)
        for event in self._here.keys() & set(row.list_keys()):
            self._ids.add(row.id)
            if row.starts or not result.cancels:
                self._rows[event].append(row)

    def find_changed(self) -> ChangedEvents:
        """Compare them with what is here. To be called when all rows are added."""
        found = ChangedEvents()
        here = Appointment.objects.filter(source=self._source)
        known = set(here.filter(is_any_external_id(self._ids)).values_list("external_id", flat=True))
        for key, all_rows in self._rows.items():
            for rows, visits in divide_events(all_rows, self._here[key]):
                if not all(row.id in known for row in rows):
                    self._compare_event(rows, visits, known, found)
        return found

    def _compare_event(
        self,
        all_rows: Sequence[EventVisit],
        here: Sequence[EventVisit],
        known: Container[str],
        found: ChangedEvents,
    ) -> None:
        """Compare the rows of an event with the visits that it has here. `known`: ids that are here."""
        groups = group_by_patient(all_rows)
        for rows in groups:
            new = list({row.id: row for row in rows if row.id not in known}.values())
            if new:
                self._compare(here, rows, new, found)
        others = [row for row in all_rows if row.id not in known and row.id not in found.renamed]
        for visit in self._list_gone(here, all_rows) if groups else ():
            is_of_nobody = not any(may_be_one(visit, rows[0]) for rows in groups)
            if visit.is_booked and visit.is_ahead and is_of_nobody and has_relative(visit, others):
                self._replace([visit], others[0], found)

    def _list_gone(self, visits: Iterable[EventVisit], rows: Iterable[EventVisit]) -> list[EventVisit]:
        """Those whose ids the file doesn't have, but for those that have another there.

        `rows`: of their event. Of a file that has only single visits of a series nobody knows what it has
        on other days (product rule 54).
        """
        gone = [each for each in visits if each.id not in self._ids and each.id not in self._taken]
        return [each for each in gone if self._is_in_span(each)] if are_alone(rows) else gone

    def _is_in_span(self, visit: EventVisit) -> bool:
        days = self._span.days
        return days is not None and visit.starts is not None and days[0] <= visit.starts <= days[1]

    def _compare(
        self, here: Iterable[EventVisit], rows: list[EventVisit], new: list[EventVisit], found: ChangedEvents
    ) -> None:
        """Compare the rows of one patient, among them new ones, with the visits of their event."""
        visits = [each for each in here if may_be_one(each, rows[0])]
        gone = self._list_gone(visits, rows)
        for days in (False, True):
            pairs = _pair_by_time(gone, new, days=days)
            self._rename(pairs, found)
            paired = {each for pair in pairs for each in pair}
            gone = [visit for visit in gone if visit not in paired]
            new = [row for row in new if row not in paired]
        left = [visit for visit in gone if visit.is_booked and visit.is_ahead]
        if any(visit.id in self._ids for visit in visits):
            # the series goes on as it was: what is later than all visits here was added to its end
            last = max(visit.starts for visit in visits if visit.starts)
            new = [row for row in new if row.starts is None or row.starts <= last]
        is_clear = all(row.starts for row in new) and not are_alone(rows)
        if left and len(left) == len(new) and is_clear:
            self._rename(zip(_sort(left), _sort(new), strict=True), found)
        elif left and new:
            self._replace(left, new[0], found)

    def _rename(self, pairs: Iterable[tuple[EventVisit, EventVisit]], found: ChangedEvents) -> None:
        for visit, row in pairs:
            found.renamed[row.id] = visit.id
            self._taken.add(visit.id)

    def _replace(self, visits: Iterable[EventVisit], row: EventVisit, found: ChangedEvents) -> None:
        for visit in visits:
            found.replaced.append((visit, row))
            self._taken.add(visit.id)


def _pair_by_time(
    gone: Iterable[EventVisit], new: Collection[EventVisit], *, days: bool
) -> list[tuple[EventVisit, EventVisit]]:
    """Pairs that start at the same time, or on the same day; what is booked comes first."""
    at: defaultdict[object, list[EventVisit]] = defaultdict(list)
    for visit in sorted(gone, key=lambda each: not each.is_booked):
        at[_moment_of(visit, days=days)].append(visit)
    pairs = []
    for row in _sort(row for row in new if row.starts):
        if left := at.get(_moment_of(row, days=days)):
            pairs.append((left.pop(0), row))
    return pairs


def _moment_of(visit: EventVisit, *, days: bool) -> object:
    return visit.starts.date() if days and visit.starts else visit.starts


def _sort(visits: Iterable[EventVisit]) -> list[EventVisit]:
    return sorted(visits, key=lambda each: (str(each.starts), each.id))
