"""Which days, location and provider the calendar shows, from its address."""

from datetime import date, timedelta
from typing import Any

from django import forms

from contacts.models import Location, Provider
from contacts.parameters import DayField, read_row_id

DAYS_OF_A_WEEK = 7


class CalendarFilters(forms.Form):
    """`?day=`, `?view=week`, `?location=` and `?provider=`; what is out of order is ignored."""

    day = DayField(required=False)
    view = forms.ChoiceField(required=False, choices=[("", ""), ("day", ""), ("week", "")])
    location = forms.CharField(required=False)
    provider = forms.CharField(required=False)

    def read(self) -> dict[str, Any]:
        self.is_valid()
        found = self.cleaned_data
        return {
            "day": found.get("day"),
            "view": found.get("view") or "day",
            "location": read_row_id(found.get("location", "")),
            "provider": read_row_id(found.get("provider", "")),
        }


def find_location(locations: list[Location], pk: int | None) -> Location | None:
    """That location, else the first."""
    return next((one for one in locations if one.pk == pk), locations[0] if locations else None)


def find_provider(providers: list[Provider], pk: int | None) -> Provider | None:
    return next((one for one in providers if one.pk == pk), None)


def list_days(day: date, view: str) -> list[date]:
    """That day, or the whole week from its Monday on."""
    if view != "week":
        return [day]
    monday = day - timedelta(days=day.weekday())
    return [monday + timedelta(days=count) for count in range(DAYS_OF_A_WEEK)]
