"""The clock that rules go by."""

from datetime import datetime

from django.db import connection


def read_database_clock() -> datetime:
    """The database's time now (aware UTC): one clock for all machines, however skewed their own."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment
