"""Importing what waits for its turn, as a worker does, for tests."""

from contacts.imports.importing import import_next


def import_waiting() -> None:
    """Import each file that waits for its turn."""
    while import_next():
        pass
