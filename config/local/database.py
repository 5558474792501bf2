"""The database of `make run`: brought up to date, with the demo clinic in an empty one.

Loading Django for that takes seconds, so what was prepared is noted on the database itself, as its
comment. The note goes with the database when that is dropped or another one is used.
"""

import hashlib
import os

import psycopg
from psycopg import sql

from config.local.environment import BASE_DIR

ON_DISK = ["uv.lock", "*/migrations/*.py"]  # what decides about the tables: packages' migrations, and ours


def prepare_database(*, with_demo: bool) -> bool:
    """Migrate, and make the demo clinic if wanted; False when all of that was done already."""
    note = f"callboard {_fingerprint()} demo={with_demo}"
    if _read_note() == note:
        return False
    _migrate(with_demo=with_demo)
    _write_note(note)
    return True


def _migrate(*, with_demo: bool) -> None:
    import django
    from django.core.management import call_command
    from django.db import connections

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    call_command("migrate", verbosity=0)
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
    except psycopg.Error:  # a URL with options of Django's own, say: Django will tell what is wrong
        return ""
    return str(row[0]) if row else ""


def _write_note(note: str) -> None:
    try:
        with psycopg.connect(os.environ["DATABASE_URL"], connect_timeout=5) as connection:
            database = sql.Identifier(connection.info.dbname)
            connection.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(database, sql.Literal(note)))
    except psycopg.Error:  # not the owner of the database: then it is looked through at each start
        return
