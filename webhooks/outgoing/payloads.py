"""The body of an outgoing webhook: type, time and data, without names (docs/webhooks.md)."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from contacts.numbers import mask
from webhooks.outgoing.facts import EventFacts
from webhooks.outgoing.models import EventType


def write_body(facts: EventFacts, *, with_number: bool) -> str:
    """The body as JSON; `with_number`: with the telephone number in full instead of its last two digits."""
    body = {
        "type": facts.event.type,
        "timestamp": write_moment(facts.event.occurred_at),
        "data": _describe_data(facts, with_number=with_number),
    }
    return json.dumps(body, separators=(",", ":"))


def write_moment(moment: datetime | None) -> str | None:
    """UTC as ISO 8601, such as 2026-11-30T14:30:00Z."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def write_number(e164: str, *, with_number: bool) -> str | None:
    """E.164, or the masked number; None for none."""
    return (e164 if with_number else mask(e164)) or None


def _describe_data(facts: EventFacts, *, with_number: bool) -> dict[str, Any]:
    if facts.event.type == EventType.TEST:
        return {"message": "This is a test of Callboard. It is about nobody."}
    data: dict[str, Any] = {
        "number": write_number(facts.e164, with_number=with_number) if facts.e164 else None
    }
    if visit := facts.appointment:
        data["appointment"] = asdict(visit) | {
            "starts_at": write_moment(visit.starts_at),
            "local_start": visit.local_start.isoformat(timespec="seconds") if visit.local_start else None,
            "time_zone": visit.time_zone or None,
        }
    data["contacts"] = [asdict(patient) for patient in facts.patients]
    if facts.event.type == EventType.OPTED_OUT:
        data |= {"scope": facts.scope, "source": facts.how}
    elif facts.event.type == EventType.NOT_REACHED:
        data["reason"] = facts.reason
    else:
        data["how"] = facts.how or "browser"
    return data
