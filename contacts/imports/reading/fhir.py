"""Appointments of a FHIR R4 Bundle, or of a bulk export with one resource a line (NDJSON). Knows no Django.

Participants are resolved by reference: by fullUrl, by type and id, or within the appointment (contained).
What isn't needed is passed over, so that a Bundle that isn't quite right can still be read. Starts are
instants, which are written in UTC, with “UTC” as their time zone; one that is cancelled may have none. Of
several patients each has a row, so that none is taken for the one. The reason of a visit is never read.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from contacts.imports.packed_lists import PackedList
from contacts.imports.reading.entry_versions import HEADER as VERSION
from contacts.imports.reading.entry_versions import write_version
from contacts.imports.reading.parsed import Budget, ParsedSheet, ParserRefusal

HEADERS = [
    "appointment id", "patient id", "patient name", "mobile phone", "home phone", "language",
    "do not contact", "inactive patient", "date", "time", "start time zone", "duration min", "provider",
    "location", "type", VERSION, "status",
]  # fmt: skip
# FHIR's appointmentstatus in the words of contacts.imports.words. Of the rest (proposed, waitlist) nobody has
# promised a time: they stay as they are, and are rejected as unknown.
STATUSES = {
    "booked": "booked", "pending": "pending", "arrived": "arrived", "checked-in": "checked in",
    "fulfilled": "fulfilled", "cancelled": "cancelled", "noshow": "no show", "entered-in-error": "cancelled",
}  # fmt: skip
OFF = ("cancelled", "entered-in-error")
DECLINED, NO_STATUS = "declined", "no status"  # words for what is no status of FHIR; nobody knows them
PROVIDERS = ("Practitioner", "PractitionerRole")
ORDER_OF_USES = {"usual": 0, "official": 1, "temp": 3, "nickname": 4, "anonymous": 5, "maiden": 6, "old": 7}
MOST_CONTAINED = 50
Resource = Mapping[str, Any]


def parse_fhir(data: bytes, now: datetime) -> ParsedSheet:
    """Return one row for each appointment, in the order of the file. `data`: UTF-8; `now`: aware.

    Raises ParserRefusal.
    """
    resources: dict[str, Resource] = {}
    appointments = []
    for url, resource in _list_resources(data.decode("utf-8", "replace")):
        kind, name = resource.get("resourceType"), resource.get("id")
        for key in (url, f"{kind}/{name}"):
            resources.setdefault(str(key), resource)
        if kind == "Appointment":
            appointments.append(resource)
    if not appointments:
        raise ParserRefusal("no_fhir_appointments")
    sheet = ParsedSheet("", PackedList([(1, HEADERS)]))
    budget = Budget()
    line = 1
    for appointment in appointments:
        start = _moment(appointment.get("start"))
        line += 1
        if start is None and not appointment.get("start") and appointment.get("status") not in OFF:
            sheet.skipped.append((line, str(appointment.get("id", ""))[:100], "no_start"))
            continue
        for at, cells in enumerate(_read_appointment(appointment, start, resources, now)):
            line += bool(at)
            budget.take(cells)
            sheet.rows.append((line, cells))
    return sheet


def _list_resources(text: str) -> Iterator[tuple[str, Resource]]:
    """Yield fullUrl and resource of each entry. Raises ParserRefusal."""
    try:
        documents = [json.loads(text)]
    except ValueError:
        documents = _read_lines(text)
    for document in documents:
        for entry in document if isinstance(document, list) else [document]:
            if not isinstance(entry, dict):
                raise ParserRefusal("other_json")
            if entry.get("resourceType") == "Bundle":
                for each in _dicts(entry.get("entry")):
                    if isinstance(each.get("resource"), dict):
                        yield str(each.get("fullUrl", "")), each["resource"]
            elif entry.get("resourceType"):
                yield "", entry
            else:
                raise ParserRefusal("other_json")


def _read_lines(text: str) -> list[Any]:
    try:
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    except ValueError:
        raise ParserRefusal("broken_json") from None


def _read_appointment(
    appointment: Resource, start: datetime | None, resources: Mapping[str, Resource], now: datetime
) -> Iterator[list[str]]:
    """Yield the row of each patient; one without a name if there is none."""
    contained = {f"#{each.get('id')}": each for each in _dicts(appointment.get("contained"))[:MOST_CONTAINED]}
    found = [
        (_find_actor(actor, contained, resources), says) for actor, says in _list_participants(appointment)
    ]
    actors = [actor for actor, _ in found]
    patients = [(actor, says) for actor, says in found if actor[0] == "Patient"]
    for patient, says in patients or [(("", "", {}, ""), "")]:
        mobile, home = _read_numbers(patient[2])
        yield [
            _read_id(appointment),
            patient[1],
            _name_person(patient[2]) or patient[3],
            mobile,
            home,
            _read_language(patient[2]),
            "yes" if _is_true(patient[2], "deceasedBoolean") or patient[2].get("deceasedDateTime") else "",
            "yes" if _is_false(patient[2], "active") else "",
            *_read_start(appointment, start),
            next((_name_person(each[2]) or each[3] for each in actors if each[0] in PROVIDERS), ""),
            next((str(each[2].get("name") or each[3]) for each in actors if each[0] == "Location"), ""),
            _read_kind(appointment),
            _read_version(appointment, now),
            _read_status(appointment, says),
        ]


def _read_start(appointment: Resource, start: datetime | None) -> list[str]:
    """Date, time, zone and length."""
    wall = start.astimezone(UTC) if start else None
    if wall is None:
        return [str(appointment.get("start") or ""), "", "", ""]
    return [f"{wall:%Y-%m-%d}", f"{wall:%H:%M}", "UTC", _read_minutes(appointment, start)]


def _read_status(appointment: Resource, says: str) -> str:
    """The status in the words of contacts.imports.words. `says`: the patient's own participation."""
    status = str(appointment.get("status") or NO_STATUS)
    if says == DECLINED and status not in OFF:
        return DECLINED
    return STATUSES.get(status, status)


