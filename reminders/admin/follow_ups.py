"""Follow-ups, resolved ones too. They are worked on the worklist page."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from contacts.admin.columns import link_to_appointment, show_when
from contacts.admin.history import HistoryAdmin, LocationFilter
from reminders.models import FollowUp
from reminders.pages.worklist_words import location_of
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
    list_filter = ("state", "kind", ("appointment__location", LocationFilter), "resolved_by")
    list_select_related = ("contact", "appointment__location", "taken_by", "resolved_by")
    search_fields = ("contact__first_name", "contact__last_name", "note", "detail")
    date_hierarchy = "due_at"

    @admin.display(description=_("due"), ordering="due_at")
    def due(self, follow_up: FollowUp) -> str:
        return show_when(follow_up.due_at, location_of(follow_up))

    @admin.display(description=_("reason"), ordering="reason")
    def why(self, follow_up: FollowUp) -> str:
        return phrase_for(follow_up.reason, follow_up.detail)

    @admin.display(description=_("resolved"), ordering="resolved_at")
    def settled(self, follow_up: FollowUp) -> str:
        return show_when(follow_up.resolved_at, location_of(follow_up))

    @admin.display(description=_("patient"))
    def patient(self, follow_up: FollowUp) -> str:
        if follow_up.appointment_id is None or follow_up.contact is None:
            return "-"
        return link_to_appointment(follow_up.appointment_id, follow_up.contact)
