"""Models whose rows are read without Model.__init__().

A round of dispatch or a page reads thousands of rows, and for each the constructor looks at every field once
more; a row that comes from the database has a value for each of them already.
"""

from collections.abc import Collection
from typing import Any, Self

from django.db import models
from django.db.models.base import ModelState


class QuickRows(models.Model):
    """For a model without signals of its construction, whose fields keep what the database gives."""

    class Meta:
        abstract = True

    @classmethod
    def from_db(
        cls, db: str | None, field_names: Collection[str], values: Collection[Any], *, fetch_mode: Any = None
    ) -> Self:
        """Django's hook for rows that were read; what isn't among `field_names` is read when it is used."""
        row = cls.__new__(cls)
        row.__dict__ = dict(zip(field_names, values, strict=True))
        row._state = ModelState()
        row._state.adding, row._state.db = False, db
        return row