def _is_true(resource: Resource, name: str) -> bool:
    return str(resource.get(name)).casefold() == "true"


def _is_false(resource: Resource, name: str) -> bool:
    return str(resource.get(name)).casefold() == "false"


def _list_participants(appointment: Resource) -> list[tuple[Resource, str]]:
    """Who takes part, with what they say to it; without those whose part has ended."""
    found = [each for each in _dicts(appointment.get("participant")) if not _is_out_of_use(each)]
    pairs = [(each.get("actor"), str(each.get("status") or "")) for each in found]
    return [(actor, says) for actor, says in pairs if isinstance(actor, dict)]


def _find_actor(
    actor: Resource, contained: Mapping[str, Resource], resources: Mapping[str, Resource]
) -> tuple[str, str, Resource, str]:
    """Return kind, id, resource ({} if the file doesn't have it) and displayed name of a participant."""
    reference = str(actor.get("reference") or "").partition("/_history")[0]
    parts = reference.rsplit("/", 2)
    short = "/".join(parts[-2:])
    resource = contained.get(reference) or resources.get(reference) or resources.get(short) or {}
    kind = str(resource.get("resourceType") or actor.get("type") or (parts[-2] if len(parts) > 1 else ""))
    name = str(resource.get("id") or (parts[-1] if len(parts) > 1 else ""))
    if not name and isinstance(actor.get("identifier"), dict):
        name = str(actor["identifier"].get("value") or "")
    return kind, "" if reference.startswith("#") else name, resource, str(actor.get("display") or "")


def _read_id(appointment: Resource) -> str:
    identifiers = (str(each.get("value") or "") for each in _dicts(appointment.get("identifier")))
    return str(appointment.get("id") or "") or next(filter(None, identifiers), "")


def _name_person(person: Resource) -> str:
    """Return "Last, First" of the name in use: usual, then official, then any that isn't old."""
    names = person.get("name")
    if not isinstance(names, list):
        return ""
    current = [each for each in _dicts(names) if not _is_out_of_use(each)]
    current.sort(key=lambda each: ORDER_OF_USES.get(str(each.get("use")), 2))
    for name in current:
        given = " ".join(str(each) for each in name.get("given") or [] if isinstance(each, str))
        family = str(name.get("family") or "")
        if given and family:
            return f"{family}, {given}"
        if given or family or name.get("text"):
            return str(name.get("text") or given or family)
    return ""


def _is_out_of_use(part: Resource) -> bool:
    """Whether a name, number or participation is in use no more, or not yet."""
    period = part.get("period")
    if not isinstance(period, dict):
        return False
    start, end = str(period.get("start") or ""), str(period.get("end") or "")
    today = datetime.now(UTC).date().isoformat()
    return bool(end and end[:10] < today[: len(end[:10])]) or start[:10] > today


def _read_numbers(patient: Resource) -> tuple[str, str]:
    """Return the mobile phone and the home phone in use; a number without a use counts as a mobile phone."""
    phones = [
        each
        for each in _dicts(patient.get("telecom"))
        if each.get("system") in ("phone", "sms") and each.get("value") and not _is_out_of_use(each)
    ]
    phones.sort(key=lambda each: each["rank"] if isinstance(each.get("rank"), int) else 1000)
    mobile = [str(each["value"]) for each in phones if each.get("use") == "mobile" or each["system"] == "sms"]
    home = [str(each["value"]) for each in phones if each.get("use") == "home"]
    other = [str(each["value"]) for each in phones if each.get("use") in (None, "temp")]
    work = [str(each["value"]) for each in phones if each.get("use") == "work"]
    first = [*mobile, *other]
    return next(iter(first), ""), next(iter([*home, *first[1:], *work]), "")


def _read_language(patient: Resource) -> str:
    spoken = _dicts(patient.get("communication"))
    spoken.sort(key=lambda each: each.get("preferred") is not True)
    for each in spoken:
        language = each.get("language")
        if isinstance(language, dict):
            codes = [str(coding.get("code") or "") for coding in _dicts(language.get("coding"))]
            found = next(filter(None, codes), "") or str(language.get("text") or "")
            if found:
                return found
    return ""


def _read_minutes(appointment: Resource, start: datetime | None) -> str:
    minutes = appointment.get("minutesDuration")
    if isinstance(minutes, int) and not isinstance(minutes, bool) and minutes > 0:
        return str(minutes)
    end = _moment(appointment.get("end"))
    length = int((end - start).total_seconds() // 60) if start and end else 0
    return str(length) if length > 0 else ""


def _read_kind(appointment: Resource) -> str:
    concepts = [appointment.get("appointmentType"), *_dicts(appointment.get("serviceType"))]
    for concept in concepts:
        if isinstance(concept, dict):
            displayed = [str(coding.get("display") or "") for coding in _dicts(concept.get("coding"))]
            found = str(concept.get("text") or "") or next(filter(None, displayed), "")
            if found:
                return found
    return ""


def _read_version(appointment: Resource, now: datetime) -> str:
    meta = appointment.get("meta")
    updated = _moment(meta.get("lastUpdated")) if isinstance(meta, dict) else None
    return write_version(now, modified=updated)


def _moment(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(value or ""))
    except ValueError:
        return None
    return moment if moment.tzinfo and 1900 < moment.year < 9000 else None


def _dicts(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
