"""What became of each column of a file, for staff to check before the import. Pure: no database."""

from collections.abc import Sequence
from dataclasses import dataclass

from contacts.imports.column_values import sample_values
from contacts.imports.columns import Columns, title_of
from contacts.imports.files import RawRow
from contacts.imports.problems import clip
from contacts.imports.words import CANCELLED

SAMPLE_LENGTH = 40
CANCELS_WHEN_SET = "cancels the appointment when set"
MISSED_WHEN_SET = "the patient didn't come when it is set"


@dataclass(frozen=True)
class ColumnUse:
    """One column. `label`: its name; `meaning`: "" if it isn't used; `samples`: some of its cells."""

    label: str
    meaning: str
    samples: tuple[str, ...]

    @property
    def is_used(self) -> bool:
        return bool(self.meaning)

    @property
    def takes_off(self) -> bool:
        """Whether it says beside the status that a visit doesn't take place."""
        return self.meaning.endswith((CANCELS_WHEN_SET, MISSED_WHEN_SET))


def describe_columns(columns: Columns, rows: Sequence[RawRow]) -> tuple[ColumnUse, ...]:
    """Return each column of the file with its meaning, in the order of the file."""
    meanings = {position: title_of(name) for name, position in columns.positions.items()}
    for each in columns.cancelling:
        sets = CANCELS_WHEN_SET if each.status == CANCELLED else MISSED_WHEN_SET
        meanings[each.position] = ", ".join(filter(None, [meanings.get(each.position), sets]))
    return tuple(
        ColumnUse(
            label,
            meanings.get(at, ""),
            tuple(clip(value, SAMPLE_LENGTH) for value in sample_values(rows, at)),
        )
        for at, label in enumerate(columns.labels)
    )
