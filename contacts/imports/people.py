"""Combine all rows of one patient in a file. Pure: no database.

For each field the last row that isn't empty counts, so that importing a file a second time changes
nothing. A name with damaged letters counts only if no row has it whole (product rule 52).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext, gettext_noop

from contacts.imports.identity import Identity, fold_written_name, identify, is_damaged
from contacts.imports.problems import Problem, clip, translate
from contacts.imports.rows import AppointmentRow
from contacts.imports.words import join_wishes
from contacts.numbers import ParsedNumber

PersonKey = tuple[str, ...]
NOTHING_DAMAGED: frozenset[str] = frozenset()  # one for all, since nearly all people have it
KEPT_NUMBER_USED = gettext_noop("The number already recorded here is used.")
NO_NUMBER_TO_CALL = gettext_noop("The appointment is imported, but there is no number to call.")
DIFFERS = gettext_noop("Other lines have different details for this patient id. The last line is used.")
DIFFERS_HERE = gettext_noop("Other lines have different details for this patient. The last line is used.")
CHECK_PATIENT = gettext_noop(
    "Check that these lines are about one patient, and correct the wrong ones in your practice system."
)


@dataclass(frozen=True, slots=True)
class ImportedPerson:
    """A patient as the file describes them; texts are "" and numbers None if all rows are empty.

    `damaged`: which of first_name and last_name lost letters in every row.
    """

    key: PersonKey
    patient_id: str
    first_name: str
    last_name: str
    language: str
    preference: str
    mobile: ParsedNumber | None
    home: ParsedNumber | None
    rows: tuple[AppointmentRow, ...]
    damaged: frozenset[str] = NOTHING_DAMAGED

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def identity(self) -> Identity:
        """What tells the patient from others; a damaged last name counts as unknown."""
        return identify(
            self.first_name,
            "" if "last_name" in self.damaged else self.last_name,
            *(number.e164 for row in self.rows for number in (row.mobile, row.home) if number),
            is_first_damaged="first_name" in self.damaged,
        )

    @property
    def phone(self) -> ParsedNumber | None:
        """The number to call: the mobile phone, else the home phone."""
        return self.mobile or self.home

    @property
    def other_phone(self) -> ParsedNumber | None:
        return self.home if self.mobile and self.home and self.home.e164 != self.mobile.e164 else None


def describe_row(row: AppointmentRow) -> Identity:
    """What tells the patient of a row from others; a damaged last name counts as unknown."""
    return identify(
        row.first_name,
        "" if _is_damaged(row, "last_name") else row.last_name,
        *(number.e164 for number in (row.mobile, row.home) if number),
        is_first_damaged=_is_damaged(row, "first_name"),
    )


def person_key(row: AppointmentRow) -> PersonKey:
    """Identify the patient of a row: by patient id, else by name and number.

    If the row is about the patient of others too, by theirs (one_person.py).
    """
    if row.same_as:
        return row.same_as
    if row.patient_id:
        return ("id", row.patient_id)
    number = row.mobile or row.home
    return (
        "name",
        fold_written_name(row.first_name),
        fold_written_name(row.last_name),
        number.e164 if number else "",
    )


def collect_people(rows: Iterable[AppointmentRow]) -> dict[PersonKey, ImportedPerson]:
    """Return each patient of the file once, in the order of their first rows."""
    groups: dict[PersonKey, list[AppointmentRow]] = defaultdict(list)
    for row in rows:
        groups[person_key(row)].append(row)
    return {key: merge_rows(key, group) for key, group in groups.items()}


def merge_rows(key: PersonKey, rows: Sequence[AppointmentRow]) -> ImportedPerson:
    """The patient whom these rows, in the order of the file, are about."""
    whole_first = _last(row.first_name for row in rows if not _is_damaged(row, "first_name"))
    whole_last = _last(row.last_name for row in rows if not _is_damaged(row, "last_name"))
    last_name = whole_last or _last(row.last_name for row in rows)
    damaged = {"first_name"} if not whole_first else set()
    if last_name and not whole_last:
        damaged.add("last_name")
    return ImportedPerson(
        key=key,
        patient_id=rows[0].patient_id,
        first_name=whole_first or rows[-1].first_name,
        last_name=last_name,
        language=_last(row.language for row in rows),
        preference=_find_strictest(row.preference for row in rows),
        mobile=_last_number(_list_numbers(rows, "mobile")),
        home=_last_number(_list_numbers(rows, "home")),
        rows=tuple(rows),
        damaged=frozenset(damaged) if damaged else NOTHING_DAMAGED,
    )


def _is_damaged(row: AppointmentRow, field: str) -> bool:
    name: str = getattr(row, field)
    return bool(row.damaged & {field, "full_name"}) or is_damaged(name)


def _last(values: Iterable[str]) -> str:
    said = [value for value in values if value]
    return said[-1] if said else ""


def _find_strictest(wishes: Iterable[str]) -> str:
    """The last wish, with what an earlier row forbids."""
    strictest = ""
    for wish in filter(None, wishes):
        strictest = join_wishes(wish, strictest)
    return strictest


def _list_numbers(rows: Sequence[AppointmentRow], field: str) -> list[ParsedNumber | None]:
    """The numbers of a column. A row that was joined to others by one of theirs doesn't say that it is the
    one of its column: a list names somebody who has two numbers once by each.
    """
    own = {number.e164 for row in rows if not row.same_as for number in (row.mobile, row.home) if number}
    numbers = [(row, getattr(row, field)) for row in rows]
    return [None if row.same_as and number and number.e164 in own else number for row, number in numbers]


def _last_number(values: Iterable[ParsedNumber | None]) -> ParsedNumber | None:
    said = [value for value in values if value]
    return said[-1] if said else None


def find_differences(person: ImportedPerson, header: str) -> list[Problem]:
    """Return a note, at the patient's last line, if their rows differ in name, language or number."""
    values = {
        gettext("first name"): [row.first_name for row in person.rows],
        gettext("last name"): [row.last_name for row in person.rows],
        gettext("language"): [row.language for row in person.rows],
        gettext("preferred contact method"): [row.preference for row in person.rows],
        gettext("mobile phone"): [each.e164 if each else "" for each in _list_numbers(person.rows, "mobile")],
        gettext("home phone"): [each.e164 if each else "" for each in _list_numbers(person.rows, "home")],
    }
    differing = [title for title, said in values.items() if len({value for value in said if value}) > 1]
    if not differing:
        return []
    lines = ", ".join(str(row.line) for row in person.rows)
    value = gettext("%(id)s: %(fields)s (lines %(lines)s)") % {
        "id": person.patient_id or person.full_name,
        "fields": ", ".join(differing),
        "lines": lines,
    }
    reason = (
        DIFFERS if all(row.patient_id == person.patient_id != "" for row in person.rows) else DIFFERS_HERE
    )
    return [Problem(person.rows[-1].line, header, clip(value), *translate((reason, CHECK_PATIENT)))]


