"""Listening to whatever is logged, for what belongs to people or opens a door."""

import logging
import re

from config.logs import PrivateFormatter

OURS = ("config", "contacts", "reminders", "webhooks")
# Of the people of practice_in_motion.py: names, telephone numbers, words of messages; and callback tokens.
PRIVATE = re.compile(
    r"\b(?:Sarah|Sam|Noah|Lindqvist)\b"
    r"|(?:202555|213555|212555)\d{4}"
    r"|appointment on|Visit of"
    r"|/hooks/robotalker/(?!\(left out\))"
    r"|(?<![\w-])[\w-]{43}(?![\w-])"  # a token's MAC
)


class Eavesdropper(logging.Handler):
    """Hears all loggers at their loudest, from `listen` to `stop`; `leaks` are the lines that tell too much.

    What others log counts as it is written, by the formatter of the settings; what is ours, as it is said.
    """

    def __init__(self) -> None:
        super().__init__()
        self._as_said, self._as_written = logging.Formatter(), PrivateFormatter()
        self.heard = 0
        self.leaks: list[str] = []

    def listen(self) -> None:
        root = logging.getLogger()
        self._level_before = root.level
        root.setLevel(logging.DEBUG)
        root.addHandler(self)

    def stop(self) -> None:
        logging.getLogger().removeHandler(self)
        logging.getLogger().setLevel(self._level_before)

    def emit(self, record: logging.LogRecord) -> None:
        self.heard += 1
        is_ours = record.name.partition(".")[0] in OURS
        line = (self._as_said if is_ours else self._as_written).format(record)
        if PRIVATE.search(line):
            self.leaks.append(line)
