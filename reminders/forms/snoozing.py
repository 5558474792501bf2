"""The form for snoozing an entry of the worklist until a chosen time."""

from datetime import datetime, tzinfo
from typing import cast

from django import forms
from django.utils.translation import gettext_lazy

from contacts.forms.times import DayInput, TimeOfDay
from contacts.parameters import DayField


class SnoozeForm(forms.Form):
    """A day and a time by the clock of the visit's location."""

    day = DayField(
        label=gettext_lazy("Day"),
        widget=DayInput,
        error_messages={
            "required": gettext_lazy("Choose a day."),
            "invalid": gettext_lazy("Enter a valid date."),
        },
    )
    at = TimeOfDay(label=gettext_lazy("Time"))

    def find_moment(self, zone: tzinfo) -> datetime | None:
        """The moment that was entered; None for none. Of a time that comes twice, the first."""
        if not self.is_valid():
            return None
        return datetime.combine(self.cleaned_data["day"], self.cleaned_data["at"], zone)

    @property
    def first_error(self) -> str:
        """The first sentence that says what to mend; "" for none."""
        return next((cast(str, found[0]) for found in self.errors.values()), "")
