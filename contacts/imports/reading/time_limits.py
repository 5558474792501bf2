"""A limit of processor time for a part of the parser process. Knows no Django."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from contacts.imports.reading.parsed import ParserRefusal

AGAIN = 0.5  # seconds: if a library took the first refusal for a fault of the file, it comes again


@contextmanager
def refuse_after(seconds: float, code: str) -> Iterator[None]:
    """Raise ParserRefusal within the block once it has used so much processor time of this process.

    Only Python's code is interrupted: parser_main.py limits the process too. Needs the main thread.
    """

    def refuse(*_: object) -> None:
        raise ParserRefusal(code)

    before = signal.signal(signal.SIGVTALRM, refuse)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds, AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
