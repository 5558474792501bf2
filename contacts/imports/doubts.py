"""Questions about a file as a whole: is it of another system, and were its ids changed?

Product rules 51 and 53: one other word for the source would double everybody, and ids that a spreadsheet or
a new system changed would double every appointment.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, time

from django.utils.translation import gettext, ngettext

from contacts.database.arrays import is_any_text
from contacts.imports.identity import fold_letters
from contacts.imports.people import ImportedPerson
from contacts.imports.practice import KnownPractice
from contacts.imports.questions import Choice, Question
from contacts.imports.rows import AppointmentRow, location_key
from contacts.models import Appointment, Contact, ImportBatch

SOURCE_KEY, IDS_KEY = "source", "ids"
OTHER_SYSTEM = "other_system"
MATCH_BY_TIME, ALL_NEW = "match_by_time", "all_new"
FEW = 10  # one of so many people here already is no chance
ENOUGH = 3  # appointments here, so that it says something that none of them is in the file


def list_sources() -> list[str]:
    """The sources of all past imports, in alphabetical order."""
    return sorted(set(ImportBatch.objects.exclude(applied_at=None).values_list("source", flat=True)))


def ask_source(blocks: Iterable[Iterable[ImportedPerson]], source: str) -> Question | None:
    """Ask if the source is unknown, and many of the people are here, by name and number, under another.

    `blocks`: the people of the file; those of one name and number are in one block.
    """
    if source in list_sources() or Contact.objects.filter(source=source).exists():
        return None
    count, counts = 0, Counter[str]()
    for people in blocks:
        named = {
            (fold_letters(each.first_name), fold_letters(each.last_name), each.phone.e164)
            for each in people
            if each.phone
        }
        count += len(named)
        counts.update(_find_sources(named))
    if sum(counts.values()) * FEW < count or not counts:
        return None
    [(most, number), *_] = counts.most_common(1)
    text = ngettext(
        "One of these people is here already, under the source “%(source)s”. Is this list from the same "
        "system?",
        "%(count)d of these people are here already, under the source “%(source)s”. Is this list from the "
        "same system?",
        number,
    )
    return Question(
        SOURCE_KEY,
        text % {"count": number, "source": most},
        (
            *(
                Choice(known, gettext("Yes, it is from “%(source)s”") % {"source": known})
                for known, _ in counts.most_common()
            ),
            Choice(
                OTHER_SYSTEM,
                gettext("No, “%(source)s” is another system with its own ids") % {"source": source},
            ),
        ),
        once=True,
    )


def _find_sources(people: Collection[tuple[str, str, str]]) -> Iterator[str]:
    """The source of each of these people, by folded names and number, who is here under one."""
    numbers = {number for *_, number in people}
    here = Contact.objects.exclude(source="").filter(is_any_text("phone__e164", numbers))
    found = {
        (fold_letters(first), fold_letters(last), number): known
        for first, last, number, known in here.values_list("first_name", "last_name", "phone__e164", "source")
    }
    return (found[person] for person in people if person in found)


@dataclass
class RowSpan:
    """The accepted rows of a file: how many, the first and last day, and the locations by location_key()."""

    rows: int = 0
    first: datetime | None = None
    last: datetime | None = None
    locations: set[str] = field(default_factory=set)

    def add(self, row: AppointmentRow) -> None:
        """Count one more row."""
        self.rows += 1
        self.first = min(self.first or row.local_start, row.local_start)
        self.last = max(self.last or row.local_start, row.local_start)
        self.locations.add(location_key(row.location))

    @property
    def days(self) -> tuple[datetime, datetime] | None:
        """Beginning of the first day and end of the last; None if there is no row."""
        if self.first is None or self.last is None:
            return None
        return datetime.combine(self.first, time.min), datetime.combine(self.last, time.max)


def ask_ids(span: RowSpan, matched: Iterable[int], practice: KnownPractice, source: str) -> Question | None:
    """Ask if hardly a row is known, though the source has appointments on its days and at its locations.

    `matched`: how many rows of each block are known; no more blocks are asked for than it takes to tell.
    """
    if span.rows < ENOUGH or span.days is None:
        return None
    here = Appointment.objects.filter(
        source=source,
        status=Appointment.Status.BOOKED,
        location__in=[place for key, place in practice.locations.items() if key in span.locations],
        local_start__range=span.days,
    ).count()
    enough, known = max(ENOUGH, span.rows // FEW), 0
    if here < enough:
        return None
    for some in matched:
        known += some
        if known * FEW > span.rows:
            return None
    if here - known < enough:
        return None
    return Question(
        IDS_KEY,
        gettext(
            "Hardly any of the %(rows)d appointments in the file is known here (%(known)d), though %(here)d "
            "of the source “%(source)s” are booked on its days. Were the ids changed?"
        )
        % {"rows": span.rows, "known": known, "here": here, "source": source},
        (
            Choice(MATCH_BY_TIME, gettext("Yes: match by patient, time and location, and use the new ids")),
            Choice(ALL_NEW, gettext("No: they are new appointments beside those booked here")),
        ),
        once=True,
    )
