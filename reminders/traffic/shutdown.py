"""Whether this worker is about to end, so that nothing new is begun.

The main process of a worker hears the signal, and its children do the work. They share one byte of
memory: forked from the main process, they see what it writes. (Where children aren't forked, as on a Mac,
they don't see it: they also begin what they have claimed already.)
"""

import mmap
import os
import signal
from types import FrameType

from celery import current_app
from django.conf import settings

_shared: mmap.mmap | bytearray = bytearray(1)
_told_itself = False  # this very process was told, as by a supervisor that signals the whole group


def is_stopping() -> bool:
    """Whether nothing new may be begun. Costs nothing; ask it before each call."""
    return bool(_shared[0]) or _told_itself


def share_with_children() -> None:
    """From here on, what is marked in this process or in one forked from it is seen by all of them."""
    global _shared
    _shared = mmap.mmap(-1, 1)  # anonymous: there is nothing to open, and nothing to clean up


def mark_stopping() -> None:
    """Begin nothing new. Never blocks, so that a signal handler may call it."""
    _shared[0] = 1


def end_gently_on_sigterm() -> None:
    """Let this child of a worker end its task when SIGTERM is sent to it and not only to its parent."""
    if signal.getsignal(signal.SIGTERM) is not _hear:
        signal.signal(signal.SIGTERM, _hear)


def _hear(number: int, frame: FrameType | None) -> None:
    del frame
    global _told_itself
    if _told_itself or current_app.current_worker_task is None:
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    _told_itself = True
    signal.alarm(int(settings.CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT))  # for as long as that, and no longer
