"""Who and what a calendar's event is about. Pure; knows no Django.

Calendars have no field for a patient. In this order:

1. Lines of the description with a label: `Patient: Ruth Stone`, `Phone: 202-555-0111`, `Doctor: Chen`.
   Google's booking pages write a label on one line and the name on the next: `Booked by`.
2. The only person who attends beside the organiser (ATTENDEE with CN; no rooms). A `tel:` address is theirs.
3. The summary: `Cleaning with Ruth Stone`, `Ruth Stone - Cleaning`, `Ruth Stone 202-555-0111`, `Ruth Stone`.
   Words for a kind of visit are never a name.

A number that isn't labelled counts only in the summary, because a description often has a meeting's numbers.
Who isn't found stays empty, and the row is rejected: a wrong name is worse than none.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from html import unescape
from typing import Any

LABELS = {
    "patient": "patient|patient name|client|client name|name|full name|customer|invitee|invitee name|"
    "attendee|booked by|paciente|nombre",
    "phone": "phone|phone number|mobile|mobile phone|mobile number|cell|cell phone|cell number|telephone|tel|"
    "patient phone|client phone|text reminder number|teléfono|telefono|celular",
    "provider": "provider|doctor|dr|clinician|practitioner|dentist|therapist|physician|with|staff",
    "location": "location|office|clinic|site|where",
    "kind": "type|appointment type|visit type|service|reason|event type|event name|procedure",
}  # fmt: skip
LABEL_OF = {label: part for part, labels in LABELS.items() for label in labels.split("|")}
LABELLED = re.compile(r"^\W*([^\W\d_][\w .'/-]{1,30}?)\s*[:=]\s*(\S.*)?$")
NUMBER = re.compile(r"(?<![\w/])\+?\(?\d[\d\s().-]{5,18}\d(?!\w)")
TAG = re.compile(r"<br\s*/?>|</(?:p|div|li|tr)>", re.IGNORECASE)
ANY_TAG = re.compile(r"<[^<>]{1,500}>")
NAME_WORD = r"(?:[^\W\d_][^\W\d_'’.-]*(?:['’-][^\W\d_]+)*\.?)"
NAME = re.compile(rf"{NAME_WORD}(?:,? {NAME_WORD}){{0,4}}")
WITH = re.compile(r"(?P<kind>.*?)\b(?:with|for|con|mit|avec)\b:?\s+(?P<name>.+)", re.IGNORECASE)
BETWEEN = re.compile(r"\s+[-–—|/·]\s+|\s*[|:;]\s+|\s+\(|\)\s*")
KIND_LINES = (
    "appointment appt visit cleaning exam examination checkup check check-up consult consultation",
    "followup follow follow-up up session therapy therapist massage physical vaccination vaccine shot",
    "x-ray xray filling crown root canal extraction hygiene new existing patient client evaluation eval",
    "intake assessment review call phone video telehealth meeting zoom teams in-person online lab blood",
    "draw test screening treatment procedure surgery post-op pre-op adjustment haircut facial lesson",
    "class lunch break busy blocked block hold unavailable vacation holiday off out of office staff admin",
    "reserved booked cancelled canceled tentative confirmed reminder annual initial minute minutes min",
    "hour cita consulta limpieza revisión terapia rendez-vous termin dental medical eye skin pediatric",
    "adult child the a an and or to at on is open free tbd private event training birthday cxl noshow show",
)
KIND_WORDS = frozenset(word for line in KIND_LINES for word in line.split())
PARTICLES = frozenset(
    ["de", "la", "van", "von", "der", "den", "da", "di", "del", "dos", "y", "e", "el", "al", "bin", "ibn"]
)
TITLES = re.compile(r"^(?:dr|prof|nurse|hyg|rn|md|dds)\b\.?", re.IGNORECASE)
LINK = re.compile(r"https?://\S+", re.IGNORECASE)
ROOMS = frozenset(["ROOM", "RESOURCE"])


@dataclass
class MeantByEvent:
    """What is said of one appointment; "" for what isn't. `is_declined`: the only guest won't come."""

    patient: str = ""
    phone: str = ""
    provider: str = ""
    location: str = ""
    kind: str = ""
    is_declined: bool = False


def read_description(event: Any) -> str:
    """The description of an icalendar.Event, without marks of HTML."""
    return _plain(_one(event.get("DESCRIPTION")))


def describe_event(event: Any) -> MeantByEvent:
    """Return what an icalendar.Event says, by the rules above."""
    facts = read_labels(read_description(event))
    organizer = event.get("ORGANIZER")
    _add_attendees(facts, _all(event.get("ATTENDEE")), _address(_first(organizer)))
    _add_summary(facts, _plain(_one(event.get("SUMMARY"))))
    if not facts.provider:
        name = _common_name(_first(organizer))
        facts.provider = name if name.casefold() != facts.patient.casefold() else ""
    if not facts.location:
        place = LINK.sub("", _plain(_one(event.get("LOCATION")))).strip()
        facts.location = place if not NUMBER.fullmatch(place) else ""
    if not facts.kind:
        facts.kind = ", ".join(_categories(event))
    return facts


def read_labels(description: str) -> MeantByEvent:
    """Return what the lines with a label say; the first line with a label counts."""
    facts = MeantByEvent()
    lines = [line.strip() for line in description.splitlines() if line.strip()]
    for at, line in enumerate(lines[:200]):
        found = LABELLED.match(line[:400])
        label, value = (found[1], found[2] or "") if found else (line, "")
        part = LABEL_OF.get(" ".join(label.casefold().strip(" .*").split()))
        if not part or getattr(facts, part) or (not found and part != "patient"):
            continue
        below = lines[at + 1] if at + 1 < len(lines) and part in ("patient", "phone") else ""
        value = value.strip() or below
        if part == "phone":
            number = NUMBER.search(value)
            value = number[0].strip() if number else ""
        elif part == "patient" and not is_name(value):
            continue
        setattr(facts, part, value[:200])
    return facts


def is_name(text: str) -> bool:
    """Whether a text can be a person's name: one to five words with capitals, none for a kind of visit."""
    words = text.replace(",", " ").split()
    capital = all(word in PARTICLES or not word[:1].islower() for word in words)
    known = any(word.casefold().strip(".") in KIND_WORDS for word in words)
    return bool(NAME.fullmatch(text)) and capital and not known and not TITLES.match(text)


