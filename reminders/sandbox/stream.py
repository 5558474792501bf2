"""Sends every change to all open pages of phones (server-sent events)."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

MOST_WAITING = 2_000
KEEP_ALIVE_SECONDS = 15.0
Message = tuple[str, Any]


class Stream:
    """The event stream. Publishing is cheap while no page is open."""

    def __init__(self) -> None:
        self._listeners: set[asyncio.Queue[Message | None]] = set()
        self._closed = False

    def publish(self, kind: str, describe: Callable[[], Any]) -> None:
        """Send a message to every listener, or "resync" (read everything again) if its queue is full."""
        if not self._listeners:
            return
        message: Message = (kind, describe())
        for listener in self._listeners:
            if listener.full():
                empty(listener)
                listener.put_nowait(("resync", {}))
            else:
                listener.put_nowait(message)

    async def listen(self) -> AsyncIterator[bytes]:
        """Server-sent events for one page, until the sandbox stops or the page is closed."""
        listener: asyncio.Queue[Message | None] = asyncio.Queue(MOST_WAITING)
        self._listeners.add(listener)
        try:
            yield b"retry: 1000\n\n"
            while not self._closed:
                try:
                    async with asyncio.timeout(KEEP_ALIVE_SECONDS):
                        message = await listener.get()
                except TimeoutError:
                    yield b": keep-alive\n\n"
                    continue
                if message is None:
                    return
                yield f"event: {message[0]}\ndata: {json.dumps(message[1])}\n\n".encode()
        finally:
            self._listeners.discard(listener)

    def close(self) -> None:
        """End all streams, so that the server can stop."""
        self._closed = True
        for listener in self._listeners:
            empty(listener)
            listener.put_nowait(None)


def empty(queue: asyncio.Queue[Any]) -> None:
    while not queue.empty():
        queue.get_nowait()
