"""The formatter of log lines, which removes personal data."""

import logging

from contacts.redaction import redact


class PrivateFormatter(logging.Formatter):
    """Formats as usual, tracebacks included, and removes personal data (contacts/redaction.py)."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))
