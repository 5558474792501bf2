"""The opt-outs of each number as last sent to Robotalker's contact list."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from contacts.admin.columns import show_number
from contacts.admin.history import HistoryAdmin
from reminders.models import ListedNumber
from reminders.rules.reasons import phrase_for


@admin.register(ListedNumber)
class ListedNumberAdmin(HistoryAdmin[ListedNumber]):
    list_display = (
        "masked",
        "calls_opted_out",
        "texts_opted_out",
        "told_at",
        "failures",
        "next_attempt_at",
        "why",
    )
    list_filter = ("calls_opted_out", "texts_opted_out", ("error", admin.EmptyFieldListFilter))
    list_select_related = ("number",)
    search_fields = ("number__e164",)
    search_help_text = _("the number like +12025550100")
    ordering = ("-failures", "-told_at")

    @admin.display(description=_("number"), ordering="number__e164")
    def masked(self, listed: ListedNumber) -> str:
        return show_number(listed.number)

    @admin.display(description=_("error"), ordering="error")
    def why(self, listed: ListedNumber) -> str:
        return phrase_for(listed.error, listed.detail)
