"""Prepares the database of `make run`: migrations, and the demo clinic if it is empty.

Loading Django for that takes seconds, so a fingerprint of what was prepared is stored as the database's
comment. It disappears with the database when that is dropped or replaced.
"""

import hashlib
import io
import os

import psycopg
from psycopg import sql

from config.local.environment import BASE_DIR

# What determines the tables and the roles: migrations of packages and ours.
ON_DISK = ["uv.lock", "*/migrations/*.py", "contacts/roles.py"]


def prepare_database(*, with_demo: bool) -> bool:
    """Migrate, and create the demo clinic if wanted; False if all of that was already done."""
    note = f"callboard {_fingerprint()} demo={with_demo}"
    if _read_note() == note:
        return False
    _migrate(with_demo=with_demo)
    _write_note(note)
    return True


def read_clinic_zone() -> str:
    """The time zone of the first location by name; "" if there is none, or the database can't be asked."""
    query = "SELECT time_zone FROM contacts_location ORDER BY name LIMIT 1"
    try:
        with psycopg.connect(os.environ["DATABASE_URL"], connect_timeout=5) as connection:
            row = connection.execute(query).fetchone()
    except psycopg.Error:
        return ""
    return str(row[0]) if row else ""


def _migrate(*, with_demo: bool) -> None:
    import django
    from django.core.management import call_command
    from django.db import connections

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from contacts.roles import ensure_roles

    call_command("migrate", verbosity=0)
    ensure_roles()
    call_command("rederive_times", stdout=io.StringIO())  # uv.lock may have brought new time zone data
    if with_demo:
        call_command("demo_clinic", if_empty=True)
    connections.close_all()  # the processes that are forked later open their own


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for pattern in ON_DISK:
        for path in sorted(BASE_DIR.glob(pattern)):
            digest.update(str(path.relative_to(BASE_DIR)).encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _read_note() -> str:
    query = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()"
    try:
        with psycopg.connect(os.environ["DATABASE_URL"], connect_timeout=5) as connection:
            row = connection.execute(query).fetchone()
    except psycopg.Error:  # such as a URL with options of Django: Django reports what is wrong
        return ""
    return str(row[0]) if row else ""


def _write_note(note: str) -> None:
    try:
        with psycopg.connect(os.environ["DATABASE_URL"], connect_timeout=5) as connection:
            database = sql.Identifier(connection.info.dbname)
            connection.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(database, sql.Literal(note)))
    except psycopg.Error:  # not the owner of the database: then it is prepared at each start
        return
