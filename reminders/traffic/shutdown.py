"""Whether this worker is about to end, so that it begins nothing new.

The main process of a worker gets the signal, and its children do the work. They share one byte of memory:
children that were forked from the main process see what it writes. (Where children aren't forked, as on a
Mac, they don't see it, and also begin what they have already claimed.)
"""

import mmap
import os
import signal
from types import FrameType

from celery import current_app
from django.conf import settings

_shared: mmap.mmap | bytearray = bytearray(1)
_got_signal = False  # this process itself got SIGTERM, as from a supervisor that signals the whole group


def is_stopping() -> bool:
    """Whether nothing new may be begun. It is cheap; check it before each call."""
    return bool(_shared[0]) or _got_signal


def share_with_children() -> None:
    """From now on a mark set in this process, or in one forked from it, is seen by all of them."""
    global _shared
    _shared = mmap.mmap(-1, 1)  # anonymous: there is nothing to open, and nothing to clean up


def mark_stopping() -> None:
    """Begin nothing new. Never blocks, so that a signal handler may call it."""
    _shared[0] = 1


def end_gently_on_sigterm() -> None:
    """Let this child of a worker finish its task when it gets SIGTERM itself, and not only its parent."""
    if signal.getsignal(signal.SIGTERM) is not _on_sigterm:
        signal.signal(signal.SIGTERM, _on_sigterm)


def _on_sigterm(number: int, frame: FrameType | None) -> None:
    del frame
    global _got_signal
    if current_app.current_worker_task is None:
        # Celery sends the signal to a child that it replaces after WORKER_MAX_TASKS, and would log an error
        # for one that ended by it
        os._exit(0)
    if _got_signal:
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    _got_signal = True
    signal.alarm(int(settings.CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT))  # ends the process when the time is over
