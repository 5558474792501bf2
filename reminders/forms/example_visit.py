"""The visit by which the page that edits a campaign shows its timeline."""

from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.forms.times import ClockInput, TimeOfDay
from contacts.parameters import DayField
from reminders.campaigns.example_visits import VISIT_TIME, choose_example_day
from reminders.deciding.coverage import CampaignFilters
from reminders.forms.campaigns import CHOOSE_ONE, TYPED, CampaignChoices
from reminders.planning.timelines import ExampleVisit
from reminders.rules.schedule import first_moment_at
from reminders.rules.zones import zone_or_utc

FURTHEST = timedelta(days=5 * 366)


BOOKED = [  # days before the visit; 0: two hours before it
    ("28", gettext_lazy("4 weeks before")),
    ("14", gettext_lazy("2 weeks before")),
    ("7", gettext_lazy("1 week before")),
    ("2", gettext_lazy("2 days before")),
    ("1", gettext_lazy("the day before")),
    ("0", gettext_lazy("2 hours before")),
]


class ExampleVisitForm(forms.Form):
    """The visit that the timeline is of."""

    location = forms.TypedChoiceField(label=gettext_lazy("Location"), coerce=int, error_messages=CHOOSE_ONE)
    day = DayField(
        label=gettext_lazy("Day"),
        widget=forms.DateInput({"type": "date", "class": "form-control"}, format="%Y-%m-%d"),
        error_messages={
            "required": gettext_lazy("Choose a day."),
            "invalid": gettext_lazy("Enter a valid date."),
        },
    )
    at = TimeOfDay(
        label=gettext_lazy("Time"),
        widget=ClockInput({"class": "form-control", **TYPED}),
    )
    booked = forms.ChoiceField(
        label=gettext_lazy("Booked"),
        choices=BOOKED,
        widget=forms.Select({"class": "form-select"}),
        error_messages=CHOOSE_ONE,
    )

    def __init__(self, choices: CampaignChoices, filters: CampaignFilters, data: Any = None) -> None:
        self.locations = choices.locations
        covered = [pk for pk in self.locations if not filters.locations or pk in filters.locations]
        first = next(iter(covered), None)
        self.offered = [str(pk) for pk in covered]
        initial: dict[str, Any] = {"at": VISIT_TIME, "booked": "28", "location": first}
        if first is not None:
            location = self.locations[first]
            today = timezone.now().astimezone(zone_or_utc(location.time_zone)).date()
            initial["day"] = choose_example_day(location, today)
        super().__init__(data, prefix="example", initial=initial)
        field = self.fields["location"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [(pk, self.locations[pk].name) for pk in covered]
            field.widget.attrs["class"] = "form-select"

    def clean_day(self) -> date:
        day: date = self.cleaned_data["day"]
        if abs(day - timezone.now().date()) > FURTHEST:
            raise ValidationError(_("That is more than five years away. Check the year."))
        return day

    @property
    def visit(self) -> ExampleVisit | None:
        """By the location's clock; None with an error."""
        if not self.is_valid():
            return None
        found = self.cleaned_data
        location = self.locations[found["location"]]
        start = datetime.combine(found["day"], found["at"])
        before = timedelta(days=int(found["booked"])) or timedelta(hours=2)
        zone = zone_or_utc(location.time_zone)
        return ExampleVisit(location, first_moment_at(start, zone), first_moment_at(start - before, zone))
