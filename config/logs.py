"""How log lines are written: plain, and without anybody's data."""

import logging

from contacts.privacy import redact


class PrivateFormatter(logging.Formatter):
    """The usual line, tracebacks included, with what belongs to people left out (contacts/privacy.py)."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))
