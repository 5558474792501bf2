"""Find personal data and callback tokens in log records."""

import logging
import re

from config.logs import PrivateFormatter

OURS = ("config", "contacts", "reminders", "webhooks")
# Names, telephone numbers and message texts of simulated_practice.py, and callback tokens.
PRIVATE = re.compile(
    r"\b(?:Sarah|Sam|Noah|Lindqvist)\b"
    r"|(?:202555|213555|212555)\d{4}"
    r"|appointment on|Visit of"
    r"|/hooks/robotalker/(?!\(left out\))"
    r"|(?<![\w-])[\w-]{43}(?![\w-])"  # a token's MAC
)


class LogLeakDetector(logging.Handler):
    """Checks the records of all loggers at level DEBUG, from `attach` to `detach`.

    `leaks` are the lines with personal data or tokens. Records of other libraries are checked after the
    formatter of the settings has redacted them, Callboard's own records before.
    """

    def __init__(self) -> None:
        super().__init__()
        self._plain, self._redacting = logging.Formatter(), PrivateFormatter()
        self.record_count = 0
        self.leaks: list[str] = []

    def attach(self) -> None:
        root = logging.getLogger()
        self._level_before = root.level
        root.setLevel(logging.DEBUG)
        root.addHandler(self)

    def detach(self) -> None:
        logging.getLogger().removeHandler(self)
        logging.getLogger().setLevel(self._level_before)

    def emit(self, record: logging.LogRecord) -> None:
        self.record_count += 1
        is_ours = record.name.partition(".")[0] in OURS
        line = (self._plain if is_ours else self._redacting).format(record)
        if PRIVATE.search(line):
            self.leaks.append(line)
