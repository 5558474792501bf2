"""The worklist, settled entries too. It is worked on its own page."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from contacts.admin.columns import link_to_appointment, show_when
from contacts.admin.history import HistoryAdmin
from reminders.models import FollowUp
from reminders.rules.reasons import phrase_for


@admin.register(FollowUp)
class FollowUpAdmin(HistoryAdmin[FollowUp]):
    list_display = (
        "due",
        "kind",
        "why",
        "patient",
        "state",
        "taken_by",
        "resolved_by",
        "settled",
        "resolution",
        "note",
    )
    list_filter = ("state", "kind", "appointment__location", "resolved_by")
    list_select_related = ("contact", "appointment__location", "taken_by", "resolved_by")
    search_fields = ("contact__first_name", "contact__last_name", "note", "detail")
    date_hierarchy = "due_at"

    @admin.display(description=_("due"), ordering="due_at")
    def due(self, entry: FollowUp) -> str:
        return show_when(entry.due_at, entry.appointment.location)

    @admin.display(description=_("reason"), ordering="reason")
    def why(self, entry: FollowUp) -> str:
        return phrase_for(entry.reason, entry.detail)

    @admin.display(description=_("settled"), ordering="resolved_at")
    def settled(self, entry: FollowUp) -> str:
        return show_when(entry.resolved_at, entry.appointment.location)

    @admin.display(description=_("appointment of"))
    def patient(self, entry: FollowUp) -> str:
        return link_to_appointment(entry.appointment_id, entry.contact)
