"""Why a file can't be imported at all. The text of each is one sentence or two for staff.

ImportRefused
├── UnreadableFile   the bytes are no table we can read
├── MissingColumns   a table, but not of appointments
└── UnknownZone      a time zone was given that doesn't exist
"""


class ImportRefused(Exception):
    """Nothing of the file was imported. The text says why and what to do."""


class UnreadableFile(ImportRefused):
    """The file is empty, too large, of another kind, or broken."""


class MissingColumns(ImportRefused):
    """A column that is needed isn't there."""


class UnknownZone(ImportRefused):
    """A time zone was named that doesn't exist."""
