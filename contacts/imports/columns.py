"""Recognise columns by the headers that practice systems use. Pure: no database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from contacts.imports.errors import MissingColumns
from contacts.imports.problems import clip

# The headers of each field, most reliable first. A header is used for one field only, from the top down.
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
    "zone": ("start time zone",),  # of the time beside it, as calendars and FHIR state it; not the patient's
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
    "status": ("status", "appt status", "appointment status", "visit status", "booking status", "apt status"),
}  # fmt: skip
TITLES = {
    "appointment_id": "appointment id", "patient_id": "patient id", "last_name": "last name",
    "first_name": "first name", "full_name": "full name", "mobile": "mobile phone", "home": "home phone",
    "zone": "start time zone", "kind": "type", "prefers": "preferred contact method",
    "no_contact": "do not contact", "no_calls": "do not call", "texts_ok": "text ok",
}  # fmt: skip
# Columns with these headers have date and time in one cell.
DATE_AND_TIME_HEADERS = frozenset(
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
    """The column of each field (`positions`, counted from 0), and the headers for messages."""

    headers: tuple[str, ...]
    positions: Mapping[str, int]

    def header_of(self, field: str) -> str:
        """Return the header as the file has it, or the field's own title if the file has no such column."""
        position = self.positions.get(field)
        return clip(self.headers[position], 80) if position is not None else title_of(field).capitalize()


def title_of(field: str) -> str:
    """Return a field's name for people, such as "first name"."""
    return TITLES.get(field, field.replace("_", " "))


def find_columns(headers: Sequence[str], given: Mapping[str, str] | None = None) -> Columns:
    """Find the column of each field by its header. `given` (field -> header) overrides the guesses.

    Raises MissingColumns, which names the missing columns and the headers of the file.
    """
    plain = [_plain(header) for header in headers]
    positions = {field: _find_given(field, header, headers) for field, header in (given or {}).items()}
    for field, words in WORDS.items():
        if field not in positions:
            taken = set(positions.values())
            found = next((at for word in words if (at := _position(plain, word)) not in {*taken, -1}), None)
            if found is not None:
                positions[field] = found
    _check_needed(positions, plain, headers)
    return Columns(tuple(headers), positions)


def _plain(header: str) -> str:
    return "".join(char for char in header.casefold() if char.isalnum())


def _position(plain: Sequence[str], word: str) -> int:
    wanted = word.replace(" ", "")
    return plain.index(wanted) if wanted in plain else -1


def _find_given(field: str, header: str, headers: Sequence[str]) -> int:
    if field not in WORDS:
        raise MissingColumns(f"“{clip(field, 40)}” isn't a known field. Use one of: {', '.join(WORDS)}.")
    plain = [_plain(each) for each in headers]
    if _plain(header) not in plain:
        raise MissingColumns(f"The file has no column “{clip(header, 60)}”. {_describe_headers(headers)}")
    return plain.index(_plain(header))


def _check_needed(positions: Mapping[str, int], plain: Sequence[str], headers: Sequence[str]) -> None:
    missing = [title_of(field) for field in ("date", "location") if field not in positions]
    if "first_name" not in positions and "full_name" not in positions:
        missing.append("first name")
    if "mobile" not in positions and "home" not in positions:
        missing.append("mobile phone (or home phone)")
    has_time = "time" in positions or (
        "date" in positions and plain[positions["date"]] in DATE_AND_TIME_HEADERS
    )
    if not has_time:
        missing.append("time")
    if missing:
        raise MissingColumns(
            f"The file has no column for: {', '.join(missing)}. {_describe_headers(headers)} "
            "Rename the header of the right column and import the file again."
        )


def _describe_headers(headers: Sequence[str]) -> str:
    named = [clip(header, 40) for header in headers if header][:40]
    return f"Its columns are: {', '.join(named)}."
