"""Fields for times of day and moments, typed and shown as the practice's country writes them.

See contacts/clock_habits.py (product rule 55). Days are entered in the browser's own field, which has the
reader's habits.
"""

import re
from datetime import time
from typing import Any

from django import forms
from django.conf import settings
from django.utils.functional import lazy
from django.utils.translation import gettext

from contacts.clock_habits import has_12_hour_clock, is_usual, write_clock
from contacts.parameters import DayField

OF_12_HOURS = re.compile(r"(?:1[0-2]|[1-9])(?:[:.][0-5]?\d)?")
ALL_DIGITS = re.compile(r"^(\d{1,2})(\d\d)(?=$| )")
HALF = re.compile(r"(?<=\d)\s*([ap])\.?\s?(?:m\.?)?", re.IGNORECASE)
MORNING, AFTERNOON = time(9, 30), time(14, 5)  # the examples


def _say_invalid() -> str:
    words = {"morning": write_clock(MORNING), "afternoon": write_clock(AFTERNOON)}
    return gettext("Enter the time like %(morning)s or %(afternoon)s.") % words


def _say_required() -> str:
    return gettext("Enter a time, such as %(morning)s.") % {"morning": write_clock(MORNING)}


class ClockInput(forms.TimeInput):
    """A text field; a time stands in it as the country writes it."""

    def format_value(self, value: Any) -> str | None:
        return write_clock(value) if isinstance(value, time) else value


class TimeOfDay(forms.TimeField):
    """A time as people type it: 9:30, 14:05, 930, 2pm, 2:05 pm.

    Where people write 2:05 pm, "3:00" is the one of the two times that is within usual hours.
    """

    widget = ClockInput
    default_error_messages = {
        "invalid": lazy(_say_invalid, str)(),
        "required": lazy(_say_required, str)(),
    }

    def __init__(self, **options: Any) -> None:
        formats = ["%I:%M %p", "%I.%M %p", "%I %p", "%H:%M:%S", "%H:%M", "%H.%M", "%H"]
        super().__init__(**options | {"input_formats": formats})

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {"placeholder": lazy(write_clock, str)(MORNING), "autocomplete": "off"}

    def to_python(self, value: object) -> time | None:
        text = str(value).strip() if value is not None else ""
        text = HALF.sub(r" \1m", text)  # "3 p.m." and "3p" are 3 pm
        text = ALL_DIGITS.sub(r"\1:\2", text)  # 930 and 1430
        is_of_12_hours = has_12_hour_clock(settings.PHONE_REGION) and OF_12_HOURS.fullmatch(text)
        found: time | None = super().to_python(text or None)
        return _choose_half(found) if found is not None and is_of_12_hours else found

    def prepare_value(self, value: Any) -> Any:
        """A time as the country writes it, so that it is read as the same time again."""
        return write_clock(value) if isinstance(value, time) else value


class DayInput(forms.DateInput):
    """The browser's own field for a day, which is sent as 2026-11-26."""

    input_type = "date"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs, format="%Y-%m-%d")


class DayAndClockInput(forms.SplitDateTimeWidget):
    """A day and a time of day beside it, by the clock that is in use."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        forms.MultiWidget.__init__(self, (DayInput(attrs), ClockInput(attrs)))


class DayAndClockField(forms.SplitDateTimeField):
    """A moment, as a day and a time of day. `cleaned_data` has it aware."""

    widget = DayAndClockInput

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.fields = (DayField(required=False), TimeOfDay(required=False))


def _choose_half(found: time) -> time:
    """Of the two times that a clock of 12 hours shows so, the one within usual hours."""
    halves = [found.replace(hour=found.hour % 12 + add) for add in (0, 12)]
    return next(half for half in halves if is_usual(half))
