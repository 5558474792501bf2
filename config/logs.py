"""The format of log lines: without personal data, and without tracebacks of what isn't an error."""

import logging

from django.core.exceptions import PermissionDenied

from contacts.redaction import redact


class WithoutTraceOfRefusals(logging.Filter):
    """A page that was refused for want of a permission is no error of ours: its line needs no traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and isinstance(record.exc_info[1], PermissionDenied):
            record.exc_info = None
        return True


class PrivateFormatter(logging.Formatter):
    """Formats as usual, tracebacks included, and removes personal data (contacts/redaction.py)."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))
