"""A real PgBouncer in transaction mode in front of the tests' database, where it is installed."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from django.db import connection

from tests.waiting import find_free_port, wait_until

WHERE = f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin"
# Few sessions of the server, each for another transaction in turn: what one leaves behind, others would find.
CONFIGURATION = """
[databases]
{name} = host={socket} user={user} dbname={name}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
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
def run_pgbouncer(folder: Path) -> Iterator[str]:
    """Run it for the database of this test; yield the URL that leads through it."""
    program, port, name = require_pgbouncer(), find_free_port(), str(connection.settings_dict["NAME"])
    server = urlsplit(os.environ["DATABASE_URL"])
    socket = parse_qs(server.query)["host"][0]
    own = pwd.getpwuid(Path(socket).stat().st_uid).pw_name  # who may open the server's socket
    values = {"name": name, "socket": socket, "user": server.username, "port": port}
    file = folder / "pgbouncer.ini"
    file.write_text(CONFIGURATION.format(**values))
    file.chmod(0o644)
    command = [program, "-q", *(["-u", own] if os.getuid() == 0 else []), "/dev/stdin"]
    url = f"postgresql://{server.username}@127.0.0.1:{port}/{name}"
    with file.open() as configuration, (folder / "pgbouncer.log").open("wb") as log:
        process = subprocess.Popen(command, stdin=configuration, stdout=log, stderr=log)
    try:
        wait_until(lambda: _answers(url), "PgBouncer", within_seconds=20)
        yield url
    finally:
        process.kill()
        process.wait()


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True
