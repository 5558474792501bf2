"""The texts of staff and patients, as a record; and the words that staff often begin with."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from contacts.admin.columns import show_number
from contacts.admin.history import ClinicAdmin, HistoryAdmin
from reminders.models import ReceivedText, StaffText, TextTemplate
from reminders.rules.reasons import phrase_for

SEARCH_HELP = _("the number like +12025550100")


@admin.register(StaffText)
class StaffTextAdmin(HistoryAdmin[StaffText]):
    list_display = ("created_at", "masked", "by", "state", "why", "text")
    list_filter = ("state", "by")
    list_select_related = ("number", "by")
    search_fields = ("number__e164", "robotalker_id__exact")
    search_help_text = _("the number like +12025550100, or Robotalker's id of the text")

    @admin.display(description=_("number"), ordering="number__e164")
    def masked(self, text: StaffText) -> str:
        return show_number(text.number)

    @admin.display(description=_("reason"), ordering="reason")
    def why(self, text: StaffText) -> str:
        return phrase_for(text.reason, text.detail).strip()


@admin.register(ReceivedText)
class ReceivedTextAdmin(HistoryAdmin[ReceivedText]):
    list_display = ("at", "masked", "text", "needs_reader", "read_at", "read_by")
    list_filter = ("needs_reader",)
    list_select_related = ("number", "read_by")
    search_fields = ("number__e164",)
    search_help_text = SEARCH_HELP

    @admin.display(description=_("number"), ordering="number__e164")
    def masked(self, text: ReceivedText) -> str:
        return show_number(text.number)


@admin.register(TextTemplate)
class TextTemplateAdmin(ClinicAdmin[TextTemplate]):
    list_display = ("name", "text")
