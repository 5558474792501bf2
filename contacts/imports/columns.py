"""Recognise columns by their headers, and by their values where a header can mean two things.

Pure: no database. Where two columns could be meant, a question is asked (product rule 47).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext, gettext_lazy

from contacts.imports.cancelling_columns import CancellingColumn, find_cancelling
from contacts.imports.column_values import (
    LOOKED_AT,
    Look,
    find_look,
    read_first_values,
    read_values,
    sample_values,
)
from contacts.imports.errors import MissingColumns
from contacts.imports.files import RawRow
from contacts.imports.headers import label_headers, plain_header
from contacts.imports.problems import clip
from contacts.imports.questions import Choice, Question
from contacts.imports.reading.entry_versions import HEADER as VERSION
from contacts.imports.times import split_date_and_time

# The headers of each field, most reliable first. A header is used for one field only, from the top down.
WORDS: dict[str, tuple[str, ...]] = {
    "appointment_id": (
        "appt id", "appointment id", "appt no", "appt number", "appointment no", "appointment number",
        "aptnum", "apt no", "booking id", "booking no", "booking reference", "visit id", "visit no",
        "event id", "encounter id", "uid",
    ),
    "patient_id": (
        "patient id", "patient no", "patient number", "patnum", "pat id", "mrn", "patient mrn",
        "medical record number", "chart id", "chart no", "chart number", "client id", "contact id",
        "person number", "patient identifier",
    ),
    "last_name": (
        "last name", "patient last name", "client last name", "patient last", "surname", "family name",
        "invitee last name", "lname", "last",
    ),
    "first_name": (
        "first name", "patient first name", "client first name", "patient first", "given name", "forename",
        "invitee first name", "legal first name", "fname", "first",
    ),
    "preferred_name": (
        "preferred name", "preferred first name", "patient preferred name", "nickname", "known as",
    ),
    "full_name": (
        "patient name", "patient full name", "client name", "full name", "invitee name", "patient", "client",
        "name",
    ),
    "mobile": (
        "mobile", "mobile phone", "mobile number", "mobile no", "cell", "cell phone", "cell number",
        "wireless phone", "cellular", "patient mobile", "patient cell", "preferred phone", "primary phone",
        "text reminder number", "phone", "phone number", "patient phone", "contact number", "telephone",
        "phone 1",
    ),
    "home": (
        "home phone", "home", "home number", "hm phone", "landline", "patient home phone", "other phone",
        "alternate phone", "secondary phone", "phone 2", "phone", "telephone",
    ),
    "work": (
        "work phone", "work", "work number", "wk phone", "business phone", "office phone", "daytime phone",
        "day phone", "patient work phone", "employer phone", "phone 3",
    ),
    "language": (
        "language", "preferred language", "primary language", "spoken language", "patient language", "lang",
    ),
    "date": (
        "date", "appt date", "appointment date", "visit date", "start date", "date of service",
        "service date", "scheduled date", "day", "apt date", "booking date",
        "datetime", "date time", "date and time", "appointment datetime", "appt datetime",
        "appointment date time", "appointment date and time",
        "apt date time", "start datetime", "start date time", "start date and time", "starts at", "start",
        "scheduled start", "begins at", "scheduled for",
    ),
    "time": (
        "time", "appt time", "appointment time", "visit time", "start time", "begin time", "scheduled time",
        "time start", "apt time", "start", "starts at", "start datetime", "start date and time",
        "scheduled start",
    ),
    "weekday": ("day", "weekday", "day of week", "day of the week", "dow"),
    "zone": ("start time zone",),  # of the time beside it, as calendars and FHIR state it; not the patient's
    "version": (VERSION,),  # which an older file doesn't overrule
    "duration": (
        "duration min", "duration", "duration minutes", "duration mins", "appt duration",
        "appointment duration", "length", "length min", "appt length", "appointment length", "visit length",
        "minutes", "mins",
    ),
    "provider": (
        "provider", "provider name", "scheduled provider", "rendering provider", "doctor", "doctor name",
        "physician", "dentist", "clinician", "practitioner", "therapist", "seen by", "resource", "staff",
    ),
    "location": (
        "location", "location name", "appointment location", "appt location", "service location", "office",
        "clinic", "clinic name", "site", "facility", "facility name", "branch", "department", "practice",
    ),
    "kind": (
        "type", "appt type", "appointment type", "visit type", "visit reason", "appointment reason", "reason",
        "service", "procedure", "event type", "event type name",
    ),
    "prefers": (
        "preferred contact method", "contact method", "preferred method of contact", "contact preference",
        "communication preference", "communication method", "preferred communication",
        "preferred communication method", "preferred contact", "preferred method", "reminder preference",
        "reminder method", "reminder type", "reminded by", "remind by", "notification preference",
        "notification method", "contact by", "prefers", "preferencia de contacto", "medio de contacto",
        "forma de contacto", "metodo de contacto", "método de contacto", "mode de contact",
        "moyen de contact", "préférence de contact", "contact préféré",
    ),
    "no_contact": (
        "do not contact", "no contact", "do not remind", "no reminders", "reminder opt out", "no contactar",
        "ne pas contacter",
    ),
    "no_calls": (
        "do not call", "dnc", "no calls", "no call", "never call", "do not phone", "call opt out",
        "no llamar", "ne pas appeler",
    ),
    "texts_ok": (
        "text ok", "ok to text", "texting ok", "text message ok", "text messages ok", "texts ok", "sms ok",
        "txt msg ok", "can text", "allow text", "allow texts", "allow sms", "allow text messages",
        "text consent", "sms consent", "text opt in", "sms opt in", "sms allowed",
    ),
    "status": (
        "status", "appt status", "appointment status", "visit status", "booking status", "apt status",
        "schedule status", "event status",
    ),
}  # fmt: skip
# Staff are asked which column is meant, unless all say the same, the others are empty, or it is one of these:
# a second type or provider does no harm, and several numbers of a patient are all used.
NOT_ASKED = frozenset({"kind", "provider", "duration", "mobile", "home", "work", "preferred_name", "weekday"})
# How the columns that a list must have look, if their rows can be read at all.
LOOKS = {
    "date": (Look.DATE, Look.DATE_AND_TIME),
    "time": (Look.TIME, Look.DATE_AND_TIME),
    "weekday": (Look.WEEKDAY,),
}
NONE_OF_THEM = "none"  # the answer that no column has that meaning
MOST_CHOICES = 12
# With these headers date and time are in one cell, where there are no rows to tell by.
BOTH_IN_ONE = frozenset(
    {"datetime", "appointmentdatetime", "apptdatetime", "startdatetime", "startsat", "start"}
)
TITLES = {
    "appointment_id": gettext_lazy("appointment id"),
    "patient_id": gettext_lazy("patient id"),
    "last_name": gettext_lazy("last name"),
    "first_name": gettext_lazy("first name"),
    "preferred_name": gettext_lazy("preferred name"),
    "full_name": gettext_lazy("full name"),
    "mobile": gettext_lazy("mobile phone"),
    "home": gettext_lazy("home phone"),
    "work": gettext_lazy("work phone"),
    "language": gettext_lazy("language"),
    "date": gettext_lazy("date"),
    "time": gettext_lazy("time"),
    "weekday": gettext_lazy("day of the week"),
    "zone": gettext_lazy("start time zone"),
    "version": gettext_lazy("version of the entry"),
    "duration": gettext_lazy("duration"),
    "provider": gettext_lazy("provider"),
    "location": gettext_lazy("location"),
    "kind": gettext_lazy("type"),
    "prefers": gettext_lazy("preferred contact method"),
    "no_contact": gettext_lazy("do not contact"),
    "no_calls": gettext_lazy("do not call"),
    "texts_ok": gettext_lazy("text ok"),
    "status": gettext_lazy("status"),
}


@dataclass(frozen=True)
class Columns:
    """The column of each field (`positions`, counted from 0), and the headers for messages.

    `labels`: a name for each column by which staff choose it; `cancelling`: columns that say whether the
    appointment still takes place; `questions`: what staff must say before the rows can be read, and what they
    said before.
    """

    headers: tuple[str, ...]
    positions: Mapping[str, int]
    labels: tuple[str, ...] = ()
    cancelling: tuple[CancellingColumn, ...] = ()
    questions: tuple[Question, ...] = ()

    def header_of(self, name: str) -> str:
        """Return the header as the file has it, or the field's own title if the file has no such column."""
        position = self.positions.get(name)
        return clip(self.headers[position], 80) if position is not None else title_of(name).capitalize()


