"""A machine of a practice for tests: web, workers and beat under a host name of its own."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.queues import WORKERS
from tests.celery_processes import Broker, CeleryProcess, read_compose_words, run_celery
from tests.sandbox_server import SandboxServer
from tests.web_process import run_web_process


@dataclass(frozen=True)
class Machine:
    """One that runs. `url`: of its web process, to which Robotalker posts the events of its calls."""

    host: str
    url: str
    logs: Path
    workers: list[CeleryProcess]

    def wait_until_ready(self) -> None:
        """Wait until its workers take tasks."""
        for worker in self.workers:
            worker.wait_until_ready()

    def read_logs(self) -> str:
        return "\n".join(f"{log.name}:\n{log.read_text()[-3000:]}" for log in sorted(self.logs.glob("*.log")))


@contextmanager
def run_machine(
    host: str, broker: Broker, sandbox: SandboxServer, folder: Path, **settings: Any
) -> Iterator[Machine]:
    """Run one for the duration of a `with` block; it ends as a machine does that is switched off."""
    logs = folder / host
    logs.mkdir()
    shared = {
        "REDIS_URL": broker.url,
        "ROBOTALKER_BASE_URL": sandbox.url,
        "ROBOTALKER_API_KEY": sandbox.api_key,
        **{name: str(value) for name, value in settings.items()},
    }
    with ExitStack() as running:
        options = ["--workers", "1", "--threads", "4"]
        port = running.enter_context(run_web_process(*options, host=host, **shared))
        own = {**shared, "PUBLIC_BASE_URL": f"http://127.0.0.1:{port}"}
        processes = {
            kind: running.enter_context(run_celery(words, broker, logs / f"{kind}.log", host=host, **own))
            for kind, words in _list_commands(logs).items()
        }
        workers = [process for kind, process in processes.items() if kind != "beat"]
        yield Machine(host, own["PUBLIC_BASE_URL"], logs, workers)


def _list_commands(logs: Path) -> dict[str, list[str]]:
    commands = {kind: read_compose_words(kind) for kind in WORKERS}
    for words in commands.values():
        words[words.index("--concurrency") + 1] = "2"
    return commands | {"beat": ["beat", "--schedule", str(logs / "schedule"), "--pidfile="]}
