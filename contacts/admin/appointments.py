"""Appointments and their history. They are booked and moved on their own pages, which plan reminders too."""

from typing import Any

from django.contrib import admin
from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from contacts.admin.columns import link_to_appointment, show_local, show_when
from contacts.admin.history import HistoryAdmin, HistoryInline, KnownValuesFilter, LocationFilter
from contacts.models import Appointment, AppointmentChange


class CurrentAnswerFilter(admin.SimpleListFilter):
    """The answer for the current time, not for an older one."""

    title = _("answer for the current time")
    parameter_name = "says"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(str(value or "none"), label) for value, label in Appointment.Answer.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Appointment]) -> QuerySet[Appointment]:
        if self.value() is None:
            return queryset
        current = {"answer_revision": F("revision")}
        if self.value() == "none":
            return queryset.exclude(answer__gt="", **current)
        return queryset.filter(answer=self.value(), **current)


class ChangeInline(HistoryInline):
    model = AppointmentChange
    fields = (
        *("at", "what", "how", "by", "revision"),
        *("local_before", "local_after", "provider_before", "provider_after"),
    )
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("by", "provider_before", "provider_after")


@admin.register(Appointment)
class AppointmentAdmin(HistoryAdmin[Appointment]):
    list_display = ("when", "contact", "location", "provider", "kind", "status", "says", "revision", "page")
    list_filter = (
        "status",
        CurrentAnswerFilter,
        ("location", LocationFilter),
        "provider",
        ("source", KnownValuesFilter),
    )
    list_select_related = ("contact", "location", "provider")
    search_fields = ("contact__first_name", "contact__last_name", "external_id__exact")
    search_help_text = _("a patient's name or number, or the whole id of an appointment")
    date_hierarchy = "starts_at"
    inlines = (ChangeInline,)

    @admin.display(description=_("when"), ordering="starts_at")
    def when(self, appointment: Appointment) -> str:
        return show_local(appointment.local_start)

    @admin.display(description=_("answer"))
    def says(self, appointment: Appointment) -> str:
        return str(Appointment.Answer(appointment.current_answer).label)

    @admin.display(description=_("page"))
    def page(self, appointment: Appointment) -> str:
        return link_to_appointment(appointment.pk, _("open"))


@admin.register(AppointmentChange)
class AppointmentChangeAdmin(HistoryAdmin[AppointmentChange]):
    list_display = ("when", "what", "how", "by", "revision", "patient")
    list_filter = ("what", "how", ("appointment__location", LocationFilter))
    list_select_related = ("appointment__contact", "appointment__location", "by")
    search_fields = ("appointment__contact__first_name", "appointment__contact__last_name")
    date_hierarchy = "at"

    @admin.display(description=_("when"), ordering="at")
    def when(self, change: AppointmentChange) -> str:
        return show_when(change.at, change.appointment.location)

    @admin.display(description=_("patient"))
    def patient(self, change: AppointmentChange) -> str:
        return link_to_appointment(change.appointment_id, change.appointment.contact)
