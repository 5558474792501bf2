"""Locations, providers and closed days."""

from django.contrib import admin

from contacts.admin.history import ClinicAdmin
from contacts.models import ClosedDay, Location, Provider


class ClosedDayInline(admin.TabularInline[ClosedDay, Location]):
    model = ClosedDay
    extra = 1


@admin.register(Location)
class LocationAdmin(ClinicAdmin[Location]):
    list_display = (
        "name",
        "time_zone",
        "calling_opens",
        "calling_closes",
        "calls_per_minute",
        "callback_number",
        "caller_id",
    )
    list_filter = ("time_zone",)
    search_fields = ("name", "spoken_name")
    inlines = (ClosedDayInline,)


@admin.register(Provider)
class ProviderAdmin(ClinicAdmin[Provider]):
    list_display = ("name", "spoken_name")
    search_fields = ("name", "spoken_name")


@admin.register(ClosedDay)
class ClosedDayAdmin(ClinicAdmin[ClosedDay]):
    list_display = ("date", "location", "reason")
    list_filter = ("location",)
    list_select_related = ("location",)
    search_fields = ("reason",)
    date_hierarchy = "date"
