"""The parts of one sandbox, put together from its settings."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from starlette.requests import Request

from reminders.sandbox.behaviour import Behaviour
from reminders.sandbox.clock import current_time
from reminders.sandbox.faults import FaultBook
from reminders.sandbox.ledger import Ledger
from reminders.sandbox.posting import Poster
from reminders.sandbox.state import SandboxState
from reminders.sandbox.stream import Stream
from reminders.sandbox.switchboard import Switchboard
from reminders.sandbox.texting import Texting

MOST_ASKED = 10_000  # moments of requests that are kept


@dataclass(frozen=True, slots=True)
class Settings:
    """How a sandbox starts; ``behaviour`` and ``faults`` are as the control takes them, and are judged by
    ``Sandbox``, which raises ValueError."""

    ledger_path: Path
    api_key: str = "sandbox-key"
    host: str = "127.0.0.1"
    port: int = 8100
    behaviour: dict[str, Any] = field(default_factory=dict)
    faults: list[dict[str, Any]] = field(default_factory=list)


class Sandbox:
    """Everything a request can touch."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.behaviour = Behaviour()
        self.faults = FaultBook()
        self.restore_start()
        self.stream = Stream()
        self.ledger = Ledger(settings.ledger_path)
        self.world = SandboxState(self.behaviour)
        self.poster = Poster(self.behaviour, self.faults, self.stream)
        self.switchboard = Switchboard(self.world, self.poster, self.stream)
        self.texting = Texting(self.world, self.poster, self.stream)
        self.asked: deque[datetime] = deque(maxlen=MOST_ASKED)

    def note_asked(self) -> None:
        """A request of the API came in just now, whatever becomes of it."""
        self.asked.append(current_time())

    def restore_start(self) -> None:
        """Behaviour and faults as they were when the sandbox started."""
        self.behaviour.change(Behaviour().describe() | self.settings.behaviour)
        self.faults.replace(list(self.settings.faults))

    async def reset(self) -> None:
        """Forget every call, message, contact, post and ledger line; behave as at the start."""
        self.stop_playing()
        self.world.forget()
        self.asked.clear()
        await self.ledger.clear()
        self.restore_start()
        self.stream.publish("resync", dict)

    def stop_playing(self) -> None:
        self.switchboard.forget()
        self.texting.forget()
        self.poster.forget()

    async def close(self) -> None:
        self.stop_playing()
        await self.poster.close()
        self.ledger.close()


def find_sandbox(request: Request) -> Sandbox:
    """The sandbox that this request came to."""
    sandbox: Sandbox = request.app.state.sandbox
    return sandbox
