"""The switch that pauses all sending, which database this is, and when each process last reported."""

from typing import Any, cast

from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.admin.history import HistoryAdmin
from reminders.desk.resuming import find_due_in_pause
from reminders.models import DatabaseIdentity, Heartbeat, SendingSwitch
from reminders.traffic.switch import pause_sending, read_switch, resume_sending


@admin.register(SendingSwitch)
class SendingSwitchAdmin(HistoryAdmin[SendingSwitch]):
    list_display = (
        *("__str__", "paused_at", "cause", "pause_reason", "by", "probe_at", "gate_until"),
        *("mode", "mode_at", "mode_by", "live_since"),
    )
    list_select_related = ("by", "mode_by")
    actions = ("pause", "resume")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        SendingSwitch.objects.get_or_create(pk=1)  # without a row there is nothing to choose an action for
        return super().changelist_view(request, extra_context)

    def has_switch_permission(self, request: HttpRequest) -> bool:
        """Anyone with the change permission may pause and resume, though no field can be edited."""
        return request.user.has_perm("reminders.change_sendingswitch")

    @admin.action(description=gettext_lazy("Pause all sending"), permissions=["switch"])
    def pause(self, request: HttpRequest, queryset: QuerySet[SendingSwitch]) -> None:
        pause_sending(by=cast(User, request.user))
        self.message_user(request, _("All sending is paused."))

    @admin.action(description=gettext_lazy("Resume sending"), permissions=["switch"])
    def resume(self, request: HttpRequest, queryset: QuerySet[SendingSwitch]) -> HttpResponse | None:
        if find_due_in_pause(read_switch()).in_time:
            return redirect("resume_sending")  # which asks what becomes of it
        resume_sending(by=cast(User, request.user))
        self.message_user(request, _("Sending has resumed."))
        return None


@admin.register(Heartbeat)
class HeartbeatAdmin(HistoryAdmin[Heartbeat]):
    list_display = ("name", "at", "taken", "did", "failed_at", "failure", "failures")
    search_fields = ("name",)

    @admin.display(description=gettext_lazy("queues"))
    def taken(self, heartbeat: Heartbeat) -> str:
        """The queues a worker takes; "" for a sweep."""
        return ", ".join(heartbeat.queues)


@admin.register(DatabaseIdentity)
class DatabaseIdentityAdmin(HistoryAdmin[DatabaseIdentity]):
    list_display = ("name", "since", "fingerprint")
