"""The database's clock, which all rules use."""

from datetime import datetime

from django.db import connection


def read_database_clock() -> datetime:
    """Return the database's current time (aware UTC): one clock for all machines, however wrong their own."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment
