"""What became of each column of a file, for staff to check before the import. Pure: no database."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext, gettext_noop

from contacts.imports.column_values import LOOKED_AT, read_first_values, take_samples
from contacts.imports.columns import Columns, title_of
from contacts.imports.files import RawRow
from contacts.imports.problems import clip
from contacts.imports.status_words import CANCELLED

SAMPLE_LENGTH = 40
CANCELS_WHEN_SET = gettext_noop("cancels the appointment when set")
MISSED_WHEN_SET = gettext_noop("the patient didn't come when it is set")


@dataclass(frozen=True)
class ColumnUse:
    """One column. `label`: its name; `meaning`: "" if it isn't used; `samples`: some of its cells.

    `takes_off`: whether it says beside the status that a visit doesn't take place.
    """

    label: str
    meaning: str
    samples: tuple[str, ...]
    takes_off: bool = False

    @property
    def is_used(self) -> bool:
        return bool(self.meaning)


def describe_columns(columns: Columns, rows: Sequence[RawRow]) -> tuple[ColumnUse, ...]:
    """Return each column of the file with its meaning, in the order of the file."""
    meanings = {position: title_of(name) for name, position in columns.positions.items()}
    for each in columns.cancelling:
        sets = gettext(CANCELS_WHEN_SET if each.status == CANCELLED else MISSED_WHEN_SET)
        meanings[each.position] = ", ".join(filter(None, [meanings.get(each.position), sets]))
    taking_off = {each.position for each in columns.cancelling}
    values = read_first_values(rows, len(columns.labels), LOOKED_AT)
    return tuple(
        ColumnUse(
            label,
            meanings.get(at, ""),
            tuple(clip(value, SAMPLE_LENGTH) for value in take_samples(values[at])),
            at in taking_off,
        )
        for at, label in enumerate(columns.labels)
    )
