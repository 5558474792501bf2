"""The embedded servers, with real processes that start, end and are killed."""

import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from config.local import services
from config.local.errors import LocalServiceError
from config.local.postgres import find_postgres_pids, read_pid_file, start_postgres, stop_postgres
from config.local.valkey import find_valkey_pids, start_valkey, stop_valkey
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parent.parent.parent
# A process that uses the servers until it reads a line.
USER = """
import os, sys
from pathlib import Path
from config.local.services import ensure_services
ensure_services(Path(sys.argv[1]))
print(os.environ["DATABASE_URL"], os.environ["REDIS_URL"], flush=True)
sys.stdin.readline()
"""


class ServiceUser:
    """A separate process that uses the servers."""

    def __init__(self, var: Path) -> None:
        environment = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL")}
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", USER, str(var)],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def read_urls(self) -> tuple[str, str]:
        assert self.process.stdout is not None
        database_url, redis_url = self.process.stdout.readline().split()
        return database_url, redis_url

    def leave(self) -> None:
        self.process.communicate("\n", timeout=30)
        assert self.process.returncode == 0

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=30)


@pytest.fixture
def var(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "var"
    stop_postgres(tmp_path / "var" / "postgres")
    stop_valkey(tmp_path / "var" / "valkey")


def test_the_servers_stop_with_the_last_process_that_uses_them(var: Path) -> None:
    first, second = ServiceUser(var), ServiceUser(var)
    urls = first.read_urls()
    assert second.read_urls() == urls
    first.leave()
    assert both_answer(urls)
    second.leave()
    assert not database_answers(urls[0])
    assert not broker_answers(urls[1])


def test_the_servers_stop_even_if_a_process_that_used_them_was_killed(var: Path) -> None:
    killed = ServiceUser(var)
    urls = killed.read_urls()
    killed.kill()
    assert both_answer(urls), "they run on after a kill, until the next user ends"
    later = ServiceUser(var)
    assert later.read_urls() == urls
    later.leave()
    assert not database_answers(urls[0])
    assert not broker_answers(urls[1])


def test_data_is_kept_after_a_restart(var: Path) -> None:
    database_url, redis_url = start_postgres(var / "postgres"), start_valkey(var / "valkey")
    with psycopg.connect(database_url) as connection:
        connection.execute("CREATE TABLE note AS SELECT 'kept' AS text")
    with redis.Redis.from_url(redis_url) as client:
        client.set("note", "kept")
    stop_postgres(var / "postgres")
    stop_valkey(var / "valkey")
    with psycopg.connect(start_postgres(var / "postgres")) as connection:
        assert connection.execute("SELECT text FROM note").fetchone() == ("kept",)
    with redis.Redis.from_url(start_valkey(var / "valkey")) as client:
        assert client.get("note") == b"kept"


def test_postgresql_restarts_after_kill_9_with_all_committed_data(var: Path) -> None:
    data = var / "postgres"
    with psycopg.connect(start_postgres(data)) as connection:
        connection.execute("CREATE TABLE note AS SELECT 'kept' AS text")
    os.kill(int(read_pid_file(data)[0]), signal.SIGKILL)
    with psycopg.connect(start_postgres(data)) as connection:
        assert connection.execute("SELECT text FROM note").fetchone() == ("kept",)


def test_a_pid_file_with_the_pid_of_another_process_is_ignored(var: Path) -> None:
    data = var / "postgres"
    start_postgres(data)
    lines = read_pid_file(data)
    stop_postgres(data)
    (data / "postmaster.pid").write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    assert database_answers(start_postgres(data))


def test_a_broken_pid_file_is_ignored(var: Path) -> None:
    data = var / "postgres"
    start_postgres(data)
    stop_postgres(data)
    (data / "postmaster.pid").write_text("4242\n")
    assert database_answers(start_postgres(data))


def test_valkey_restarts_after_kill_9(var: Path) -> None:
    before = start_valkey(var / "valkey")
    os.kill(int((var / "valkey" / "valkey.pid").read_text()), signal.SIGKILL)
    wait_until(lambda: not broker_answers(before), "the old broker to be gone")
    assert start_valkey(var / "valkey") == before, "others know no other address"
    assert broker_answers(before)


def test_servers_that_die_or_hang_are_started_again_at_the_same_address(
    var: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "SILENT_FOR", 1.0)
    monkeypatch.setattr(services, "WATCH_EVERY", 0.1)
    urls = start_postgres(var / "postgres"), start_valkey(var / "valkey")
    monkeypatch.setenv("DATABASE_URL", urls[0])
    monkeypatch.setenv("REDIS_URL", urls[1])
    said: list[str] = []
    watch = services.ServerWatch(var, ["DATABASE_URL", "REDIS_URL"], say=said.append)
    watch.start()
    for pids in (find_postgres_pids(var / "postgres")[:1], find_valkey_pids(var / "valkey")):
        os.kill(pids[0], signal.SIGKILL)
    wait_until(lambda: len(said) == 2 and both_answer(urls), "both to be back", within_seconds=30)
    for pid in (*find_postgres_pids(var / "postgres"), *find_valkey_pids(var / "valkey")):
        os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: len(said) == 4 and both_answer(urls), "both to be back again", within_seconds=30)
    watch.stop()
    ended, hung = said[:2], said[2:]
    assert (
        {line.split(" ")[0] for line in ended}
        == {line.split(" ")[0] for line in hung}
        == {"PostgreSQL", "Valkey"}
    )
    assert all("had ended: it was started again." in line for line in ended), said
    assert all("did not answer: it was started again." in line for line in hung), said


