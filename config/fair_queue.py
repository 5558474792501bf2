"""Requests that wait for a thread of the web process: each address has its turn."""

from collections import deque
from typing import Any


def pick_address(connection: Any, request: Any | None) -> str:
    """Whom a connection of waitress counts for: behind a proxy the client of its request, if there is one."""
    from config.sign_in_limits import pick_client_address  # the settings must be there first

    forwarded_for = request.headers.get("X_FORWARDED_FOR", "") if request else ""
    return pick_client_address(connection.addr[0], forwarded_for)


class FairQueue:
    """Takes the place of the deque of waitress' ThreadedTaskDispatcher, which uses it under its lock.

    `most`: so many requests of one address may wait; of more, the connections are closed. 0: any number.
    """

    def __init__(self, most: int = 0) -> None:
        self.most = most
        self._waiting: dict[str, deque[Any]] = {}  # by address, in the order of their turns

    def append(self, connection: Any) -> None:
        address = pick_address(connection, next(iter(connection.requests), None))
        theirs = self._waiting.setdefault(address, deque())
        if self.most and len(theirs) >= self.most:
            connection.cancel()
        else:
            theirs.append(connection)

    def popleft(self) -> Any:
        address = next(iter(self._waiting))
        theirs = self._waiting.pop(address)
        connection = theirs.popleft()
        if theirs:
            self._waiting[address] = theirs
        return connection

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))
