"""Reminders: their state and the reason for it."""

from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.admin.columns import link_to_appointment, show_when
from contacts.admin.history import HistoryAdmin, LocationFilter
from contacts.large_tables import list_values
from reminders.desk.orders import put_back_reminders, skip_reminders
from reminders.models import Reminder
from reminders.rules.reasons import Reason
from reminders.rules.states import REMINDER_OPEN


class DueFilter(admin.SimpleListFilter):
    """Open reminders that are due, or that are still ahead."""

    title = gettext_lazy("due")
    parameter_name = "open"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("due", _("due by now")), ("ahead", _("still ahead"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Reminder]) -> QuerySet[Reminder]:
        opened = queryset.filter(state__in=REMINDER_OPEN)
        if self.value() == "due":
            return opened.filter(due_at__lte=timezone.now())
        return opened.filter(due_at__gt=timezone.now()) if self.value() == "ahead" else queryset


class ReasonFilter(admin.SimpleListFilter):
    """The reason for its state, in words."""

    title = gettext_lazy("reason")
    parameter_name = "why"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(code, show_reason(code)) for code in list_values(model_admin.model, "reason") if code]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Reminder]) -> QuerySet[Reminder]:
        return queryset.filter(reason=self.value()) if self.value() else queryset


def show_reason(code: str) -> str:
    """The sentence of a reason code; an unknown code itself."""
    try:
        return str(Reason(code).label)
    except ValueError:
        return code


@admin.register(Reminder)
class ReminderAdmin(HistoryAdmin[Reminder]):
    list_display = ("due", "patient", "step", "state", "why", "looks_again", "location", "campaign")
    list_filter = (
        "state",
        DueFilter,
        ReasonFilter,
        ("appointment__location", LocationFilter),
        "step__campaign",
        "channel",
    )
    list_select_related = ("appointment__contact", "appointment__location", "step__campaign")
    search_fields = ("appointment__contact__first_name", "appointment__contact__last_name")
    date_hierarchy = "due_at"
    actions = ("skip", "put_back")

    def has_skip_permission(self, request: HttpRequest) -> bool:
        """Only users who may pause all sending may do these in bulk; the front desk does them one by one."""
        return request.user.has_perm("reminders.change_sendingswitch")

    @admin.action(description=gettext_lazy("Skip (don't send these)"), permissions=["skip"])
    def skip(self, request: HttpRequest, queryset: QuerySet[Reminder]) -> None:
        asked = list(queryset.order_by("pk").values_list("pk", flat=True))
        skipped = skip_reminders(asked, by=cast(User, request.user))
        words = _("%(skipped)d of %(count)d skipped.") % {"skipped": skipped, "count": len(asked)}
        if skipped < len(asked):
            words += " " + _("The others were no longer waiting: they had been sent, or had ended before.")
        self.message_user(request, words, messages.SUCCESS if skipped == len(asked) else messages.WARNING)

    @admin.action(description=gettext_lazy("Put back (plan these again)"), permissions=["skip"])
    def put_back(self, request: HttpRequest, queryset: QuerySet[Reminder]) -> None:
        asked = list(queryset.order_by("pk").values_list("pk", flat=True))
        put_back = put_back_reminders(asked, by=cast(User, request.user))
        words = _("%(put_back)d of %(count)d put back.") % {"put_back": put_back, "count": len(asked)}
        if put_back < len(asked):
            words += " " + _(
                "The others can't be put back: they were not skipped or missed, may have reached the "
                "patient, or would be too late."
            )
        self.message_user(request, words, messages.SUCCESS if put_back == len(asked) else messages.WARNING)

    @admin.display(description=gettext_lazy("due"), ordering="due_at")
    def due(self, reminder: Reminder) -> str:
        return show_when(reminder.due_at, reminder.appointment.location)

    @admin.display(description=gettext_lazy("next check"), ordering="next_look_at")
    def looks_again(self, reminder: Reminder) -> str:
        if reminder.state not in REMINDER_OPEN:
            return "-"
        return show_when(reminder.next_look_at, reminder.appointment.location)

    @admin.display(description=gettext_lazy("patient"))
    def patient(self, reminder: Reminder) -> str:
        return link_to_appointment(reminder.appointment_id, reminder.appointment.contact)

    @admin.display(description=gettext_lazy("why"), ordering="reason")
    def why(self, reminder: Reminder) -> str:
        return show_reason(reminder.reason)

    @admin.display(description=gettext_lazy("location"))
    def location(self, reminder: Reminder) -> str:
        return reminder.appointment.location.name

    @admin.display(description=gettext_lazy("campaign"))
    def campaign(self, reminder: Reminder) -> str:
        return reminder.step.campaign.name