def test_a_start_that_the_disk_refuses_is_said_and_tried_again(
    var: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "WATCH_EVERY", 0.02)
    (var / "valkey" / "url").mkdir(parents=True)
    monkeypatch.setenv("REDIS_URL", "redis://:word@127.0.0.1:1/0")
    said: list[str] = []
    watch = services.ServerWatch(var, ["REDIS_URL"], say=said.append)
    watch.start()
    wait_until(lambda: len(said) >= 2, "two attempts")
    watch.stop()
    assert all(line.startswith("Valkey had ended and can't be started again yet") for line in said)


def test_another_server_on_the_old_port_is_not_mistaken_for_ours(var: Path, tmp_path: Path) -> None:
    other = start_valkey(tmp_path / "other")
    try:
        (var / "valkey").mkdir(parents=True)
        (var / "valkey" / "url").write_text(other.replace("redis://:", "redis://:other-"))
        ours = start_valkey(var / "valkey")
        assert ours.rpartition("@")[2] != other.rpartition("@")[2]
    finally:
        stop_valkey(tmp_path / "other")


def test_the_servers_work_in_a_deep_directory(tmp_path: Path) -> None:
    deep = tmp_path / ("a" * 60) / ("with space " + "b" * 60) / "var"
    user = ServiceUser(deep)
    urls = user.read_urls()
    assert both_answer(urls)
    user.leave()


def both_answer(urls: tuple[str, str]) -> bool:
    return database_answers(urls[0]) and broker_answers(urls[1])


def database_answers(url: str) -> bool:
    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


def broker_answers(url: str) -> bool:
    try:
        with redis.Redis.from_url(url, socket_timeout=5) as client:
            return bool(client.ping())
    except redis.exceptions.RedisError:
        return False


def test_no_other_user_of_the_machine_gets_to_the_database(tmp_path: Path) -> None:
    """With a long path the socket can't be in the data folder, and was in a folder open to everybody."""
    for data in (tmp_path / "short", tmp_path / ("long-" * 20) / ("path-" * 10)):
        start_postgres(data, durable=False)
        try:
            folder = Path(read_pid_file(data)[4])
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
            assert stat.S_IMODE((folder / ".s.PGSQL.5432").stat().st_mode) == 0o700
            assert folder.stat().st_uid == data.stat().st_uid
            if os.getuid() == 0:
                connect = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"
                command = ["/usr/bin/python3", "-c", connect, str(folder / ".s.PGSQL.5432")]
                other = subprocess.run(command, user=65534, capture_output=True, check=False)
                assert b"PermissionError" in other.stderr
        finally:
            stop_postgres(data)


def test_a_folder_that_somebody_else_made_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / f"callboard-{os.getuid()}").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (tmp_path / "elsewhere").mkdir()
    with pytest.raises(LocalServiceError, match="belongs to somebody else"):
        start_postgres(tmp_path / "data", durable=False)
