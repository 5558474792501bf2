"""How much room is left: on the disks of this machine, and for connections to PostgreSQL."""

import shutil
from dataclasses import dataclass

from django.conf import settings
from django.db import connection

MEGABYTE = 1024 * 1024
CONNECTIONS = """
    SELECT (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
           current_setting('max_connections')::int
             - current_setting('superuser_reserved_connections')::int
             - coalesce(current_setting('reserved_connections', true)::int, 0)
"""


@dataclass(frozen=True)
class Room:
    """Of one disk in bytes, or of connections in numbers."""

    used: int
    whole: int

    @property
    def free(self) -> int:
        return max(self.whole - self.used, 0)


def measure_disks() -> dict[str, Room]:
    """By path, in bytes; paths of DISK_PATHS that this machine doesn't have are left out."""
    found: dict[str, Room] = {}
    for path in settings.DISK_PATHS:
        try:
            total, _, free = shutil.disk_usage(path)
        except OSError:
            continue
        found[path] = Room(total - free, total)
    return found


def measure_connections() -> Room:
    """Those of everybody, and those that PostgreSQL leaves to ordinary users."""
    with connection.cursor() as cursor:
        cursor.execute(CONNECTIONS)
        used, whole = cursor.fetchone()
    return Room(used, whole)


def find_full_disks() -> list[str]:
    """The paths of the disks with less room than DISK_FREE_MEGABYTES."""
    least = settings.DISK_FREE_MEGABYTES * MEGABYTE
    return [path for path, room in measure_disks().items() if room.free < least]
