"""Why a whole file can't be imported. Each message is one or two sentences for staff.

ImportRefused
├── UnreadableFile   the file isn't a table we can read
├── MissingColumns   the table lacks a column that an appointment list needs
└── UnknownZone      a given time zone doesn't exist
"""


class ImportRefused(Exception):
    """Nothing was imported. The message says why and what to do."""


class UnreadableFile(ImportRefused):
    """The file is empty, too large, of another kind, or broken."""


class MissingColumns(ImportRefused):
    """A required column is missing."""


class UnknownZone(ImportRefused):
    """A given time zone doesn't exist."""
