"""Which column means what, by the words that practice systems put in their headers. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from contacts.imports.errors import MissingColumns
from contacts.imports.problems import clip

# For each meaning the headers it goes by, the surest first; a header is taken once, from the top down.
WORDS: dict[str, tuple[str, ...]] = {
    "appointment_id": (
        "appt id", "appointment id", "appt no", "appt number", "appointment no", "appointment number",
        "aptnum", "booking id", "booking reference", "visit id", "event id", "encounter id", "uid",
    ),
    "patient_id": (
        "patient id", "patient no", "patient number", "patnum", "pat id", "mrn", "patient mrn",
        "medical record number", "chart id", "chart no", "chart number", "client id", "contact id",
        "person number", "account number",
    ),
    "last_name": (
        "last name", "patient last name", "client last name", "patient last", "surname", "family name",
        "lname", "last",
    ),
    "first_name": (
        "first name", "patient first name", "client first name", "patient first", "given name", "forename",
        "preferred name", "fname", "first",
    ),
    "full_name": (
        "patient name", "patient full name", "client name", "full name", "patient", "client", "name",
    ),
    "mobile": (
        "mobile", "mobile phone", "mobile number", "mobile no", "cell", "cell phone", "cell number",
        "wireless phone", "cellular", "patient mobile", "patient cell", "preferred phone", "primary phone",
        "phone", "phone number", "patient phone", "contact number", "telephone", "phone 1",
    ),
    "home": (
        "home phone", "home", "home number", "hm phone", "landline", "patient home phone", "other phone",
        "alternate phone", "secondary phone", "phone 2", "phone", "telephone",
    ),
    "language": (
        "language", "preferred language", "primary language", "spoken language", "patient language", "lang",
    ),
    "date": (
        "date", "appt date", "appointment date", "visit date", "start date", "date of service",
        "service date", "scheduled date", "day",
        "datetime", "date time", "date and time", "appointment datetime", "appt datetime",
        "appointment date time",
        "apt date time", "start datetime", "start date time", "starts at", "start",
    ),
    "time": (
        "time", "appt time", "appointment time", "visit time", "start time", "begin time", "scheduled time",
        "time start", "start",
    ),
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
        "service", "procedure", "event type",
    ),
    "status": ("status", "appt status", "appointment status", "visit status", "booking status", "apt status"),
}  # fmt: skip
TITLES = {
    "appointment_id": "appointment id", "patient_id": "patient id", "last_name": "last name",
    "first_name": "first name", "full_name": "full name", "mobile": "mobile phone", "home": "home phone",
    "kind": "type",
}  # fmt: skip
# Under these headers a date and its time stand in one cell.
OF_DATE_AND_TIME = frozenset(
    {
        "datetime",
        "dateandtime",
        "appointmentdatetime",
        "apptdatetime",
        "aptdatetime",
        "startdatetime",
        "startsat",
        "start",
    }
)


@dataclass(frozen=True)
class Columns:
    """Where each meaning stands: its place counted from 0, and the headers for messages."""

    headers: tuple[str, ...]
    places: Mapping[str, int]

    def header_of(self, field: str) -> str:
        """The header as the file writes it; the meaning's own title when the file has none."""
        place = self.places.get(field)
        return clip(self.headers[place], 80) if place is not None else title_of(field).capitalize()


def title_of(field: str) -> str:
    """A meaning in words, such as "first name"."""
    return TITLES.get(field, field.replace("_", " "))


def find_columns(headers: Sequence[str], given: Mapping[str, str] | None = None) -> Columns:
    """Tell the columns by their headers; `given` (meaning -> header) goes before any guess.

    Raises MissingColumns, naming what is missing and which headers there are.
    """
    plain = [_plain(header) for header in headers]
    places = {field: _find_given(field, header, headers) for field, header in (given or {}).items()}
    for field, words in WORDS.items():
        if field not in places:
            taken = set(places.values())
            place = next((at for word in words if (at := _position(plain, word)) not in {*taken, -1}), None)
            if place is not None:
                places[field] = place
    _check_needed(places, plain, headers)
    return Columns(tuple(headers), places)


def _plain(header: str) -> str:
    return "".join(char for char in header.casefold() if char.isalnum())


def _position(plain: Sequence[str], word: str) -> int:
    wanted = word.replace(" ", "")
    return plain.index(wanted) if wanted in plain else -1


def _find_given(field: str, header: str, headers: Sequence[str]) -> int:
    if field not in WORDS:
        raise MissingColumns(f"“{clip(field, 40)}” is no column we know. Use one of: {', '.join(WORDS)}.")
    plain = [_plain(each) for each in headers]
    if _plain(header) not in plain:
        raise MissingColumns(f"There is no column “{clip(header, 60)}”. {_describe_headers(headers)}")
    return plain.index(_plain(header))


def _check_needed(places: Mapping[str, int], plain: Sequence[str], headers: Sequence[str]) -> None:
    missing = [title_of(field) for field in ("date", "location") if field not in places]
    if "first_name" not in places and "full_name" not in places:
        missing.append("first name")
    if "mobile" not in places and "home" not in places:
        missing.append("mobile phone (or home phone)")
    if "time" not in places and ("date" not in places or plain[places["date"]] not in OF_DATE_AND_TIME):
        missing.append("time")
    if missing:
        raise MissingColumns(
            f"The file has no column for: {', '.join(missing)}. {_describe_headers(headers)} "
            "Rename the header of the column that is meant, and import again."
        )


def _describe_headers(headers: Sequence[str]) -> str:
    named = [clip(header, 40) for header in headers if header][:40]
    return f"Its columns are: {', '.join(named)}."
