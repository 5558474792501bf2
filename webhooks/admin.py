"""The inbox: each webhook request as it was received, and its state."""

import json
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from contacts.admin.columns import link_to_appointment
from contacts.admin.history import HistoryAdmin, HistoryInline
from webhooks.applying import apply_again, is_stuck
from webhooks.dismissing import LONGEST_REASON, dismiss_events, read_dismissal_reason
from webhooks.models import EventDismissal, RetentionRun, WebhookEvent
from webhooks.oddities import write_out_oddities
from webhooks.outgoing import admin as outgoing  # noqa: F401 - registers the pages of the outgoing door

MOST_INDENTED = 20  # times as long as the body
MOST_AT_ONCE = 200  # events that are dismissed with one reason


def write_out(body: bytes | memoryview) -> str:
    """A body as text: JSON is indented, anything else unchanged; bytes that are no UTF-8 are replaced.

    A lone surrogate, which JSON can name and no page can be written with, stays as the body names it.
    """
    text = bytes(body).decode("utf-8", errors="replace")
    try:
        indented = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text
    if len(indented) > MOST_INDENTED * len(text):  # nested so deeply that blanks are most of it
        return text
    return indented.encode(errors="backslashreplace").decode()


class StuckFilter(admin.SimpleListFilter):
    """Those that need a person, as the admin's first page counts them."""

    title = gettext_lazy("waits for a person")
    parameter_name = "stuck"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", gettext_lazy("Yes"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[WebhookEvent]) -> QuerySet[WebhookEvent]:
        return queryset.filter(is_stuck()) if self.value() == "yes" else queryset


class DismissalsInline(HistoryInline):
    model = EventDismissal
    fields = ("at", "by", "reason")
    readonly_fields = fields


@admin.register(WebhookEvent)
class WebhookEventAdmin(HistoryAdmin[WebhookEvent]):
    list_display = (
        "received_at",
        "kind",
        "purpose",
        "state",
        "attempts",
        "applied_at",
        "patient",
        "call_state",
    )
    list_filter = (StuckFilter, "state", "kind", "purpose", "content_type")
    list_select_related = ("call__reminder__appointment__contact",)
    search_fields = (
        "call__robotalker_id__exact",
        "call__public_id__exact",
        "batch__robotalker_id__exact",
        "digest__exact",
    )
    search_help_text = gettext_lazy("the whole id of a call or of a batch, or the event's digest")
    date_hierarchy = "received_at"
    exclude = ("body", "passed_over")
    readonly_fields = ("body_text", "was_passed_over")
    actions = ("apply_again", "dismiss")
    inlines = (DismissalsInline,)
    change_form_template = "admin/webhooks/event.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookEvent]:
        events = super().get_queryset(request)
        is_list = request.resolver_match is not None and request.resolver_match.url_name == (
            "webhooks_webhookevent_changelist"
        )
        return events.defer("body", "error") if is_list else events

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: WebhookEvent | None = None,
    ) -> HttpResponse:
        waits = obj is not None and WebhookEvent.objects.filter(is_stuck(), pk=obj.pk).exists()
        context["may_dismiss"] = waits and self.has_apply_permission(request)
        return super().render_change_form(request, context, add, change, form_url, obj)

    @admin.display(description=gettext_lazy("body"))
    def body_text(self, event: WebhookEvent) -> str:
        return format_html("<pre>{}</pre>", write_out(event.body))

    @admin.display(description=gettext_lazy("passed over"))
    def was_passed_over(self, event: WebhookEvent) -> str:
        return write_out_oddities(event.passed_over) or "-"

    @admin.display(description=gettext_lazy("patient"))
    def patient(self, event: WebhookEvent) -> str:
        if event.call is None:
            return "-"
        appointment = event.call.reminder.appointment
        return link_to_appointment(appointment.pk, appointment.contact)

    @admin.display(description=gettext_lazy("call"))
    def call_state(self, event: WebhookEvent) -> str:
        if event.call:
            return event.call.get_state_display()
        return _("several calls") if event.batch_id else _("none")

    def has_apply_permission(self, request: HttpRequest) -> bool:
        """Applying an event again has effects, so it needs the permission to change events."""
        return request.user.has_perm("webhooks.change_webhookevent")

    @admin.action(description=gettext_lazy("Apply again"), permissions=["apply"])
    def apply_again(self, request: HttpRequest, queryset: QuerySet[WebhookEvent]) -> None:
        states = list(apply_again(queryset.values_list("pk", flat=True)).values())
        applied = states.count(WebhookEvent.State.APPLIED)
        words = _("%(applied)d of %(count)d applied.") % {"applied": applied, "count": len(states)}
        self.message_user(request, words, messages.SUCCESS if applied == len(states) else messages.WARNING)

    @admin.action(description=gettext_lazy("Dismiss, with a reason …"), permissions=["apply"])
    def dismiss(self, request: HttpRequest, queryset: QuerySet[WebhookEvent]) -> HttpResponse | None:
        """Ask for a reason, then dismiss those that wait for a person."""
        assert request.user.is_authenticated  # noqa: S101 - the admin is for logins
        written = request.POST.get("reason")
        if reason := read_dismissal_reason(written):
            count = dismiss_events(list(queryset.values_list("pk", flat=True)), reason, by=request.user)
            words = ngettext(
                "%(count)d message was dismissed.", "%(count)d messages were dismissed.", count
            ) % {"count": count}
            self.message_user(request, words, messages.SUCCESS if count else messages.WARNING)
            return None
        events = list(queryset.filter(is_stuck()).defer("body", "error")[:MOST_AT_ONCE])
        if not events:
            words = _("None of these waits for a person.")
            self.message_user(request, words, messages.WARNING)
            return None
        context = {**self.admin_site.each_context(request), "events": events, "opts": self.opts}
        context |= {"title": _("Dismiss messages from Robotalker"), "longest": LONGEST_REASON}
        context |= {"is_empty": written is not None}
        return TemplateResponse(request, "admin/webhooks/dismiss.html", context)


@admin.register(EventDismissal)
class EventDismissalAdmin(HistoryAdmin[EventDismissal]):
    list_display = ("at", "by", "event", "reason")
    list_select_related = ("event", "by")
    list_filter = ("by",)
    date_hierarchy = "at"


@admin.register(RetentionRun)
class RetentionRunAdmin(HistoryAdmin[RetentionRun]):
    list_display = ("begun_at", "ended_at", "is_trial", "counts")
    list_filter = ("is_trial",)
