"""Admin pages of outgoing webhooks and calendar feeds."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Count, Q, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from contacts.admin.history import ClinicAdmin, HistoryAdmin, HistoryInline
from contacts.audit.trail import record_deed
from contacts.forms.times import DayAndClockField
from contacts.public_requests import PublicRequestError, check_public_url
from webhooks.outgoing.endpoints import (
    end_old_secrets,
    replay_deliveries,
    replay_since,
    rotate_secrets,
    send_test_events,
    switch_off,
    switch_on,
)
from webhooks.outgoing.feeds import make_feed, revoke_feeds, write_address
from webhooks.outgoing.models import (
    WANTED_TYPES,
    CalendarFeed,
    DeliveryAttempt,
    OutgoingDelivery,
    OutgoingEndpoint,
    OutgoingEvent,
)
from webhooks.outgoing.signing import BadSecret, check_secret


class EndpointForm(ModelForm[OutgoingEndpoint]):
    """An endpoint as an admin enters it; "send again" is done once when the form is saved."""

    types = forms.MultipleChoiceField(
        label=gettext_lazy("Events wanted"), choices=WANTED_TYPES, widget=forms.CheckboxSelectMultiple
    )
    send_again_since = DayAndClockField(
        required=False,
        help_text=gettext_lazy(
            "All events that it wants since then are sent once more, with the same ids. Empty: nothing."
        ),
    )

    class Meta:
        model = OutgoingEndpoint
        fields = ("name", "url", "types", "with_number", "secret")
        widgets = {
            "url": forms.TextInput(attrs={"class": "vURLField"}),
            "secret": forms.TextInput(attrs={"class": "vURLField", "autocomplete": "off"}),
        }

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"].strip()
        try:
            check_public_url(url)
        except PublicRequestError as error:
            raise ValidationError(str(error.fault.label)) from error
        return url

    def clean_secret(self) -> str:
        secret: str = self.cleaned_data["secret"].strip()
        try:
            check_secret(secret)
        except BadSecret as error:
            raise ValidationError(
                _("A secret is “whsec_” and 24 to 64 random bytes in base64. Keep the one that was offered.")
            ) from error
        return secret


@admin.register(OutgoingEndpoint)
class OutgoingEndpointAdmin(ClinicAdmin[OutgoingEndpoint]):
    form = EndpointForm
    list_display = ("name", "state", "failing_since", "waiting", "given_up", "with_number")
    list_filter = ("state",)
    readonly_fields = ("state", "failing_since", "failures", "paused_until")
    actions = (
        "send_test",
        "switch_on",
        "switch_off",
        "rotate_secrets",
        "end_old_secrets",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[OutgoingEndpoint]:
        states = OutgoingDelivery.State
        return (
            super()
            .get_queryset(request)
            .annotate(
                waiting_count=Count("deliveries", Q(deliveries__state=states.WAITING)),
                given_up_count=Count("deliveries", Q(deliveries__state=states.GIVEN_UP)),
            )
        )

    def get_exclude(self, request: HttpRequest, obj: OutgoingEndpoint | None = None) -> tuple[str, ...]:
        """Who may only look sees no secret."""
        may_change = request.user.has_perm("webhooks.change_outgoingendpoint")
        return () if may_change else ("secret", "send_again_since")

    def get_fields(self, request: HttpRequest, obj: OutgoingEndpoint | None = None) -> list[Any]:
        fields = ["name", "url", "types", "with_number", "secret"]
        if obj:
            fields += ["send_again_since", *self.readonly_fields]
        hidden = self.get_exclude(request, obj)
        return [name for name in fields if name not in hidden]

    def has_delete_permission(self, request: HttpRequest, obj: OutgoingEndpoint | None = None) -> bool:
        """What was sent to it stays on record: it is switched off instead."""
        return False

    def save_model(self, request: HttpRequest, obj: OutgoingEndpoint, form: Any, change: bool) -> None:
        """Save what was entered, and nothing that a worker may be writing meanwhile."""
        if not change:
            obj.save()
        elif changed := [name for name in form.changed_data if name in EndpointForm.Meta.fields]:
            obj.save(update_fields=changed)
        if since := form.cleaned_data.get("send_again_since") if change else None:
            self._say(request, _("Sent once more: %(count)d events."), replay_since(obj.pk, since))

    @admin.display(description=gettext_lazy("to be sent"))
    def waiting(self, endpoint: OutgoingEndpoint) -> int:
        return int(endpoint.waiting_count)  # type: ignore[attr-defined]

    @admin.display(description=gettext_lazy("given up"))
    def given_up(self, endpoint: OutgoingEndpoint) -> int:
        return int(endpoint.given_up_count)  # type: ignore[attr-defined]

    @admin.action(description=gettext_lazy("Send a test event"), permissions=["change"])
    def send_test(self, request: HttpRequest, queryset: QuerySet[OutgoingEndpoint]) -> None:
        sent = send_test_events(_ids(queryset))
        self._say(request, _("%(count)d test events will be sent within seconds."), sent)

    @admin.action(description=gettext_lazy("Switch on"), permissions=["change"])
    def switch_on(self, request: HttpRequest, queryset: QuerySet[OutgoingEndpoint]) -> None:
        self._say(request, _("%(count)d switched on."), switch_on(_ids(queryset)))

    @admin.action(description=gettext_lazy("Switch off"), permissions=["change"])
    def switch_off(self, request: HttpRequest, queryset: QuerySet[OutgoingEndpoint]) -> None:
        self._say(request, _("%(count)d switched off."), switch_off(_ids(queryset)))

    @admin.action(
        description=gettext_lazy("Make a new secret (the old one signs too)"), permissions=["change"]
    )
    def rotate_secrets(self, request: HttpRequest, queryset: QuerySet[OutgoingEndpoint]) -> None:
        words = _("%(count)d new secrets. Give them to the receivers, then end the old ones.")
        self._say(request, words, rotate_secrets(_ids(queryset)))

    @admin.action(description=gettext_lazy("End the old secret"), permissions=["change"])
    def end_old_secrets(self, request: HttpRequest, queryset: QuerySet[OutgoingEndpoint]) -> None:
        self._say(request, _("%(count)d old secrets ended."), end_old_secrets(_ids(queryset)))

    def _say(self, request: HttpRequest, words: str, count: int) -> None:
        self.message_user(request, words % {"count": count}, messages.SUCCESS if count else messages.WARNING)


class AttemptInline(HistoryInline):
    model = DeliveryAttempt
    fields = ("begun_at", "status", "fault", "milliseconds", "answer")
    readonly_fields = fields
    verbose_name_plural = gettext_lazy("attempts")


@admin.register(OutgoingDelivery)
class OutgoingDeliveryAdmin(HistoryAdmin[OutgoingDelivery]):
    list_display = (
        "event_type",
        "endpoint",
        "state",
        "attempts",
        "occurred_at",
        "next_attempt_at",
        "delivered_at",
    )
    list_filter = ("state", "endpoint", "event__type")
    list_select_related = ("event", "endpoint")
    search_fields = ("event__public_id__exact",)
    inlines = (AttemptInline,)
    actions = ("send_again",)

    @admin.display(description=gettext_lazy("event"))
    def event_type(self, delivery: OutgoingDelivery) -> str:
        return delivery.event.get_type_display()

    @admin.display(description=gettext_lazy("occurred"), ordering="event__occurred_at")
    def occurred_at(self, delivery: OutgoingDelivery) -> Any:
        return delivery.event.occurred_at

    def has_replay_permission(self, request: HttpRequest) -> bool:
        """Sending has effects elsewhere, so it needs the permission to change endpoints."""
        return request.user.has_perm("webhooks.change_outgoingendpoint")

    @admin.action(description=gettext_lazy("Send again"), permissions=["replay"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[OutgoingDelivery]) -> None:
        count = replay_deliveries(list(queryset.values_list("pk", flat=True)))
        words = ngettext("%(count)d is sent again.", "%(count)d are sent again.", count)
        self.message_user(request, words % {"count": count}, messages.SUCCESS)


@admin.register(DeliveryAttempt)
class DeliveryAttemptAdmin(HistoryAdmin[DeliveryAttempt]):
    list_display = ("begun_at", "endpoint", "status", "fault", "milliseconds")
    list_filter = ("status", "fault", "delivery__endpoint")
    list_select_related = ("delivery__endpoint",)
    search_fields = ("delivery__event__public_id__exact",)

    @admin.display(description=gettext_lazy("endpoint"))
    def endpoint(self, attempt: DeliveryAttempt) -> str:
        return attempt.delivery.endpoint.name


@admin.register(OutgoingEvent)
class OutgoingEventAdmin(HistoryAdmin[OutgoingEvent]):
    list_display = ("public_id", "type", "occurred_at", "distributed_at")
    list_filter = ("type",)
    search_fields = ("public_id__exact",)
    date_hierarchy = "occurred_at"


@admin.register(CalendarFeed)
class CalendarFeedAdmin(ClinicAdmin[CalendarFeed]):
    list_display = ("name", "provider", "naming", "made_at", "read_at", "revoked_at")
    list_select_related = ("provider",)
    list_filter = ("naming", "provider")
    actions = ("revoke",)

    def get_fields(self, request: HttpRequest, obj: CalendarFeed | None = None) -> tuple[str, ...]:
        entered = ("provider", "name", "naming")
        return (*entered, "made_at", "made_by", "read_at", "revoked_at", "revoked_by") if obj else entered

    def has_change_permission(self, request: HttpRequest, obj: CalendarFeed | None = None) -> bool:
        """A feed is never changed, so that whoever has its address doesn't get more than was agreed."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: CalendarFeed | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: CalendarFeed, form: Any, change: bool) -> None:
        """Make the feed; its secret is kept only until this request is answered."""
        assert request.user.is_authenticated  # noqa: S101 - the admin is for logins
        obj.token = make_feed(obj, by=request.user)  # type: ignore[attr-defined]
        changes = {"naming": ("", obj.naming), "provider": (None, str(obj.provider))}
        record_deed("admin:webhooks_calendarfeed_add", by=request.user, about=obj, changes=changes)

    def response_add(
        self, request: HttpRequest, obj: CalendarFeed, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Show the address, this once: only the digest of its secret is stored."""
        address = write_address(obj.token)  # type: ignore[attr-defined]
        context = {**self.admin_site.each_context(request), "feed": obj, "address": address}
        context |= {"title": _("The address of the calendar"), "opts": self.opts}
        return TemplateResponse(request, "admin/webhooks/calendar_made.html", context)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("webhooks.change_calendarfeed")

    @admin.action(description=gettext_lazy("Revoke: the address stops working"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[CalendarFeed]) -> None:
        assert request.user.is_authenticated  # noqa: S101 - the admin is for logins
        count = revoke_feeds(_ids(queryset), by=request.user, at=timezone.now())
        self.message_user(request, _("%(count)d revoked.") % {"count": count}, messages.SUCCESS)


def _ids(queryset: QuerySet[Any]) -> list[int]:
    return list(queryset.values_list("pk", flat=True))
