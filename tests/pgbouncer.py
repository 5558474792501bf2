"""A real PgBouncer in transaction mode in front of the tests' database, where it is installed."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import psycopg
import pytest
from django.db import connection

from tests.waiting import find_free_port, wait_until

WHERE = f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin"
POOL_SIZE = 4
# Few sessions of the server, each for another transaction in turn: what one leaves behind, others would find.
CONFIGURATION = """
[databases]
{name} = host={socket} user={user} dbname={name}
[pgbouncer]
listen_addr =
listen_port = {port}
unix_socket_dir = {own_socket}
unix_socket_mode = 0700
auth_type = any
pool_mode = transaction
default_pool_size = {size}
server_round_robin = 1
max_client_conn = 200
"""


def require_pgbouncer() -> str:
    """The path of the program; skips the test where there is none."""
    found = shutil.which("pgbouncer", path=WHERE)
    if not found:
        pytest.skip("PgBouncer is not installed here (apt-get install pgbouncer)")
    return found


@contextmanager
def run_pgbouncer() -> Iterator[str]:
    """Run it for the database of this test; yield the URL that leads through it.

    It runs as the user whose server it is, and like that one it can be reached by this user alone.
    """
    program, port, name = require_pgbouncer(), find_free_port(), str(connection.settings_dict["NAME"])
    server = urlsplit(os.environ["DATABASE_URL"])
    socket = parse_qs(server.query)["host"][0]
    owner = Path(socket).stat()
    folder = Path(tempfile.mkdtemp(prefix="callboard-pgbouncer-"))
    values = {"name": name, "socket": socket, "user": server.username, "port": port, "own_socket": folder}
    values["size"] = POOL_SIZE
    file = folder / "pgbouncer.ini"
    file.write_text(CONFIGURATION.format(**values))
    as_owner = ["-u", pwd.getpwuid(owner.st_uid).pw_name] if os.getuid() == 0 else []
    if as_owner:
        for path in (file, folder):
            os.chown(path, owner.st_uid, owner.st_gid)
    url = f"postgresql://{server.username}@/{name}?host={quote(str(folder))}&port={port}"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, "-q", *as_owner, str(file)], stdout=log, stderr=log)
    try:
        wait_until(lambda: _answers(url), "PgBouncer", within_seconds=20)
        yield url
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder)


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True
