"""Each try to reach a number, by voice or by text."""

import secrets

from django.conf import settings
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from contacts.database.quick_rows import QuickRows
from contacts.models import PhoneNumber
from contacts.models.people import Channel
from reminders.models.reminders import Reminder
from reminders.models.scripts import ScriptText
from reminders.rules.modes import SendingMode
from reminders.rules.states import CALL_OPEN, CallState


def make_public_id() -> str:
    """96 random bits, safe in a URL: the id of a try outside this database."""
    return secrets.token_urlsafe(12)


class CallBatch(models.Model):
    """One POST /campaigns, or one POST /sms with several recipients: tries with the same script.

    `reported_...` is what Robotalker last answered about a campaign; it can't be asked about texts.
    """

    public_id = models.CharField(max_length=24, unique=True, default=make_public_id, editable=False)
    channel = models.CharField(max_length=5, choices=Channel, default=Channel.VOICE, db_default=Channel.VOICE)
    mode = models.CharField(max_length=7, choices=SendingMode, blank=True, default="", db_default="")
    robotalker_id = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    asked_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When Robotalker was last asked about it.")
    )
    asked_times = models.PositiveSmallIntegerField(default=0, db_default=0)
    is_question_wanted = models.BooleanField(
        default=False, db_default=False, help_text=_("A person wants Robotalker to be asked about it.")
    )
    reported_at = models.DateTimeField(null=True, blank=True)
    reported_status = models.CharField(max_length=50, blank=True, db_default="")
    reported_counts = models.JSONField(
        default=dict, blank=True, db_default={}, help_text=_("Calls by Robotalker's word for their status.")
    )

    class Meta:
        ordering = ["-created_at"]
        verbose_name_plural = _("call batches")

    def __str__(self) -> str:
        return f"batch {self.pk}"


class CallRecord(QuickRows):
    """One try, by voice or by text. Written as `submitting` and committed before the POST."""

    public_id = models.CharField(max_length=24, unique=True, default=make_public_id, editable=False)
    # no index of its own: those of call_try_once and call_number_once_per_batch serve for reminder and batch
    reminder = models.ForeignKey(Reminder, on_delete=models.PROTECT, related_name="calls", db_index=False)
    number = models.ForeignKey(PhoneNumber, on_delete=models.PROTECT, related_name="calls")
    batch = models.ForeignKey(
        CallBatch, on_delete=models.PROTECT, null=True, blank=True, related_name="calls", db_index=False
    )
    channel = models.CharField(max_length=5, choices=Channel)
    try_number = models.PositiveSmallIntegerField()
    ordered_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True)
    from_number = models.CharField(max_length=16)
    script_text = models.ForeignKey(ScriptText, on_delete=models.PROTECT, related_name="calls")
    missing_language = models.CharField(
        max_length=8,
        blank=True,
        db_default="",
        help_text=_("The patient's language, if the script had no text in it and another was used."),
    )
    variables = models.JSONField(default=dict)
    text = models.TextField(help_text=_("Exactly what is said."))
    mode = models.CharField(
        max_length=7,
        choices=SendingMode,
        blank=True,
        default="",
        db_default="",
        help_text=_("The mode in which it was made; empty for tries from before modes were recorded."),
    )
    state = models.CharField(max_length=12, choices=CallState, default=CallState.SUBMITTING)
    reason = models.CharField(
        max_length=40, blank=True, help_text=_("Why it is in its state; reminders/rules/reasons.py.")
    )
    detail = models.CharField(max_length=200, blank=True, help_text=_("Robotalker's own message about it."))
    decision = models.JSONField(
        null=True,
        blank=True,
        help_text=_(
            "What the last look saw, for the call's evidence; reminders/deciding/stored_decisions.py."
        ),
    )
    robotalker_id = models.CharField(max_length=100, blank=True, db_index=True)
    submitting_at = models.DateTimeField()
    submitted_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    duration_seconds = models.PositiveIntegerField(null=True, blank=True)
    amd_result = models.CharField(_("answered by"), max_length=20, blank=True)
    keys = models.JSONField(default=list, help_text=_("[[ISO time, key], …] as pressed, sorted."))
    key_pressed = models.CharField(
        max_length=8, blank=True, help_text=_("The last of these keys with a meaning, else the last.")
    )
    asked_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When Robotalker was last asked for its result.")
    )
    asked_times = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-submitting_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["reminder", "try_number"], name="call_try_once"),
            models.UniqueConstraint(
                fields=["reminder"], condition=Q(state__in=CALL_OPEN), name="call_one_open_per_reminder"
            ),
            models.UniqueConstraint(
                fields=["batch", "number"],
                condition=Q(batch__isnull=False),
                name="call_number_once_per_batch",
            ),
            models.CheckConstraint(condition=Q(state__in=CallState.values), name="call_state_known"),
        ]
        indexes = [
            # reminders/sweeps/reconciliation.py: calls without a result yet
            models.Index(
                fields=["state", "submitting_at"], condition=Q(state__in=CALL_OPEN), name="call_open"
            ),
            # reminders/deciding/trial_use.py: at each decision, unless a mode without a limit was chosen
            models.Index(fields=["submitting_at"], condition=Q(mode=SendingMode.TRIAL), name="call_on_trial"),
            # reminders/deciding/desk_pace.py: read_paces, the calls of the last minute
            BrinIndex(fields=["submitting_at"], name="call_by_time", autosummarize=True),
            # reminders/api/calls.py: those of a rare state or channel
            models.Index(fields=["state", "id"], name="call_by_state"),
            models.Index(fields=["channel", "id"], name="call_by_channel"),
        ]

    def __str__(self) -> str:
        return f"call {self.public_id}"


class CallCompanion(models.Model):
    """Another reminder that a call is for as well: same number, same day (product rule 12).

    The call's own `reminder` is not among them.
    """

    call = models.ForeignKey(CallRecord, on_delete=models.PROTECT, related_name="companions")
    reminder = models.ForeignKey(Reminder, on_delete=models.PROTECT, related_name="companion_calls")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["call", "reminder"], name="companion_once_per_call")]

    def __str__(self) -> str:
        return f"{self.reminder} in {self.call}"
