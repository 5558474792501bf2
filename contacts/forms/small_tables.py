"""A choice of one of a few rows: a location, a provider."""

from collections.abc import Iterator, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.forms.models import ModelChoiceIterator


class _RowsRead(ModelChoiceIterator[Any]):
    field: "SmallTableField"

    def __iter__(self) -> Iterator[Any]:
        if self.field.empty_label is not None:
            yield "", self.field.empty_label
        for row in self.field.rows:
            yield self.choice(row)


class SmallTableField(forms.ModelChoiceField[Any]):
    """Django's own, but that all rows are read once for each form, for the list and for what was chosen.

    Two fields of one table can share their `rows`.
    """

    iterator = _RowsRead
    _rows: Sequence[Model] | None = None

    def __deepcopy__(self, memo: dict[int, Any]) -> "SmallTableField":
        copied: SmallTableField = super().__deepcopy__(memo)
        copied._rows = None
        return copied

    @property
    def rows(self) -> Sequence[Any]:
        if self._rows is None:
            self._rows = list(self.queryset or ())
        return self._rows

    @rows.setter
    def rows(self, rows: Sequence[Any]) -> None:
        self._rows = rows

    def to_python(self, value: Any) -> Any:
        """The row; raises ValidationError."""
        if value in self.empty_values:
            return None
        wanted = str(value.pk if isinstance(value, Model) else value)
        for row in self.rows:
            if str(row.pk) == wanted:
                return row
        message = self.error_messages["invalid_choice"]
        raise ValidationError(message, code="invalid_choice", params={"value": value})
