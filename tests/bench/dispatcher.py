"""Dispatchers of their own process: `python -m tests.bench.dispatcher once|ticking`, on the servers of a run.

`once` says that it is ready, waits for a line, and dispatches until nothing is due. `ticking` dispatches at
every tick of beat's schedule until it is ended. (Callboard's own worker doesn't start with the sandbox's
address in production.)
"""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from subprocess import PIPE, Popen
from typing import cast

from tests.sandbox_server import ROOT, SandboxServer


def main(how: str) -> None:
    import django

    django.setup()
    from config.settings import CELERY_BEAT_SCHEDULE
    from reminders.dispatch.rounds import dispatch_due

    every = cast(timedelta, CELERY_BEAT_SCHEDULE["dispatch"]["schedule"]).total_seconds()
    print("ready", flush=True)  # noqa: T201
    sys.stdin.readline()
    while dispatch_due().claimed or how == "ticking":
        if how == "ticking":
            time.sleep(every - time.monotonic() % every)


class Dispatchers:
    """Some that are ready, and begin together."""

    def __init__(self, processes: "list[Popen[bytes]]") -> None:
        self._processes = processes

    def begin(self) -> None:
        for process in self._processes:
            assert process.stdin
            process.stdin.write(b"go\n")
            process.stdin.flush()

    def wait(self) -> None:
        """Wait until each has ended, having found nothing more to do."""
        for process in self._processes:
            if process.wait(120):
                raise RuntimeError("a dispatcher failed")


@contextmanager
def run_dispatchers(
    count: int, how: str, sandbox: SandboxServer, **settings: object
) -> Iterator[Dispatchers]:
    """Run them until the end of the block; yield them when all are ready."""
    environment = os.environ | {name: str(value) for name, value in settings.items()}
    environment |= {"ROBOTALKER_BASE_URL": sandbox.url, "ROBOTALKER_API_KEY": sandbox.api_key}
    command = [sys.executable, "-m", "tests.bench.dispatcher", how]
    started = [Popen(command, cwd=ROOT, env=environment, stdin=PIPE, stdout=PIPE) for _ in range(count)]
    try:
        for process in started:
            assert process.stdout
            process.stdout.readline()
        yield Dispatchers(started)
    finally:
        for process in started:
            process.kill()
            process.communicate()


if __name__ == "__main__":
    main(sys.argv[1])
