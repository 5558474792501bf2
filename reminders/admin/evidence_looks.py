"""Who looked at the evidence of which call."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from contacts.admin.columns import link_to_appointment
from contacts.admin.history import HistoryAdmin
from reminders.models import EvidenceLook


@admin.register(EvidenceLook)
class EvidenceLookAdmin(HistoryAdmin[EvidenceLook]):
    list_display = ("at", "by", "how", "patient")
    list_filter = ("how",)
    list_select_related = ("by", "call__reminder__appointment__contact")
    date_hierarchy = "at"

    @admin.display(description=_("patient"))
    def patient(self, look: EvidenceLook) -> str:
        appointment = look.call.reminder.appointment
        return link_to_appointment(appointment.pk, appointment.contact)
