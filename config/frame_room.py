"""Room for the frames of deep calls, without which a page may take two or three times as long.

Python 3.11 keeps the frames of a thread in blocks of 16 kB. A loop that runs where one block is nearly full
asks the system for another at each call in it, and gives it back at its end: the same page of 360 visits took
155 ms or 400, by how many functions stood above it. A function that needs more than a block gets a larger
one, and those that it calls find their places in the rest.
"""

from collections.abc import Callable
from types import FunctionType
from typing import TypeVar, cast

Returned = TypeVar("Returned")
# 160 kB, for which Python reserves 256: the rest is enough for some hundreds of functions in one another.
VALUES = 20_000


def _call(call: Callable[[], object]) -> object:
    return call()


_call_in_large_frame = FunctionType(_call.__code__.replace(co_stacksize=VALUES), {})


def call_with_room(call: Callable[[], Returned]) -> Returned:
    """What `call` returns. For where a thread or a task begins: it takes some microseconds."""
    return cast(Returned, _call_in_large_frame(call))
