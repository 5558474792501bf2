"""Visits of a calendar's event that were moved as a whole, or with it: the same UID, but other ids.

The id of a visit in a series is the UID and the moment that the series gives it, so all ids change when the
whole series moves, or when a single event becomes a series. A visit here whose id the file no longer has is
then the one of a new id: at the same time, else on the same day, else in order of time if both are as many.
Where that isn't clear a person is asked, so that nobody is called for both times.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext, ngettext

from contacts.database.arrays import is_any_text
from contacts.imports.called_off_series import replace_series
from contacts.imports.identity import fold_letters
from contacts.imports.questions import Choice, Question
from contacts.imports.reading.event_ids import is_cut, name_of_event
from contacts.imports.row_blocks import RowBlocks
from contacts.imports.rows import RowResult
from contacts.models import Appointment

CHANGED_KEY = "changed_events"
CANCEL_OLD, KEEP_BOTH = "cancel", "keep"
# A little less than what is read of a calendar, so that what the file leaves out at the ends isn't missed.
FROM, TO = -timedelta(hours=23), timedelta(days=399)


@dataclass(frozen=True, slots=True)
class _Visit:
    """A visit here, or a row of the file with an id that isn't known (`line`, and its `version`)."""

    id: str
    starts: datetime | None
    is_booked: bool = True
    is_ahead: bool = True
    line: int = 0
    version: str = ""


@dataclass
class ChangedEvents:
    """What was found. `renamed`: the id here, by the new id of the file; `replaced`: what stays booked here
    though the file has other times, with the first row of these; `question`: about them.
    """

    renamed: dict[str, str] = field(default_factory=dict)
    replaced: list[tuple[_Visit, _Visit]] = field(default_factory=list)

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
        self._here = _read_visits(source) if source else {}
        self._source = source
        self._ids: set[str] = set()
        self._rows: defaultdict[str, list[_Visit]] = defaultdict(list)

    def add(self, result: RowResult) -> None:
        """Look at one more row."""
        row = result.row or result.partial
        names = (row.first_name, row.last_name) if row else ("", "")
        event = _name_with_patient(result.appointment_id, *names)
        if not result.appointment_id or event not in self._here:
            return
        self._ids.add(result.appointment_id)
        if row or not result.cancels:
            starts = row.local_start if row else None
            one = _Visit(result.appointment_id, starts, line=result.line, version=result.version)
            self._rows[event].append(one)

    def find_changed(self) -> ChangedEvents:
        """Compare them with what is here. To be called when all rows are added."""
        found = ChangedEvents()
        here = Appointment.objects.filter(source=self._source)
        known = set(here.filter(is_any_text("external_id", self._ids)).values_list("external_id", flat=True))
        for event, rows in self._rows.items():
            gone = [visit for visit in self._here[event] if visit.id not in self._ids]
            new = list({row.id: row for row in rows if row.id not in known}.values())
            if gone and new:
                self._pair(event, gone, new, found)
        return found

    def _pair(self, event: str, gone: list[_Visit], new: list[_Visit], found: ChangedEvents) -> None:
        for days in (False, True):
            pairs = _pair_by_time(gone, new, days=days)
            found.renamed.update({row.id: visit.id for visit, row in pairs})
            paired = {each for pair in pairs for each in pair}
            gone = [visit for visit in gone if visit not in paired]
            new = [row for row in new if row not in paired]
        left = [visit for visit in gone if visit.is_booked and visit.is_ahead]
        last = max(visit.starts for visit in self._here[event] if visit.starts)
        if any(visit.id in self._ids for visit in self._here[event]):
            # the series goes on as it was: what is later than all visits here was added to its end
            new = [row for row in new if row.starts is None or row.starts <= last]
        if left and len(left) == len(new) and all(row.starts for row in new):
            pairs = list(zip(_sort(left), _sort(new), strict=True))
            found.renamed.update({row.id: visit.id for visit, row in pairs})
        elif left and new:
            found.replaced += [(visit, new[0]) for visit in left]


def _read_visits(source: str) -> dict[str, list[_Visit]]:
    """The visits of a source in the time that is read, by their events."""
    now = timezone.now()
    here = Appointment.objects.filter(source=source, starts_at__range=(now + FROM, now + TO))
    found: defaultdict[str, list[_Visit]] = defaultdict(list)
    columns = (
        "external_id",
        "contact__first_name",
        "contact__last_name",
        "local_start",
        "status",
        "starts_at",
    )
    values = here.exclude(external_id="").values_list(*columns)
    for external_id, first, last, starts, status, moment in values.order_by("starts_at", "pk").iterator():
        visit = _Visit(external_id, starts, status == Appointment.Status.BOOKED, moment > now)
        found[_name_with_patient(external_id, first, last)].append(visit)
    return dict(found)


def _name_with_patient(visit_id: str, first_name: str, last_name: str) -> str:
    """The name of its event; where that was cut, it is of one event only together with the patient's name."""
    event = name_of_event(visit_id)
    name = f"{fold_letters(first_name)}\n{fold_letters(last_name)}"
    return f"{event}\n{name}" if is_cut(visit_id) else event


def _pair_by_time(
    gone: Iterable[_Visit], new: Collection[_Visit], *, days: bool
) -> list[tuple[_Visit, _Visit]]:
    """Pairs that start at the same time, or on the same day; what is booked comes first."""
    at: defaultdict[object, list[_Visit]] = defaultdict(list)
    for visit in sorted(gone, key=lambda each: not each.is_booked):
        at[_moment_of(visit, days=days)].append(visit)
    pairs = []
    for row in _sort(row for row in new if row.starts):
        if left := at.get(_moment_of(row, days=days)):
            pairs.append((left.pop(0), row))
    return pairs


def _moment_of(visit: _Visit, *, days: bool) -> object:
    return visit.starts.date() if days and visit.starts else visit.starts


def _sort(visits: Iterable[_Visit]) -> list[_Visit]:
    return sorted(visits, key=lambda each: (str(each.starts), each.id))
