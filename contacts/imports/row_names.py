"""The name of a row's patient, from up to four columns. Pure: no database (product rule 49)."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.utils.translation import gettext, gettext_noop

from contacts.imports.problems import NOTE, REJECTED
from contacts.names import NotAName, read_first_name, read_last_name, split_full_name

NO_FIRST_NAME = gettext_noop("The first name is missing. Calls greet the patient by first name.")
NO_FULL_NAME = gettext_noop("There is no first name in this name. Calls greet the patient by first name.")
PLACEHOLDER_LAST = gettext_noop("This is a placeholder, not a last name, so it is left out.")
NOT_EXPECTED = gettext_noop("This says more than a name, so it isn't clear whether the patient is expected.")
NO_LAST_NAME = gettext_noop("The last name is missing.")
OFF_IN_A_NAME = re.compile(r"\b(?:cancell?ed|cxl|cancelad[oa])\b", re.IGNORECASE)
DOUBT_IN_A_NAME = re.compile(
    r"\b(?:deceased|died|fallecid[oa]|inactive|do not (?:call|contact|phone|use)|dnc|no[- ]?show|on hold"
    r"|waitlist|rescheduled|duplicate|merged)\b",
    re.IGNORECASE,
)
FILL_IN = gettext_noop("Enter it in your practice system and export again.")


@dataclass(frozen=True, slots=True)
class NameFault:
    """What is wrong with a name: the field, the problem, and whether it rejects the row."""

    field: str
    problem: str
    weight: str


@dataclass(slots=True)
class PatientName:
    """First and last name as they are stored; the first is "" only with a fault that rejects the row."""

    first: str = ""
    last: str = ""
    faults: list[NameFault] = field(default_factory=list)


def read_patient_name(cells: Mapping[str, str]) -> PatientName:
    """Read the preferred first name, else the first name, else that of the full name; and the last name.

    `cells`: the cell of each of these columns that the file has, by preferred_name, first_name, last_name and
    full_name.
    """
    name = PatientName()
    refused = ""
    for column in ("preferred_name", "first_name"):
        if not name.first and cells.get(column):
            try:
                name.first = read_first_name(cells[column])
            except NotAName as fault:
                refused = str(fault) if column == "first_name" else refused
    last = cells.get("last_name", "")
    of_full = split_full_name(cells.get("full_name", "")) if not (name.first and last) else ("", "")
    if not name.first and of_full[0]:
        try:
            name.first = read_first_name(of_full[0])
        except NotAName as fault:
            refused = str(fault)
    if not name.first:
        name.faults.append(_describe_lack(cells, refused))
    for column, cell in cells.items():
        if OFF_IN_A_NAME.search(cell) or DOUBT_IN_A_NAME.search(cell):
            name.faults.append(NameFault(column, gettext(NOT_EXPECTED), REJECTED))
    _add_last_name(name, last or of_full[1], "last_name" if "last_name" in cells else "full_name")
    return name


def says_cancelled(cells: Iterable[str]) -> bool:
    """Whether a name says that the visit is cancelled, as some write where their system has no status."""
    return any(OFF_IN_A_NAME.search(cell) for cell in cells)


def _describe_lack(cells: Mapping[str, str], refused: str) -> NameFault:
    """Why there is no first name, at the column where it should stand."""
    column = "first_name" if "first_name" in cells or "full_name" not in cells else "full_name"
    if refused:
        why = gettext("%(refused)s Calls greet the patient by first name.") % {"refused": gettext(refused)}
        return NameFault(column, why, REJECTED)
    is_full = column == "full_name" and bool(cells["full_name"])
    return NameFault(column, gettext(NO_FULL_NAME if is_full else NO_FIRST_NAME), REJECTED)


def _add_last_name(name: PatientName, written: str, column: str) -> None:
    try:
        name.last = read_last_name(written)
    except NotAName:
        name.faults.append(NameFault(column, gettext(PLACEHOLDER_LAST), NOTE))
        return
    if not name.last and name.first:
        name.faults.append(NameFault(column, gettext(NO_LAST_NAME), NOTE))
