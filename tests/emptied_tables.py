"""Emptying the tables after a test that commits, in a tenth of the time of Django's own way.

Content types and permissions stay: they are the same for every test, and Django would write them again. So
do the groups of the four roles, unless a test has changed them.
"""

from django.apps import apps
from django.db import connection, transaction

from contacts.roles import ensure_roles

ROLES = ("auth_group_permissions", "auth_group")
STAY = frozenset({"django_content_type", "auth_permission", *ROLES})
GRANTED = """
    SELECT md5(string_agg(concat_ws(':', auth_group.name, permission_id), ' ' ORDER BY name, permission_id))
    FROM auth_group LEFT JOIN auth_group_permissions ON group_id = auth_group.id
"""
SMALL = 256 * 1024  # bytes; what is larger is truncated, since deleted rows would take up its room


_granted_at_first: list[str] = []


def keep_roles() -> None:
    """Make the groups of the four roles once for all tests: their 500 grants take a while to write."""
    ensure_roles()
    _granted_at_first[:] = [_read_grants()]


@transaction.atomic
def empty_tables() -> None:
    """Delete all rows, whatever refers to them or forbids it, once nothing is being written any more."""
    names = sorted({model._meta.db_table for model in apps.get_models(include_auto_created=True)} - STAY)
    with connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {_quote(names)}")
        cursor.execute("SELECT relname, pg_relation_size(oid) FROM pg_class WHERE relname = ANY(%s)", [names])
        sizes = {name: size for name, size in cursor.fetchall() if size}
        cursor.execute("SET LOCAL session_replication_role = replica")  # no trigger, no check of references
        for name in [name for name, size in sizes.items() if size <= SMALL]:
            cursor.execute(f"DELETE FROM {_quote([name])}")  # noqa: S608 - a table of ours
        if large := [name for name, size in sizes.items() if size > SMALL]:
            cursor.execute(f"TRUNCATE {_quote(large)} CASCADE")
        if [_read_grants()] != _granted_at_first:
            for name in ROLES:
                cursor.execute(f"DELETE FROM {_quote([name])}")  # noqa: S608 - a table of ours
            ensure_roles()


def _read_grants() -> str:
    """What tells whether the groups, or what they may do, have changed."""
    with connection.cursor() as cursor:
        cursor.execute(GRANTED)
        return str(cursor.fetchone()[0])


def _quote(names: list[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
