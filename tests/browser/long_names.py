"""Names of sixty letters, which may push nothing aside."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from tests.browser.running import RunningClinic

# 60 letters, no space
LONG: Final = "Wolfeschlegelsteinhausenbergerdorff" + "Featherstonehaughcholmondele"[:25]
NAMES: Final = {
    "contacts_contact": "last_name",
    "contacts_location": "name",
    "contacts_provider": "name",
    "reminders_campaign": "name",
    "reminders_script": "name",
}


@contextmanager
def lengthen_names(clinic: RunningClinic) -> Iterator[None]:
    """Every patient, location and so on has one, whose first letters tell them apart."""
    before = {
        table: clinic.ask(f"SELECT json_object_agg(id, {column}) FROM {table}")  # noqa: S608
        for table, column in NAMES.items()
    }
    for table, column in NAMES.items():
        clinic.execute(f"UPDATE {table} SET {column} = left(id || %s, 60)", LONG)  # noqa: S608
    yield
    for table, column in NAMES.items():
        clinic.execute(
            f"UPDATE {table} SET {column} = value FROM json_each_text(%s::json)"  # noqa: S608
            " WHERE id = key::bigint",
            json.dumps(before[table]),
        )
