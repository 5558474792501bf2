"""What stands behind a decision, and how the last look keeps it with its call as JSON.

The Situation has only what the rules compare, so the values that staff know are kept beside it: settings and
people change, evidence doesn't. Codes and values only; the sentences are made when it is shown
(rule_words.py), by asking decide() again. The page that explains a reminder reads the same values.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from django.conf import settings

from contacts.paired_numbers import find_paired_optout
from reminders.deciding.number_caps import NumberUse, UseCounts
from reminders.deciding.situations import ReminderFacts
from reminders.rules.calling_hours import CallingHours, find_zone_source
from reminders.rules.decide import Situation
from reminders.rules.modes import SendingMode
from reminders.rules.reasons import Reason
from reminders.rules.zones import load_zone

FORM = 1  # of what is written here; grows when the same name comes to mean something else
CLOSED_DAYS_KEPT = timedelta(days=14)  # as far as calling hours are searched
MOMENTS = frozenset(
    (
        *("not_before", "not_after", "at_once_from", "line_busy_until", "capped_until", "desk_busy_until"),
        *("opted_out_at", "other_opted_out_at"),
    )
)
NOT_COUNTED = UseCounts(0, 0)


@dataclass(frozen=True)
class SeenValues:
    """The values. Moments are aware UTC; `local_start` is the wall time that was booked (naive).

    `number`: E.164, or "" for none. `language` and `version`: of the script's text, "" and 0 for none.
    `zone_source`: a code of calling_hours.ZoneSource. `calls_in_...`: what counts against the caps; a cap of
    0 is no limit. `calls_per_minute`: None for no limit. `other_opted_out_at`: of the other number of a pair
    (contacts/paired_numbers.py). `required_consent`: a Campaign.Consent.
    """

    channel: str
    number: str
    location: str
    location_zone: str
    local_start: datetime
    campaign: str
    campaign_state: str
    preference: str
    consent_basis: str
    opted_out_at: datetime | None
    script: str
    language: str
    version: int
    zone_source: str
    cap_per_day: int
    cap_per_week: int
    calls_in_day: int
    calls_in_week: int
    calls_per_minute: int | None
    other_opted_out_at: datetime | None = None
    required_consent: str = ""


def read_seen_values(facts: ReminderFacts, use: NumberUse | None, moment: datetime) -> SeenValues:
    """The values at `moment`, without a query for the facts of situations.py. `use`: of its number."""
    reminder, number, text = facts.reminder, facts.number, facts.script_text
    appointment, campaign = reminder.appointment, reminder.step.campaign
    contact, location = appointment.contact, appointment.location
    channel = facts.channel
    counts = use.count(reminder, moment) if use and use.calls else NOT_COUNTED
    number_zones = number.time_zones if number else []
    return SeenValues(
        channel=channel.value,
        number=number.e164 if number else "",
        location=location.name,
        location_zone=location.time_zone,
        local_start=appointment.local_start,
        campaign=campaign.name,
        campaign_state=campaign.state,
        preference=contact.preferred_channel,
        consent_basis=number.consent_basis if number else "",
        opted_out_at=number.opted_out_at(channel) if number else None,
        script=text.script.name if text else "",
        language=text.language if text else "",
        version=text.version if text else 0,
        zone_source=find_zone_source(contact.time_zone, location.time_zone, number_zones).value,
        cap_per_day=settings.CAP_PER_DAY,
        cap_per_week=settings.CAP_PER_WEEK,
        calls_in_day=counts.in_day,
        calls_in_week=counts.in_week,
        calls_per_minute=location.calls_per_minute,
        other_opted_out_at=find_paired_optout(contact, channel),
        required_consent=campaign.consent,
    )


class StoredDecision(NamedTuple):
    """What one look of dispatch saw, at `now` (aware UTC)."""

    situation: Situation
    values: SeenValues
    now: datetime


def write_decision(situation: Situation, values: SeenValues, now: datetime) -> dict[str, Any]:
    """For the column of the call; closed days that are far away are left out."""
    fields = _encode(situation._asdict()) | {"hours": _encode_hours(situation.hours, now.date())}
    return {"form": FORM, "at": now.isoformat(), "situation": fields, "seen": _encode(vars(values))}


def read_decision(stored: Any) -> StoredDecision | None:
    """What was written; None for nothing, or for what this release can't read."""
    try:
        if stored["form"] != FORM:
            return None
        situation = {name: _decode(name, value) for name, value in stored["situation"].items()}
        hours = situation["hours"]
        situation["hours"] = CallingHours(
            time.fromisoformat(hours["opens"]),
            time.fromisoformat(hours["closes"]),
            frozenset(map(date.fromisoformat, hours["closed_dates"])),
        )
        situation["zones"] = tuple(map(load_zone, situation["zones"]))
        if situation["refusal"] is not None:
            situation["refusal"] = Reason(situation["refusal"])
        situation["mode"] = SendingMode(situation["mode"])
        seen = {name: _decode(name, value) for name, value in stored["seen"].items()}
        seen["local_start"] = datetime.fromisoformat(seen["local_start"])
        return StoredDecision(
            Situation(**situation), SeenValues(**seen), datetime.fromisoformat(stored["at"])
        )
    except (KeyError, ValueError, TypeError, AttributeError):
        return None


_ENCODE: dict[type, Callable[[Any], Any]] = {
    datetime: datetime.isoformat,
    tuple: lambda zones: [zone.key for zone in zones],
}


def _encode(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _ENCODE[type(value)](value) if type(value) in _ENCODE else value
        for name, value in values.items()
    }


@lru_cache(maxsize=256)
def _encode_hours(hours: CallingHours, today: date) -> dict[str, Any]:
    near = [day for day in hours.closed_dates if abs(day - today) <= CLOSED_DAYS_KEPT]
    return {
        "opens": hours.opens.isoformat(),
        "closes": hours.closes.isoformat(),
        "closed_dates": sorted(day.isoformat() for day in near),
    }


def _decode(name: str, value: Any) -> Any:
    return datetime.fromisoformat(value) if name in MOMENTS and value is not None else value
