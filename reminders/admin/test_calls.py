"""Test calls, and what was checked and tried before going live: a record that nobody can change."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from contacts.admin.columns import show_number
from contacts.admin.history import HistoryAdmin
from reminders.models import AssumptionTrial, LiveCheck, TestCall
from reminders.rules.reasons import phrase_for


@admin.register(TestCall)
class TestCallAdmin(HistoryAdmin[TestCall]):
    list_display = ("created_at", "by", "masked", "purpose", "channel", "mode", "state", "why")
    list_filter = ("purpose", "channel", "mode", "state")
    list_select_related = ("by", "number")
    search_fields = ("number__e164", "robotalker_id__exact", "public_id__exact")
    search_help_text = _("the number like +12025550100, or an ID")

    @admin.display(description=_("number"), ordering="number__e164")
    def masked(self, test: TestCall) -> str:
        return show_number(test.number)

    @admin.display(description=_("reason"), ordering="reason")
    def why(self, test: TestCall) -> str:
        return phrase_for(test.reason, test.detail).strip()


@admin.register(LiveCheck)
class LiveCheckAdmin(HistoryAdmin[LiveCheck]):
    list_display = ("name", "passed", "detail", "by", "at")
    list_select_related = ("by",)
    search_fields = ("name",)


@admin.register(AssumptionTrial)
class AssumptionTrialAdmin(HistoryAdmin[AssumptionTrial]):
    list_display = ("at", "assumption", "result", "is_real", "seen", "by")
    list_filter = ("result", "is_real", "assumption")
    list_select_related = ("by",)
    search_fields = ("assumption", "seen")
