"""A sandbox, built from its settings."""

import re
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

from starlette.requests import Request

from reminders.sandbox.behaviour import Behaviour
from reminders.sandbox.clock import current_time
from reminders.sandbox.faults import FaultRules
from reminders.sandbox.ledger import Ledger
from reminders.sandbox.posting import Poster
from reminders.sandbox.state import SandboxState
from reminders.sandbox.stream import Stream
from reminders.sandbox.switchboard import Switchboard
from reminders.sandbox.texting import Texting

MOST_REQUEST_TIMES = 10_000  # times of requests that are kept


@dataclass(frozen=True, slots=True)
class Settings:
    """How a sandbox starts. ``behaviour`` and ``faults`` are as in the control API; ``Sandbox`` raises
    ValueError if they are invalid.

    ``zone``: the time zone of the page of phones, that of the browser if ""; ``region``: the country (ISO
    3166) as which it writes times.
    """

    ledger_path: Path
    api_key: str = "sandbox-key"
    host: str = "127.0.0.1"
    port: int = 8100
    behaviour: dict[str, Any] = field(default_factory=dict)
    faults: list[dict[str, Any]] = field(default_factory=list)
    zone: str = ""
    region: str = "US"

    def __post_init__(self) -> None:
        if self.zone and self.zone not in available_timezones():
            raise ValueError(f"There is no time zone {self.zone!r}.")
        if not re.fullmatch(r"[A-Z]{2}", self.region):
            raise ValueError(f"{self.region!r} is not the code of a country, such as US.")


class Sandbox:
    """All parts of the sandbox that a request can use."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.behaviour = Behaviour()
        self.faults = FaultRules()
        self.apply_settings()
        self.stream = Stream()
        self.ledger = Ledger(settings.ledger_path)
        self.state = SandboxState(self.behaviour)
        self.poster = Poster(self.behaviour, self.faults, self.stream)
        self.switchboard = Switchboard(self.state, self.poster, self.stream)
        self.texting = Texting(self.state, self.poster, self.stream)
        self.received_at: deque[datetime] = deque(maxlen=MOST_REQUEST_TIMES)

    def record_request(self) -> None:
        """Record the time of a request to the API, whether it is accepted or not."""
        self.received_at.append(current_time())

    def apply_settings(self) -> None:
        """Set behaviour and faults as at the start."""
        self.behaviour.change(Behaviour().describe() | self.settings.behaviour)
        self.faults.replace(list(self.settings.faults))

    async def reset(self) -> None:
        """Delete all calls, messages, contacts, posts and ledger entries; behave as at the start."""
        self.stop_playing()
        self.state.reset()
        self.received_at.clear()
        await self.ledger.clear()
        self.apply_settings()
        self.stream.publish("resync", dict)

    def stop_playing(self) -> None:
        self.switchboard.stop()
        self.texting.stop()
        self.poster.reset()

    async def close(self) -> None:
        self.stop_playing()
        await self.poster.close()
        self.ledger.close()


def find_sandbox(request: Request) -> Sandbox:
    """The sandbox that received this request."""
    sandbox: Sandbox = request.app.state.sandbox
    return sandbox
