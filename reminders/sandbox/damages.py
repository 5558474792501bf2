"""Writing events otherwise than the guide shows: damaged bodies, other words for a machine, other numbers.

What Callboard makes of each is in docs/robotalker.md. All but `cut` still say the same.
"""

import json
import random
from collections.abc import Callable
from datetime import datetime
from typing import Any

Json = dict[str, Any]

MACHINE_WORDS = ("machine_start", "machine_end_beep", "Answering Machine", "fax", "voicemail")


def _write(body: Json) -> bytes:
    return json.dumps(body).encode()


def _write_odd_types(body: Json) -> bytes:
    """Numbers as texts and the other way round, and a timestamp in thousandths of a second since 1970."""
    odd: Json = {}
    if "timestamp" in body:
        odd["timestamp"] = round(datetime.fromisoformat(body["timestamp"]).timestamp() * 1000)
    if "duration_seconds" in body:
        odd["duration_seconds"] = f"{body['duration_seconds']}.4"
    if str(body.get("dtmf_response") or "").isdecimal():
        odd["dtmf_response"] = int(body["dtmf_response"])
    return _write({**body, **odd})


# how: the body as posted
DAMAGES: dict[str, Callable[[Json], bytes]] = {
    "nul": lambda body: _write({**body, "city": "\0"}),
    "surrogate": lambda body: _write({**body, "city": "\ud800"}),
    "nan": lambda body: _write({**body, "price": float("nan")}),
    "repeated_key": lambda body: _write(body)[:-1] + b', "price": 1, "price": 2}',
    "latin_1": lambda body: _write(body)[:-1] + b', "city": "K\xf6ln"}',
    "utf_16": lambda body: json.dumps(body).encode("utf-16"),
    "comma": lambda body: _write(body)[:-1] + b",}",
    "list": lambda body: _write([body]),  # type: ignore[arg-type]
    "upper": lambda body: _write({**body, "event": str(body["event"]).upper()}),
    "data": lambda body: _write({"data": body}),
    "odd_types": _write_odd_types,
    "cut": lambda body: _write(body)[:-12],
}


def damage(body: Json, how: str | None) -> bytes:
    """The body damaged in this way, or in any."""
    return DAMAGES[how or random.choice(list(DAMAGES))](body)  # noqa: S311 - a way of damage, no secret


def label_as_machine(body: Json) -> Json:
    """A voicemail reported as an answered call, with a word for a machine; other events unchanged."""
    if body["event"] != "call.voicemail":
        return body
    word = random.choice(MACHINE_WORDS)  # noqa: S311 - a word, no secret
    return {**body, "event": "call.completed", "status": "answered", "amd_result": word}


def write_number_nationally(body: Json) -> Json:
    """The number of a North American patient as people there write it; others unchanged."""
    number = str(body.get("to", ""))
    if not number.startswith("+1") or len(number) != 12:
        return body
    area, exchange, line = number[2:5], number[5:8], number[8:]
    ways = (f"({area}) {exchange}-{line}", f"{area}{exchange}{line}", f"001{area}{exchange}{line}")
    return {**body, "to": random.choice(ways)}  # noqa: S311 - a way of writing, no secret