def _add_attendees(facts: MeantByEvent, attendees: Iterable[Any], organizer: str) -> None:
    people, answers = [], []
    for attendee in attendees:
        params = getattr(attendee, "params", {})
        if str(params.get("CUTYPE", "")).upper() in ROOMS or str(params.get("ROLE", "")).upper() == "CHAIR":
            continue
        address = _address(attendee)
        if address.startswith("tel:") and not facts.phone:
            facts.phone = address.removeprefix("tel:")
        if address != organizer or not organizer:
            people.append(_common_name(attendee))
            answers.append(str(params.get("PARTSTAT", "")).upper())
    facts.is_declined = answers == ["DECLINED"]
    named = [name for name in people if name]
    if not facts.patient and len(people) == 1 and named and "@" not in named[0] and is_name(named[0]):
        facts.patient = named[0]


def _add_summary(facts: MeantByEvent, summary: str) -> None:
    text = " ".join(summary.split())
    number = NUMBER.search(text)
    if number:
        facts.phone = facts.phone or number[0].strip()
        text = " ".join((text[: number.start()] + text[number.end() :]).strip(" -–—|,;:()/").split())
    if facts.patient:
        facts.kind = facts.kind or _other_than(text, facts.patient)
        return
    said = WITH.fullmatch(text)
    if said and is_name(said["name"].strip(" .")):
        facts.patient = said["name"].strip(" .")
        facts.kind = facts.kind or said["kind"].strip(" -–:")
        return
    parts = [part.strip(" -–,") for part in BETWEEN.split(text) if part and part.strip(" -–,")]
    names = [part for part in parts if is_name(part) and (len(part.split()) > 1 or number)]
    if len(names) == 1 and (len(parts) == 1 or any(_is_kind(part) for part in parts if part != names[0])):
        facts.patient = names[0]
        facts.kind = facts.kind or ", ".join(part for part in parts if part != names[0])
    elif not facts.kind and parts and not names:
        facts.kind = text


def _is_kind(text: str) -> bool:
    return any(word.casefold().strip(".,") in KIND_WORDS for word in text.split())


def _other_than(text: str, name: str) -> str:
    rest = re.sub(re.escape(name), "", text, flags=re.IGNORECASE).strip(" -–—|,;:()/")
    return re.sub(r"\b(?:with|for|and)$", "", rest, flags=re.IGNORECASE).strip(" -–:")


def _plain(text: str) -> str:
    return unescape(ANY_TAG.sub(" ", TAG.sub("\n", text))) if "<" in text or "&" in text else text


def _one(value: Any) -> str:
    return str(_first(value)) if value is not None else ""


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else value


def _all(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value] if value is not None else []


def _address(value: Any) -> str:
    return str(value or "").casefold().removeprefix("mailto:")


def _common_name(value: Any) -> str:
    return str(getattr(value, "params", {}).get("CN", "")).strip().strip('"') if value is not None else ""


def _categories(event: Any) -> list[str]:
    found = _first(event.get("CATEGORIES"))
    return [str(each) for each in getattr(found, "cats", [])][:3]
