"""The form to ask about a step of a visit, now or at a moment by the location's clock."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.forms.times import TimeOfDay
from contacts.models import Appointment
from contacts.parameters import DayField
from contacts.templatetags.display import clock, long_day
from reminders.forms.booking import TWICE
from reminders.forms.wall_time import NoSuchTime, TimeComesTwice, read_wall_time
from reminders.models import Step
from reminders.rules.zones import zone_or_utc

FURTHEST = timedelta(days=5 * 366)


class ExplainForm(forms.Form):
    """Which step, and when: without day and time, now. `cleaned_data` has `moment` (aware)."""

    step = forms.ModelChoiceField(
        Step.objects.in_use().select_related("campaign"),
        label=gettext_lazy("Reminder"),
        empty_label=gettext_lazy("Choose"),
        error_messages={
            "required": gettext_lazy("Choose a reminder."),
            "invalid_choice": gettext_lazy("That reminder no longer exists. Choose another one."),
        },
    )
    day = DayField(
        label=gettext_lazy("Day"),
        required=False,
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": gettext_lazy("Enter a valid date.")},
    )
    at = TimeOfDay(
        label=gettext_lazy("Time"),
        required=False,
    )
    which = forms.ChoiceField(label=gettext_lazy("Which of the two times?"), choices=TWICE, required=False)
    comes_twice = False  # whether the time entered occurs twice that day; then the form asks for `which`

    def __init__(self, appointment: Appointment, steps: list[Step], data: Any = None) -> None:
        super().__init__(data)
        self.location = appointment.location
        for field in self.fields.values():
            is_select = isinstance(field.widget, forms.Select)
            field.widget.attrs.setdefault("class", "form-select" if is_select else "form-control")
        chosen = self.fields["step"]
        if isinstance(chosen, forms.ModelChoiceField):
            named = [(step.pk, f"{step.campaign}: {step}") for step in steps]
            chosen.choices = [("", _("Choose")), *named]  # by name; the query would ask for each campaign

    def clean(self) -> dict[str, Any]:
        found = self.cleaned_data
        day, at = found.get("day"), found.get("at")
        found["moment"] = now = timezone.now()
        if self.errors or (day is None and at is None):
            return found
        if day is None or at is None:
            self.add_error("at" if at is None else "day", _("Enter both the day and the time, or neither."))
        elif abs(day - now.date()) > FURTHEST:
            self.add_error("day", _("That is more than five years away. Check the year."))
        else:
            found["moment"] = self._read_moment(datetime.combine(day, at)) or now
        return found

    def _read_moment(self, wall: datetime) -> datetime | None:
        zone = zone_or_utc(self.location.time_zone)
        try:
            return read_wall_time(wall, zone, which=self.cleaned_data.get("which", ""))
        except NoSuchTime:
            sentence = _("In %(place)s the clocks go forward on %(day)s, so there is no %(time)s.")
        except TimeComesTwice:
            self.comes_twice = True
            sentence = _(
                "In %(place)s the clocks go back on %(day)s, so %(time)s comes twice. Choose which one below."
            )
        words = {"place": self.location.name, "day": long_day(wall), "time": clock(wall)}
        self.add_error("at", sentence % words)
        return None
