"""A length of time as people enter it: a number, and minutes or hours. Never in days, which can be longer."""

from datetime import timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from reminders.rules.schedule import MOST_DAYS

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
UNITS = [("minutes", _("minutes")), ("hours", _("hours"))]
LONGEST = timedelta(days=MOST_DAYS)
TOO_LONG = _("That is more than a year. Enter less.")


class LengthWidget(forms.MultiWidget):
    """The number and its unit side by side."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        number = forms.NumberInput(
            {"class": "form-control", "min": 0, "aria-label": _("Number"), **(attrs or {})}
        )
        unit = forms.Select({"class": "form-select", "aria-label": _("Minutes or hours")}, choices=UNITS)
        super().__init__({"number": number, "unit": unit})

    def decompress(self, value: Any) -> list[Any]:
        """What was stored with seconds is shown in the next full minutes."""
        if not isinstance(value, timedelta):
            return [None, "hours"]
        if not value % HOUR:
            return [value // HOUR, "hours"]
        return [-(-value // MINUTE), "minutes"]


class LengthField(forms.MultiValueField):
    """A timedelta of whole minutes, from 0 to a year; None if nothing was entered."""

    widget = LengthWidget

    def __init__(self, **options: Any) -> None:
        errors = {
            "invalid": _("Enter a whole number."),
            "min_value": _("Enter 0 or more."),
            "max_value": TOO_LONG,
        }
        most = LONGEST // MINUTE
        super().__init__(
            fields=(
                forms.IntegerField(min_value=0, max_value=most, error_messages=errors),
                forms.ChoiceField(
                    choices=UNITS, error_messages={"invalid_choice": _("Choose minutes or hours.")}
                ),
            ),
            error_messages={"required": _("Enter how long.")},
            **options,
        )

    def compress(self, data_list: Any) -> timedelta | None:
        if not data_list or data_list[0] is None:
            return None
        length: timedelta = data_list[0] * (HOUR if data_list[1] == "hours" else MINUTE)
        if length > LONGEST:
            raise forms.ValidationError(TOO_LONG)
        return length
