"""The texts that confirmed opt-outs, with their exact words."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from contacts.admin.columns import show_number
from contacts.admin.history import HistoryAdmin
from reminders.models import OptOutConfirmation
from reminders.rules.reasons import phrase_for


@admin.register(OptOutConfirmation)
class OptOutConfirmationAdmin(HistoryAdmin[OptOutConfirmation]):
    list_display = ("opted_out_at", "masked", "state", "why", "text", "submitted_at")
    list_filter = ("state",)
    list_select_related = ("entry__number",)
    search_fields = ("entry__number__e164", "robotalker_id__exact")
    search_help_text = _("the number like +12025550100, or Robotalker's id of the text")

    @admin.display(description=_("opted out"), ordering="entry__at")
    def opted_out_at(self, confirmation: OptOutConfirmation) -> object:
        return confirmation.entry.at

    @admin.display(description=_("number"), ordering="entry__number__e164")
    def masked(self, confirmation: OptOutConfirmation) -> str:
        return show_number(confirmation.entry.number)

    @admin.display(description=_("reason"), ordering="reason")
    def why(self, confirmation: OptOutConfirmation) -> str:
        return phrase_for(confirmation.reason, confirmation.detail).strip()
