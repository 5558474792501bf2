"""What happens, told live to every open page of phones (server-sent events)."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

MOST_WAITING = 2_000
KEEP_ALIVE_SECONDS = 15.0
Told = tuple[str, Any]


class Stream:
    """Publishing costs next to nothing while nobody listens."""

    def __init__(self) -> None:
        self._listeners: set[asyncio.Queue[Told | None]] = set()
        self._closed = False

    def publish(self, kind: str, describe: Callable[[], Any]) -> None:
        """Tell every listener. One that fell too far behind is told to read everything again."""
        if not self._listeners:
            return
        told: Told = (kind, describe())
        for listener in self._listeners:
            if listener.full():
                empty(listener)
                told = ("resync", {})
            listener.put_nowait(told)

    async def listen(self) -> AsyncIterator[bytes]:
        """Server-sent events for one page, until the sandbox stops or the page goes away."""
        listener: asyncio.Queue[Told | None] = asyncio.Queue(MOST_WAITING)
        self._listeners.add(listener)
        try:
            yield b"retry: 1000\n\n"
            while not self._closed:
                try:
                    async with asyncio.timeout(KEEP_ALIVE_SECONDS):
                        told = await listener.get()
                except TimeoutError:
                    yield b": still here\n\n"
                    continue
                if told is None:
                    return
                yield f"event: {told[0]}\ndata: {json.dumps(told[1])}\n\n".encode()
        finally:
            self._listeners.discard(listener)

    def close(self) -> None:
        """Let every page go, so that the server can stop."""
        self._closed = True
        for listener in self._listeners:
            empty(listener)
            listener.put_nowait(None)


def empty(queue: asyncio.Queue[Any]) -> None:
    while not queue.empty():
        queue.get_nowait()
