"""Reminders: what a step owes to one revision of one appointment, and when."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Greatest
from django.utils.translation import gettext_lazy as _

from contacts.database.quick_rows import QuickRows
from contacts.models import Appointment
from contacts.models.people import Channel
from reminders.models.campaigns import Step
from reminders.rules.reasons import UNTIL_PATIENT_AGREES
from reminders.rules.states import ReminderState


class Reminder(QuickRows):
    """One step for one revision of one appointment. It is claimed, opened and settled in this one row."""

    appointment = models.ForeignKey(Appointment, on_delete=models.PROTECT, related_name="reminders")
    step = models.ForeignKey(Step, on_delete=models.PROTECT, related_name="reminders")
    revision = models.PositiveIntegerField(help_text=_("The appointment's revision when this was planned."))
    due_at = models.DateTimeField(help_text=_("When the step says that it is due."))
    not_after = models.DateTimeField(help_text=_("After this it is missed and never sent."))
    next_look_at = models.DateTimeField(help_text=_("When a worker next checks it."))
    try_after = models.DateTimeField(
        null=True, blank=True, help_text=_("After a failed try: when it may be tried again.")
    )
    state = models.CharField(max_length=12, choices=ReminderState, default=ReminderState.PLANNED)
    reason = models.CharField(
        max_length=40, blank=True, help_text=_("Why it is in its state; reminders/rules/reasons.py.")
    )
    claim = models.UUIDField(null=True, blank=True, help_text=_("The claim that holds it."))
    lease_until = models.DateTimeField(null=True, blank=True, help_text=_("By the database's clock."))
    channel = models.CharField(
        max_length=5,
        choices=Channel,
        blank=True,
        default="",
        db_default="",
        help_text=_(
            "Of its next try, where it isn't the step's: a text after its calls have reached nobody."
        ),
    )
    ordered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        help_text=_("Who ordered the next try."),
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["due_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["appointment", "step", "revision"], name="reminder_identity"),
            models.CheckConstraint(condition=Q(state__in=ReminderState.values), name="reminder_state_known"),
            models.CheckConstraint(
                condition=Q(channel__in=["", *Channel.values]), name="reminder_channel_known"
            ),
            models.CheckConstraint(
                condition=Q(state="claimed", claim__isnull=False, lease_until__isnull=False)
                | (~Q(state="claimed") & Q(claim__isnull=True, lease_until__isnull=True)),
                name="reminder_claimed_with_a_lease",
            ),
        ]
        indexes = [
            # reminders/dispatch/claims.py: claim_due
            models.Index(
                fields=["next_look_at", "id"], condition=Q(state="planned"), name="reminder_planned"
            ),
            # reminders/sweeps/early_looks.py, lifecycle/reminders.py: WAITING
            models.Index(
                fields=["id"],
                condition=Q(state="planned", next_look_at__gt=Greatest("due_at", "try_after")),
                name="reminder_waiting",
            ),
            # reminders/sweeps/reconciliation.py: release_expired_claims
            models.Index(fields=["lease_until"], condition=Q(state="claimed"), name="reminder_claimed"),
            # reminders/planning/preferences.py: plan_wanted_again
            models.Index(
                fields=["not_after"],
                condition=Q(state="skipped", reason__in=UNTIL_PATIENT_AGREES),
                name="reminder_not_agreed",
            ),
            # reminders/planning/planner.py: what had no calling hours, and whose contact was edited since
            models.Index(
                fields=["appointment"],
                condition=Q(state="skipped", reason="never_in_hours"),
                name="reminder_without_hours",
            ),
            # reminders/api/views.py: list_page, those that changed
            models.Index(fields=["updated_at", "id"], name="reminder_by_change"),
            # reminders/api/reminders.py: FILTERS
            models.Index(fields=["due_at", "id"], name="reminder_by_due"),
            models.Index(fields=["state", "due_at", "id"], name="reminder_state_and_due"),
        ]

    def __str__(self) -> str:
        return f"reminder {self.pk}"

    @property
    def not_before(self) -> datetime:
        """When it may be sent at the earliest (aware UTC): when due, or later after a try.

        Not `next_look_at`, which is moved again and again while it is held.
        """
        return max(self.due_at, self.try_after or self.due_at)
