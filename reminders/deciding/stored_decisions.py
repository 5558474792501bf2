"""What the last look saw, kept with its call as JSON: settings and people change, evidence doesn't.

Codes and values only; the sentences are made when it is shown (rule_words.py), by asking decide() again.
"""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from reminders.deciding.seen_values import SeenValues
from reminders.rules.calling_hours import CallingHours
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


class StoredDecision(NamedTuple):
    """What one look of dispatch saw, at `now` (aware UTC)."""

    situation: Situation
    values: SeenValues
    now: datetime


def write_decision(situation: Situation, values: SeenValues, now: datetime) -> dict[str, Any]:
    """For the column of the call; closed days that are far away are left out."""
    fields = _encode(vars(situation)) | {"hours": _encode_hours(situation.hours, now.date())}
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
