"""Who looked at the evidence of which call, and what is kept for a dispute."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _

from contacts.admin.columns import link_to_appointment
from contacts.admin.history import ClinicAdmin, HistoryAdmin
from contacts.database.clock import read_database_clock
from reminders.models import EvidenceHold, EvidenceLook


@admin.register(EvidenceLook)
class EvidenceLookAdmin(HistoryAdmin[EvidenceLook]):
    list_display = ("at", "by", "how", "patient")
    list_filter = ("how",)
    list_select_related = ("by", "call__reminder__appointment__contact")
    date_hierarchy = "at"

    @admin.display(description=_("patient"))
    def patient(self, look: EvidenceLook) -> str:
        appointment = look.call.reminder.appointment
        return link_to_appointment(appointment.pk, appointment.contact)


@admin.register(EvidenceHold)
class EvidenceHoldAdmin(ClinicAdmin[EvidenceHold]):
    """A hold is begun by adding it, and ended by an action; it is neither changed nor deleted."""

    list_display = ("at", "by", "patient", "reason", "ended_at", "ended_by")
    list_select_related = ("by", "ended_by", "call__reminder__appointment__contact")
    list_filter = (("ended_at", admin.EmptyFieldListFilter),)
    date_hierarchy = "at"
    raw_id_fields = ("call",)
    fields = ("call", "reason")
    actions = ("end_hold",)

    def has_change_permission(self, request: HttpRequest, obj: EvidenceHold | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: EvidenceHold | None = None) -> bool:
        return False

    def has_end_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("reminders.change_evidencehold")

    def save_model(self, request: HttpRequest, obj: EvidenceHold, form: Any, change: bool) -> None:
        assert request.user.is_authenticated  # noqa: S101 - the admin is for logins
        obj.by, obj.at = request.user, read_database_clock()
        super().save_model(request, obj, form, change)

    @admin.display(description=_("patient"))
    def patient(self, hold: EvidenceHold) -> str:
        appointment = hold.call.reminder.appointment
        return link_to_appointment(appointment.pk, appointment.contact)

    @admin.action(description=_("End the hold"), permissions=["end"])
    def end_hold(self, request: HttpRequest, queryset: QuerySet[EvidenceHold]) -> None:
        open_ones = EvidenceHold.objects.filter(pk__in=queryset.values("pk"), ended_at=None)
        count = open_ones.update(ended_at=read_database_clock(), ended_by=request.user)
        self.message_user(request, say("%(count)d ended.") % {"count": count}, messages.SUCCESS)
