"""Calls and text messages: the text, the result, and when."""

from typing import Any

from django.contrib import admin
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, OuterRef, QuerySet
from django.db.models.functions import JSONObject
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from contacts.admin.columns import link_to_appointment, show_number, show_when
from contacts.admin.history import HistoryAdmin, KnownValuesFilter, LocationFilter
from contacts.models import Contact
from contacts.models.people import Channel
from contacts.templatetags.display import day_and_clock
from reminders.models import CallBatch, CallCompanion, CallRecord
from reminders.reports.batches import NOT_ENDED, ComparedCount, compare_counts
from reminders.rules.keys import ANOTHER_TIME, CONFIRM, MEANINGS, OPT_OUT
from reminders.rules.reasons import phrase_for
from reminders.rules.states import CALL_OPEN, CallState
from reminders.sweeps.batch_status import NOT_FOUND, request_questions

PATIENT = ("id", "first_name", "last_name", "erased_at")


class WaitsFilter(admin.SimpleListFilter):
    """Whether a result is still awaited."""

    title = _("outcome")
    parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("waits", _("not known yet")), ("there", _("known"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[CallRecord]) -> QuerySet[CallRecord]:
        if self.value() == "waits":
            return queryset.filter(state__in=CALL_OPEN)
        if self.value() == "there":
            return queryset.exclude(state__in=CALL_OPEN)
        return queryset


class KeyFilter(admin.SimpleListFilter):
    """Which key was pressed, if any."""

    title = _("key pressed")
    parameter_name = "key"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            (CONFIRM, _("1: confirm")),
            (ANOTHER_TIME, _("2: another time")),
            (OPT_OUT, _("9: no more calls")),
            ("other", _("another key")),
            ("any", _("any")),
            ("none", _("none")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[CallRecord]) -> QuerySet[CallRecord]:
        key = self.value()
        if key is None:
            return queryset
        if key == "none":
            return queryset.filter(key_pressed="")
        pressed = queryset.exclude(key_pressed="")
        if key == "any":
            return pressed
        return (
            pressed.exclude(key_pressed__in=MEANINGS) if key == "other" else pressed.filter(key_pressed=key)
        )


@admin.register(CallRecord)
class CallRecordAdmin(HistoryAdmin[CallRecord]):
    list_display = (
        "sent",
        "patient",
        "masked",
        "channel",
        "mode",
        "state",
        "why",
        "key_pressed",
        "amd_result",
        "location",
        "campaign",
    )
    list_filter = (
        "state",
        WaitsFilter,
        KeyFilter,
        "channel",
        "mode",
        ("amd_result", KnownValuesFilter),
        ("missing_language", admin.EmptyFieldListFilter),
        ("reminder__appointment__location", LocationFilter),
        "reminder__step__campaign",
        ("batch", admin.EmptyFieldListFilter),
    )
    shown_in_words = ("reason",)  # as "why"; the admin's first page leads to the calls of each
    readonly_fields = ("spoke_of",)
    exclude = ("decision",)  # its evidence shows it in words
    list_select_related = (
        "number",
        "batch",
        "reminder__appointment__contact",
        "reminder__appointment__location",
        "reminder__step__campaign",
    )
    search_fields = (
        "robotalker_id__exact",
        "public_id__exact",
        "number__e164",
        "reminder__appointment__contact__first_name",
        "reminder__appointment__contact__last_name",
        "companions__reminder__appointment__contact__first_name",
        "companions__reminder__appointment__contact__last_name",
    )
    search_help_text = _("Robotalker's ID or ours, the number like +12025550100, or a name")
    date_hierarchy = "submitting_at"

    def get_queryset(self, request: HttpRequest) -> QuerySet[CallRecord]:
        """With `others`: of each companion the appointment's id, and what the patient's name is made of."""
        names = {name: f"reminder__appointment__contact__{name}" for name in PATIENT}
        row = JSONObject(appointment="reminder__appointment_id", **names)
        others = CallCompanion.objects.filter(call=OuterRef("pk")).order_by("pk").values(row=row)
        return super().get_queryset(request).annotate(others=ArraySubquery(others))

    @admin.display(description=_("sent"), ordering="submitting_at")
    def sent(self, call: CallRecord) -> str:
        return show_when(call.submitting_at, call.reminder.appointment.location)

    @admin.display(description=_("patient"))
    def patient(self, call: CallRecord) -> str:
        """Each appointment that the call was about, linked to its page."""
        visit = call.reminder.appointment
        patients: list[tuple[int, Contact]] = [(visit.pk, visit.contact)]
        for other in call.others:  # type: ignore[attr-defined] # get_queryset() reads them
            patients.append((other["appointment"], Contact(**{name: other[name] for name in PATIENT})))
        return format_html_join(", ", "{}", ((link_to_appointment(*one),) for one in patients))

    @admin.display(description=_("appointments"))
    def spoke_of(self, call: CallRecord) -> str:
        return self.patient(call)

    @admin.display(description=_("number"))
    def masked(self, call: CallRecord) -> str:
        return show_number(call.number)

    @admin.display(description=_("reason"), ordering="reason")
    def why(self, call: CallRecord) -> str:
        return phrase_for(call.reason, call.detail)

    @admin.display(description=_("location"))
    def location(self, call: CallRecord) -> str:
        return call.reminder.appointment.location.name

    @admin.display(description=_("campaign"))
    def campaign(self, call: CallRecord) -> str:
        return call.reminder.step.campaign.name


@admin.register(CallCompanion)
class CallCompanionAdmin(HistoryAdmin[CallCompanion]):
    """The other appointments that a household's call was about."""

    list_display = ("sent", "patient", "lead", "masked", "state")
    list_select_related = (
        "call__number",
        "call__reminder__appointment__contact",
        "reminder__appointment__contact",
        "reminder__appointment__location",
    )
    search_fields = (
        "call__robotalker_id__exact",
        "reminder__appointment__contact__first_name",
        "reminder__appointment__contact__last_name",
    )

    @admin.display(description=_("sent"), ordering="call__submitting_at")
    def sent(self, companion: CallCompanion) -> str:
        return show_when(companion.call.submitting_at, companion.reminder.appointment.location)

    @admin.display(description=_("patient"))
    def patient(self, companion: CallCompanion) -> str:
        appointment = companion.reminder.appointment
        return link_to_appointment(appointment.pk, appointment.contact)

    @admin.display(description=_("in one call with"))
    def lead(self, companion: CallCompanion) -> str:
        appointment = companion.call.reminder.appointment
        return link_to_appointment(appointment.pk, appointment.contact)

    @admin.display(description=_("number"))
    def masked(self, companion: CallCompanion) -> str:
        return show_number(companion.call.number)

    @admin.display(description=_("state"), ordering="call__state")
    def state(self, companion: CallCompanion) -> str:
        return companion.call.get_state_display()


@admin.register(CallBatch)
class CallBatchAdmin(HistoryAdmin[CallBatch]):
    """Calls or texts that went out together, with Robotalker's counts beside our own."""

    list_display = (
        "created_at",
        "channel",
        "mode",
        "robotalker_id",
        "call_count",
        "robotalker_says",
        "differs",
    )
    list_filter = ("channel", "reported_status")
    readonly_fields = ("robotalker_says", "comparison")
    search_fields = ("robotalker_id__exact", "public_id__exact")
    search_help_text = _("Robotalker's ID or ours")
    date_hierarchy = "created_at"
    actions = ("ask_robotalker",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[CallBatch]:
        return super().get_queryset(request).annotate(call_count=Count("calls"))

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The list, with the comparison of all its rows read at once."""
        changelist = super().get_changelist_instance(request)
        rows = list(changelist.result_list)
        counts = compare_counts(rows)
        for batch in rows:
            batch.counts = counts[batch.pk]
        changelist.result_list = rows
        return changelist

    @admin.display(description=_("calls or texts"), ordering="call_count")
    def call_count(self, batch: CallBatch) -> int:
        return int(batch.call_count)  # type: ignore[attr-defined] # annotated above

    @admin.display(description=_("Robotalker says"), ordering="reported_at")
    def robotalker_says(self, batch: CallBatch) -> str:
        if batch.channel == Channel.SMS:
            return gettext("Robotalker can't be asked about texts.")
        if batch.is_question_wanted:
            return gettext("It will be asked within a minute.")
        if batch.reported_at is None:
            return gettext("It was not asked.")
        if batch.reported_status == NOT_FOUND:
            return gettext("It knows no campaign with this ID.")
        when = day_and_clock(timezone.localtime(batch.reported_at))
        return gettext("“%(word)s”, %(when)s") % {"word": batch.reported_status, "when": when}

    @admin.display(description=_("differs"))
    def differs(self, batch: CallBatch) -> str:
        """How many calls Robotalker counts under another outcome than we do."""
        counts: list[ComparedCount] = batch.counts  # type: ignore[attr-defined] # read above
        if all(count.theirs is None for count in counts):
            return "–"
        more = sum(max(count.difference, 0) for count in counts)
        fewer = sum(max(-count.difference, 0) for count in counts)
        return str(max(more, fewer) or gettext("no"))

    @admin.display(description=_("outcomes"))
    def comparison(self, batch: CallBatch) -> str:
        """A table: each outcome, our count, Robotalker's, and the difference."""
        rows = (
            (
                _name_outcome(count.outcome),
                count.ours,
                "–" if count.theirs is None else count.theirs,
                f"{count.difference:+d}" if count.difference else "",
            )
            for count in compare_counts([batch])[batch.pk]
        )
        return format_html(
            "<table><thead><tr><th>{}</th><th>{}</th><th>{}</th><th>{}</th></tr></thead><tbody>{}</tbody></table>",
            gettext("Outcome"),
            gettext("Our count"),
            gettext("Robotalker's count"),
            gettext("Difference"),
            format_html_join("", "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>", rows),
        )

    @admin.action(description=_("Ask Robotalker for its counts"), permissions=["ask"])
    def ask_robotalker(self, request: HttpRequest, batches: QuerySet[CallBatch]) -> None:
        """The next round asks about them; a request from here could hang for seconds."""
        wanted = request_questions(batches)
        self.message_user(
            request,
            ngettext(
                "Robotalker will be asked about %(count)s campaign within a minute. Reload the page then.",
                "Robotalker will be asked about %(count)s campaigns within a minute. Reload the page then.",
                wanted,
            )
            % {"count": wanted},
        )

    def has_ask_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("reminders.change_sendingswitch")


def _name_outcome(outcome: str) -> str:
    """An outcome of compare_counts() in words; a word of Robotalker's that we don't know is in quotes."""
    if outcome == NOT_ENDED:
        return gettext("not known yet")
    return str(dict(CallState.choices).get(outcome, f"“{outcome}”"))
