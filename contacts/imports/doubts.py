"""Questions about a file as a whole: is it of another system, and were its ids changed?

Product rules 51 and 53: one other word for the source would double everybody, and ids that a spreadsheet or
a new system changed would double every appointment.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, time

from django.utils.translation import gettext, ngettext

from contacts.database.arrays import is_any_text
from contacts.imports.identity import fold_letters
from contacts.imports.people import ImportedPerson, PersonKey
from contacts.imports.plans import MatchedBy, Plan
from contacts.imports.practice import KnownPractice
from contacts.imports.questions import Choice, Question
from contacts.imports.rows import location_key
from contacts.models import Appointment, Contact, ImportBatch

SOURCE_KEY, IDS_KEY = "source", "ids"
OTHER_SYSTEM = "other_system"
MATCH_BY_TIME, ALL_NEW = "match_by_time", "all_new"
FEW = 10  # one of so many people here already is no chance
ENOUGH = 3  # appointments here, so that it says something that none of them is in the file


def list_sources() -> list[str]:
    """The sources of all past imports, in alphabetical order."""
    return sorted(set(ImportBatch.objects.exclude(applied_at=None).values_list("source", flat=True)))


def ask_source(people: Mapping[PersonKey, ImportedPerson], source: str) -> Question | None:
    """Ask if the source is unknown, and many of the people are here, by name and number, under another."""
    named = {
        (fold_letters(each.first_name), fold_letters(each.last_name), each.phone.e164)
        for each in people.values()
        if each.phone
    }
    if not named or source in list_sources() or Contact.objects.filter(source=source).exists():
        return None
    numbers = {number for *_, number in named}
    here = Contact.objects.exclude(source="").filter(is_any_text("phone__e164", numbers))
    found = {
        (fold_letters(first), fold_letters(last), number): known
        for first, last, number, known in here.values_list("first_name", "last_name", "phone__e164", "source")
    }
    counts = Counter(found[person] for person in named if person in found)
    if sum(counts.values()) * FEW < len(named) or not counts:
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


def ask_ids(plan: Plan, practice: KnownPractice, source: str) -> Question | None:
    """Ask if hardly a row is known, though the source has appointments on its days and at its locations."""
    rows = plan.rows
    known = sum(each.matched_by != MatchedBy.NOTHING for each in rows)
    if len(rows) < ENOUGH or known * FEW > len(rows):
        return None
    first, last = (edge(each.row.local_start for each in rows) for edge in (min, max))
    keys = {location_key(each.row.location) for each in rows}
    here = Appointment.objects.filter(
        source=source,
        status=Appointment.Status.BOOKED,
        location__in=[place for key, place in practice.locations.items() if key in keys],
        local_start__range=(datetime.combine(first, time.min), datetime.combine(last, time.max)),
    ).count()
    if here - known < max(ENOUGH, len(rows) // FEW):
        return None
    return Question(
        IDS_KEY,
        gettext(
            "Hardly any of the %(rows)d appointments in the file is known here (%(known)d), though %(here)d "
            "of the source “%(source)s” are booked on its days. Were the ids changed?"
        )
        % {"rows": len(rows), "known": known, "here": here, "source": source},
        (
            Choice(MATCH_BY_TIME, gettext("Yes: match by patient, time and location, and use the new ids")),
            Choice(ALL_NEW, gettext("No: they are new appointments beside those booked here")),
        ),
        once=True,
    )