def title_of(name: str) -> str:
    """Return a field's name for people, such as "first name"."""
    return str(TITLES.get(name, name.replace("_", " ")))


def find_columns(
    headers: Sequence[str],
    given: Mapping[str, str] | None = None,
    rows: Sequence[RawRow] = (),
    answers: Mapping[str, str] | None = None,
) -> Columns:
    """Find the column of each field by its header and values.

    `given`: field -> header or label, overrides the guesses (NONE_OF_THEM: no column); `answers`: to the
    questions asked before. Raises MissingColumns, which names the missing columns and those of the file.
    """
    finder = _ColumnFinder(headers, rows, answers or {})
    for name, header in (given or {}).items():
        finder.take_given(name, header)
    for name in WORDS:
        finder.find(name)
    finder.check_needed()
    used = dict(finder.positions)
    undecided = finder.list_candidates("status") if "column:status" in finder.open else []
    cancelling, questions = find_cancelling(
        headers, rows, used, answers or {}, fields=WORDS, undecided=undecided
    )
    return Columns(tuple(headers), used, finder.labels, cancelling, (*finder.questions, *questions))


class _ColumnFinder:
    """Finds one field after the other; a column taken by one isn't looked at for the next."""

    def __init__(self, headers: Sequence[str], rows: Sequence[RawRow], answers: Mapping[str, str]) -> None:
        self.headers = headers
        self.plain = [plain_header(header) for header in headers]
        self.labels = label_headers(headers)
        self.rows = rows
        self.answers = answers
        self.positions: dict[str, int] = {}
        self.questions: list[Question] = []
        self.open: set[str] = set()
        self.given: set[str] = set()
        values = read_first_values(rows, len(headers), LOOKED_AT)
        self.looks = [find_look(found) if rows else Look.OTHER for found in values]

    def take_given(self, name: str, header: str) -> None:
        if name not in WORDS:
            raise MissingColumns(
                gettext("“%(name)s” isn't a known field. Use one of: %(names)s.")
                % {"name": clip(name, 40), "names": ", ".join(WORDS)}
            )
        self.given.add(name)
        if header == NONE_OF_THEM and header not in self.labels:
            return
        plain = plain_header(header)
        if header not in self.labels and plain not in self.plain:
            missing = gettext("The file has no column “%(column)s”.") % {"column": clip(header, 60)}
            raise MissingColumns(f"{missing} {self._describe_headers()}", self.labels)
        same = [at for at, each in enumerate(self.plain) if each == plain]
        if header in self.labels:
            self.positions[name] = self.labels.index(header)
        elif len(same) == 1 or self._say_the_same(name, same):
            self.positions[name] = same[0]
        else:  # which of them was meant isn't said
            self._ask(name, same)

    def find(self, name: str) -> None:
        """Take the one column that can be meant, or ask which of several is."""
        if name in self.given:
            return
        found = self.list_candidates(name)
        if name in NOT_ASKED or len(found) < 2 or self._say_the_same(name, found):
            if found:
                self.positions[name] = found[0]
        elif name != "full_name" or "first_name" not in self.positions:
            self._ask(name, found)
        else:
            self.positions[name] = found[0]

    def list_candidates(self, name: str) -> list[int]:
        """The free columns whose header has this meaning, the most reliable first."""
        taken = set(self.positions.values())
        words = [plain_header(word) for word in WORDS[name]]
        named = [at for word in words for at, plain in enumerate(self.plain) if plain == word]
        free = [at for at in dict.fromkeys(named) if at not in taken]
        filled = [at for at in free if self.looks[at] != Look.EMPTY] or free
        if name in LOOKS and self.rows:
            fitting = [at for at in filled if self.looks[at] in LOOKS[name]]
            filled = fitting or ([] if name == "weekday" else [at for at in filled if self._may_be(name, at)])
        elif name == "location":
            filled = [at for at in filled if self.looks[at] != Look.LINK]
        elif name in ("first_name", "last_name", "full_name"):
            filled = [at for at in filled if self._has_letters(at)]
        if name == "date" and not filled:
            filled = self._list_starts(taken)
        return filled

    def _may_be(self, name: str, at: int) -> bool:
        """Whether a column whose cells can't be read may still be a date or time; the rows say why not."""
        return self.looks[at] in (Look.OTHER, Look.EMPTY) and not (name == "date" and self.plain[at] == "day")

    def _list_starts(self, taken: set[int]) -> list[int]:
        """Columns that are named like a time, but have the date in the same cell."""
        words = {plain_header(word) for word in WORDS["time"]}
        both = [at for at, look in enumerate(self.looks) if look == Look.DATE_AND_TIME and at not in taken]
        return [at for at in both if self.plain[at] in words]

    def _has_letters(self, at: int) -> bool:
        values = list(read_values(self.rows, at, LOOKED_AT))
        return not values or any(char.isalpha() for value in values for char in value)

    def _say_the_same(self, name: str, found: Sequence[int]) -> bool:
        """Whether it doesn't matter which column is meant. Dates are compared without their times."""
        if not self.rows:
            return len({self.plain[at] for at in found}) == len(found)  # only headers to go by
        part = {"date": 0, "time": 1}.get(name)
        return all(_says_once(row, found, part) for row in self.rows)

    def _ask(self, name: str, found: Iterable[int]) -> None:
        """Ask which column is meant; take the one that was answered."""
        question = Question(
            key=f"column:{name}",
            text=_ask_which(name),
            choices=(
                *(self._offer(at) for at in list(found)[:MOST_CHOICES]),
                Choice(NONE_OF_THEM, gettext("None of them")),
            ),
        )
        self.questions.append(question)
        answer = question.find_answer(self.answers)
        if answer is None:
            self.open.add(question.key)
        elif answer != NONE_OF_THEM:
            self.positions[name] = self.labels.index(answer)

    def _offer(self, at: int) -> Choice:
        samples = ", ".join(clip(value, 40) for value in sample_values(self.rows, at))
        return Choice(self.labels[at], f"“{clip(self.labels[at], 60)}”", samples or gettext("(empty)"))

    def check_needed(self) -> None:
        """Raise MissingColumns, unless each needed column is found, or staff are asked which it is."""
        self._ask_by_looks()
        missing = [title_of(name) for name in ("date",) if self._lacks(name)]
        if self._lacks("location") and (missing or self._lacks_a_name() or self._lacks_a_number()):
            missing.append(title_of("location"))
        missing += [gettext("first name")] if self._lacks_a_name() else []
        missing += [gettext("mobile phone (or home phone)")] if self._lacks_a_number() else []
        missing += [title_of("time")] if self._lacks("time") and not self._has_both() else []
        if missing:
            raise MissingColumns(
                " ".join(
                    (
                        gettext("The file has no column for: %(missing)s.") % {"missing": ", ".join(missing)},
                        self._describe_headers(),
                        gettext("Rename the header of the right column and import the file again."),
                    )
                ),
                self.labels,
                self.positions,
            )

    def _ask_by_looks(self) -> None:
        """Where no header says date or time, offer the columns that look like one."""
        for name in ("date", "time"):
            if self._lacks(name) and name not in self.given and not (name == "time" and self._has_both()):
                taken = set(self.positions.values())
                found = [at for at, look in enumerate(self.looks) if look in LOOKS[name] and at not in taken]
                if found and f"column:{name}" not in {each.key for each in self.questions}:
                    self._ask(name, found)

    def _lacks(self, name: str) -> bool:
        return name not in self.positions and f"column:{name}" not in self.open

    def _lacks_a_name(self) -> bool:
        return self._lacks("first_name") and self._lacks("full_name")

    def _lacks_a_number(self) -> bool:
        return not any(name in self.positions for name in ("mobile", "home", "work"))

    def _has_both(self) -> bool:
        """Whether date and time stand in one column."""
        at = self.positions.get("date")
        if at is None:
            return "column:date" in self.open
        only_header = not self.rows and self.plain[at] in BOTH_IN_ONE
        return only_header or (self.looks[at] in (Look.DATE_AND_TIME, Look.OTHER) and bool(self.rows))

    def _describe_headers(self) -> str:
        named = [clip(header, 40) for header in self.headers if header][:40]
        return gettext("Its columns are: %(columns)s.") % {"columns": ", ".join(named)}


def _ask_which(name: str) -> str:
    """The question which column a field is."""
    if name in ("date", "time", "status", "location"):
        return gettext("Which column is the %(field)s of the appointment?") % {"field": title_of(name)}
    return gettext("Which column is the %(field)s?") % {"field": title_of(name)}


def _cell(row: RawRow, at: int) -> str:
    return row.cells[at] if at < len(row.cells) else ""


def _says_once(row: RawRow, columns: Iterable[int], part: int | None) -> bool:
    """Whether a row says the same in all these columns. `part`: 0 for the date of a cell, 1 for its time."""
    cells = {_cell(row, at) for at in columns}
    return len({cell if part is None else _part_of(cell, part) for cell in cells}) == 1


def _part_of(cell: str, part: int) -> str:
    day, clock = split_date_and_time(cell)
    return (day, clock or cell)[part]
