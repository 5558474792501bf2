"""Locations with their public holidays, providers and closed days."""

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dates import WEEKDAYS, WEEKDAYS_ABBR
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from contacts.admin.deletions import CountedDeletion
from contacts.admin.history import FIELDS_OF_TIMES, ClinicAdmin, InlineRows, LocationFilter
from contacts.imports.renaming import following_new_name
from contacts.models import ClosedDay, Location, OpeningHours, Provider
from contacts.public_holidays import (
    find_subdivision,
    guess_place,
    list_by_holiday,
    list_countries,
    list_subdivisions,
)
from contacts.templatetags.display import long_day

YEARS_SHOWN = 2  # this year and the next


class LocationForm(forms.ModelForm[Location]):
    """A location. A new one without a country gets that of its zone and callback number, if they agree.

    Its public holidays are offered once the country is saved; those that are checked are open.
    """

    open_weekdays = forms.TypedMultipleChoiceField(
        label=_("Open on"),
        coerce=int,
        choices=[(number, WEEKDAYS[number]) for number in range(7)],
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Used to count the open days before an appointment."),
    )
    country = forms.ChoiceField(label=_("Country, for public holidays"), required=False)
    subdivision = forms.CharField(
        label=_("State or region"),
        required=False,
        max_length=60,
        help_text=_("For its own holidays: its name or code, such as California or CA."),
    )
    open_holidays = forms.MultipleChoiceField(
        label=_("Open on these public holidays"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_(
            "The location is open on those that are checked, every year, and closed on all others. "
            "If it is closed on one of them after all, add a closed day."
        ),
    )

    class Meta:
        model = Location
        fields = "__all__"  # noqa: DJ007 - for managers; every field of a location is theirs to set

    def __init__(self, *args: Any, **fields: Any) -> None:
        super().__init__(*args, **fields)
        form_fields = cast(dict[str, Any], self.fields)
        form_fields["country"].choices = [("", _("none: holidays don't count")), *list_countries()]
        form_fields["country"].help_text = Location._meta.get_field("country").help_text
        form_fields["open_holidays"].choices = self._list_choices()

    def _list_choices(self) -> list[tuple[str, str]]:
        """Each holiday of the saved country with its days, and those checked that it no longer has."""
        this_year = timezone.now().year
        found = list_by_holiday(self.instance.place, range(this_year, this_year + YEARS_SHOWN))
        words = gettext("%(holiday)s: %(days)s")
        offered = {
            each.key: words % {"holiday": each.name, "days": ", ".join(map(long_day, each.dates))}
            for each in found
        }
        unknown = gettext("%(holiday)s: not a public holiday here")
        gone = [key for key in self.instance.open_holidays if key not in offered]
        return [*offered.items(), *((key, unknown % {"holiday": key}) for key in gone)]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.instance._state.adding and not cleaned.get("country"):
            place = guess_place(cleaned.get("time_zone", ""), cleaned.get("callback_number", ""))
            cleaned |= {"country": place.country, "subdivision": place.subdivision}
        elif "country" in self.changed_data:
            cleaned["open_holidays"] = []  # those of the country before
        self._clean_subdivision(cleaned)
        return cleaned

    def _clean_subdivision(self, cleaned: dict[str, Any]) -> None:
        country, written = cleaned.get("country", ""), cleaned.get("subdivision", "")
        if not written or not country:
            cleaned["subdivision"] = ""
            return
        if code := find_subdivision(country, written):
            cleaned["subdivision"] = code
            return
        names = ", ".join(f"{name} ({code})" for code, name in list_subdivisions(country))
        words = gettext("Enter one of these, by its name or code: %(names)s.")
        none = gettext("No holidays of a state or region are known for this country. Leave it empty.")
        self.add_error("subdivision", words % {"names": names} if names else none)


def name_weekdays(numbers: Iterable[int]) -> str:
    """Such as "Mon–Fri, Sun"; two in a row stand by themselves. Monday is 0."""
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    names = [[str(WEEKDAYS_ABBR[number]) for number in run] for run in runs]
    return ", ".join(f"{run[0]}–{run[-1]}" if len(run) > 2 else ", ".join(run) for run in names)


class ClosedDayInline(admin.TabularInline[ClosedDay, Location]):
    formset = InlineRows
    model = ClosedDay
    extra = 1
    formfield_overrides = FIELDS_OF_TIMES


class OpeningHoursInline(admin.TabularInline[OpeningHours, Location]):
    formset = InlineRows
    model = OpeningHours
    extra = 1
    formfield_overrides = FIELDS_OF_TIMES


def following_name_of(row: Location | Provider, form: Any) -> AbstractContextManager[None]:
    """Around saving what a form says of it: lists follow another name."""
    is_renamed = bool(row.pk) and "name" in form.changed_data
    return following_new_name(row) if is_renamed else nullcontext()


@admin.register(Location)
class LocationAdmin(CountedDeletion[Location]):
    form = LocationForm
    list_display = (
        "name",
        "time_zone",
        "country",
        "open_days",
        "calling_opens",
        "calling_closes",
        "calls_per_minute",
        "callback_number",
        "caller_id",
    )
    list_filter = ("time_zone", "country")
    search_fields = ("name", "spoken_name")
    inlines = (OpeningHoursInline, ClosedDayInline)

    @admin.display(description=_("open on"))
    def open_days(self, location: Location) -> str:
        return name_weekdays(location.open_weekdays)

    def get_fields(self, request: HttpRequest, obj: Location | None = None) -> Any:
        """Who may only look reads the days of the week by name."""
        fields = super().get_fields(request, obj)
        if self.has_change_permission(request, obj):
            return fields
        return ["open_days" if name == "open_weekdays" else name for name in fields]

    def save_model(self, request: HttpRequest, obj: Location, form: Any, change: bool) -> None:
        with following_name_of(obj, form):
            super().save_model(request, obj, form, change)
        if not change and obj.country and "country" not in form.changed_data:
            words = gettext(
                "%(location)s is in the country %(country)s, by its time zone and number, so public holidays "
                "there aren't counted as open days. Check the country and state on its page."
            )
            self.message_user(request, words % {"location": obj, "country": obj.country})


@admin.register(Provider)
class ProviderAdmin(CountedDeletion[Provider]):
    list_display = ("name", "spoken_name")
    search_fields = ("name", "spoken_name")

    def save_model(self, request: HttpRequest, obj: Provider, form: Any, change: bool) -> None:
        with following_name_of(obj, form):
            super().save_model(request, obj, form, change)


@admin.register(ClosedDay)
class ClosedDayAdmin(ClinicAdmin[ClosedDay]):
    list_display = ("date", "location", "reason")
    list_filter = (("location", LocationFilter),)
    list_select_related = ("location",)
    search_fields = ("reason",)
    date_hierarchy = "date"
