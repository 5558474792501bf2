"""What people did about follow-ups."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from contacts.admin.columns import link_to_appointment
from contacts.admin.history import HistoryAdmin
from reminders.models import FollowUpDeed


@admin.register(FollowUpDeed)
class FollowUpDeedAdmin(HistoryAdmin[FollowUpDeed]):
    list_display = ("at", "by", "what", "patient", "to", "until", "note")
    list_filter = ("what", "by")
    list_select_related = ("by", "to", "follow_up__contact", "follow_up__appointment")
    search_fields = ("note",)
    date_hierarchy = "at"

    @admin.display(description=_("patient"))
    def patient(self, deed: FollowUpDeed) -> str:
        follow_up = deed.follow_up
        if follow_up.appointment_id is None or follow_up.contact is None:
            return "-"
        return link_to_appointment(follow_up.appointment_id, follow_up.contact)
