"""How log lines are written: plain, and without anybody's data."""

import logging

from contacts.redaction import redact


class PrivateFormatter(logging.Formatter):
    """The usual line, tracebacks included, with what belongs to people left out (contacts/redaction.py)."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))
