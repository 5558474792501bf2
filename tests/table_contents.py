"""What all tables of the database hold, in brief, to be compared with what they hold later."""

from collections.abc import Collection

from django.db import connection


def read_digests(*, without: Collection[str] = ()) -> dict[str, str]:
    """A digest by table: another value in any column of any row gives another one."""
    digests = {}
    with connection.cursor() as cursor:
        for table in sorted(set(connection.introspection.table_names(cursor)) - set(without)):
            name = connection.ops.quote_name(table)
            digest = "md5(string_agg(row::text, ' ' ORDER BY row::text))"
            cursor.execute(f"SELECT {digest} FROM {name} row")  # noqa: S608 # our own tables' names
            digests[table] = cursor.fetchone()[0]
    return digests
