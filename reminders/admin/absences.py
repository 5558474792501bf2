"""Providers' days that were cancelled or moved as a whole, as a record."""

from django.contrib import admin

from contacts.admin.history import HistoryAdmin
from reminders.models import Absence, AbsenceVisit


@admin.register(Absence)
class AbsenceAdmin(HistoryAdmin[Absence]):
    list_display = ("at", "provider", "day", "deed", "by", "undone_by", "undone_at")
    list_filter = ("deed", "provider")
    list_select_related = ("provider", "by", "undone_by")


@admin.register(AbsenceVisit)
class AbsenceVisitAdmin(HistoryAdmin[AbsenceVisit]):
    list_display = ("absence", "appointment", "state", "refusal", "telling", "why_by_phone")
    list_filter = ("state", "telling")
    list_select_related = ("absence__provider", "appointment__contact", "appointment__location")
