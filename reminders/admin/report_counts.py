"""What reports are read from, to look at: the counts, and what is to be counted again."""

from django.contrib import admin
from django.http import HttpRequest

from contacts.admin.history import HistoryAdmin, ModelT
from reminders.models import CallCount, FrozenCounts, ReportMark, ResultCount, VisitCount


class CountAdmin(HistoryAdmin[ModelT]):
    """Not among the tables of the first page: people read reports."""

    exclude = ("weekday",)  # the day says it

    def has_module_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(CallCount)
class CallCountAdmin(CountAdmin[CallCount]):
    list_display = ("day", "hour", "location", "campaign", "channel", "outcome", "answer", "count")
    list_select_related = ("location", "campaign")
    list_filter = ("channel", "outcome")


@admin.register(VisitCount)
class VisitCountAdmin(CountAdmin[VisitCount]):
    list_display = ("day", "location", "campaign", "status", "answer", "contact_made", "count")
    list_select_related = ("location", "campaign")
    list_filter = ("status", "contact_made")


@admin.register(ResultCount)
class ResultCountAdmin(CountAdmin[ResultCount]):
    list_display = ("day", "location", "campaign", "result", "hours_ahead", "count")
    list_select_related = ("location", "campaign")
    list_filter = ("result",)


@admin.register(ReportMark)
class ReportMarkAdmin(CountAdmin[ReportMark]):
    list_display = ("at", "what", "row_id", "day")


@admin.register(FrozenCounts)
class FrozenCountsAdmin(CountAdmin[FrozenCounts]):
    list_display = ("before",)