def describe_number_faults(person: ImportedPerson, kept: str, mobile_header: str) -> list[Problem]:
    """Return a note for each number that can't be called, saying which number is used instead.

    `kept`: the contact's number in the database, or ""; used if the file has no usable number.
    """
    phone = person.phone
    notes = []
    for row in person.rows:
        consequence = _describe_consequence(person, row, kept)
        notes += [
            Problem(row.line, fault.column, fault.value, clip(f"{fault.problem} {consequence}"), fault.remedy)
            for fault in row.faults
        ]
        if not row.faults and not row.mobile and not row.home:
            problem = clip(f"{gettext('The row has no phone number.')} {consequence}")
            notes.append(Problem(row.line, mobile_header, "", problem, _remedy_without(phone, kept)))
    return notes


def _describe_consequence(person: ImportedPerson, row: AppointmentRow, kept: str) -> str:
    if not person.phone:
        return gettext(KEPT_NUMBER_USED if kept else NO_NUMBER_TO_CALL)
    if person.phone == row.mobile or (row.mobile is None and person.phone == row.home):
        return gettext("The other number in the row is used.")
    giver = next(each for each in reversed(person.rows) if person.phone in (each.mobile, each.home))
    return gettext("The patient's number from line %(line)d is used.") % {"line": giver.line}


def _remedy_without(phone: ParsedNumber | None, kept: str) -> str:
    if phone or kept:
        return gettext("Check that this number is right.")
    return gettext(
        "Enter a number in your practice system and import again, or add it on the patient's page."
    )
