"""Values in addresses and forms, which anybody may have written. One reader for each kind; none raises."""

import re
from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

# Digits as computers write them: str.isdigit() also takes "²", which int() refuses, and "٣", which it reads.
ID = re.compile(r"[0-9]{1,18}")
FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(2199, 12, 31)


def read_row_id(text: object) -> int | None:
    """The id of a row; None for what is none. It fits PostgreSQL's bigint."""
    found = ID.fullmatch(str(text))
    return int(found[0]) if found else None


def read_row_ids(text: str) -> list[int]:
    """The ids of a list with commas; what is no id is passed over."""
    return [pk for part in text.split(",") if (pk := read_row_id(part.strip())) is not None]


class DayField(forms.DateField):
    """A day that can be computed with: far enough from the first and the last that a clock can show."""

    default_error_messages = {"out_of_range": _("Check the year.")}

    def to_python(self, value: Any) -> date | None:
        day: date | None = super().to_python(value)
        if day is not None and not FIRST_DAY <= day <= LAST_DAY:
            raise forms.ValidationError(self.error_messages["out_of_range"], code="out_of_range")
        return day
