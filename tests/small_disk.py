"""A disk of a few megabytes for tables of the tests' PostgreSQL, to fill it up. Needs root, to mount it."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection

SIZE = 4 * 1024 * 1024


class SmallDisk:
    """A file system in memory with a tablespace on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"

    def fill(self) -> None:
        """Leave no room on it."""
        with self._filler.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 4096)
            except OSError:
                return

    def make_room(self) -> None:
        self._filler.unlink()


def can_mount() -> bool:
    """Whether this user may mount a file system here."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["mount", "-t", "tmpfs", "tmpfs", folder]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            return False
        subprocess.run(["umount", folder], check=True)
    return True


@contextmanager
def on_small_disk(*tables: str) -> Iterator[SmallDisk]:
    """Move these tables, with room for nothing but a page or two, and back at the end."""
    folder = Path(tempfile.mkdtemp(prefix="callboard-small-disk-"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", folder], check=True)
    try:
        (folder / "tables").mkdir()
        _give_to_server(folder)
        _run(f"CREATE TABLESPACE small LOCATION '{folder / 'tables'}'")
        for table in tables:
            _run(f"VACUUM FULL {table}")  # else pages of deleted rows would have room
            _run(f"ALTER TABLE {table} SET TABLESPACE small")
        try:
            yield SmallDisk(folder)
        finally:
            (folder / "filler").unlink(missing_ok=True)
            for table in tables:
                _run(f"ALTER TABLE {table} SET TABLESPACE pg_default")
            _run("DROP TABLESPACE small")
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
        folder.rmdir()


def _give_to_server(folder: Path) -> None:
    """PostgreSQL may run as another user than the tests."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW data_directory")
        owner = Path(cursor.fetchone()[0]).stat()
    for one in (folder, folder / "tables"):
        os.chown(one, owner.st_uid, owner.st_gid)


def _run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
