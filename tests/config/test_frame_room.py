"""Deep calls are as quick as shallow ones, in the threads that make pages."""

import sys
from collections.abc import Iterator
from threading import Event
from types import FrameType

from config.frame_room import VALUES, call_with_room
from config.web_server import ReservingDispatcher
from tests.waiting import wait_until

NEEDED = 100_000  # bytes beside it, of the 256 kB that Python then reserves


def list_callers() -> Iterator[FrameType]:
    frame: FrameType | None = sys._getframe()
    while frame:
        yield frame
        frame = frame.f_back


def has_room() -> bool:
    return any(frame.f_code.co_stacksize >= VALUES for frame in list_callers())


def test_the_large_frame_takes_more_than_half_of_a_block_and_leaves_enough_of_it() -> None:
    taken = VALUES * 8
    block = 1 << taken.bit_length()  # Python doubles 16 kB until the frame fits
    assert taken + NEEDED * 0.9 < block


def test_what_is_called_is_called_once_and_its_result_returned() -> None:
    asked: list[bool] = []

    def ask() -> int:
        asked.append(has_room())
        return 7

    assert call_with_room(ask) == 7
    assert asked == [True]


class Request:
    """What a thread of the web process takes from its queue."""

    path = "/"
    addr = ("127.0.0.1", 50000)

    def __init__(self) -> None:
        self.requests = [self]
        self.headers: dict[str, str] = {}
        self.had_room = False
        self.is_done = Event()

    def service(self) -> None:
        self.had_room = has_room()
        self.is_done.set()

    def cancel(self) -> None:
        """Nothing is left to do."""


def test_the_threads_of_the_web_process_have_room() -> None:
    dispatcher, request = ReservingDispatcher(1), Request()
    try:
        dispatcher.add_task(request)  # type: ignore[arg-type]
        wait_until(request.is_done.is_set, "a thread to take it")
    finally:
        dispatcher.shutdown(timeout=5)
    assert request.had_room
