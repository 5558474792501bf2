"""What a person has to do, and what people did about it."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from contacts.models import Appointment, Contact
from reminders.models.calls import CallRecord
from reminders.models.reminders import Reminder


class FollowUp(models.Model):
    """What a person has to do about one appointment.

    The worklist shows those of one number together, as one entry (reminders/pages/worklist.py).
    """

    class Kind(models.TextChoices):
        WANTS_ANOTHER_TIME = "wants_another_time", _("wants another time")
        COULD_NOT_REACH = "could_not_reach", _("could not be reached")
        UNKNOWN_OUTCOME = "unknown_outcome", _("may or may not have been called")
        WRONG_NUMBER = "wrong_number", _("number can't be used")
        LATE_ANSWER = "late_answer", _("answered for an old time")
        UNCLEAR_ANSWER = "unclear_answer", _("answer not understood")
        MAY_WANT_TO_CANCEL = "may_want_to_cancel", _("may want to cancel")
        DOUBTFUL_OPT_OUT = "doubtful_opt_out", _("may have opted out")
        MISSED = "missed", _("reminder was missed")
        OTHER_PROVIDER = "other_provider", _("told another provider's name")
        VISIT_CHANGED = "visit_changed", _("has to be told of a change")
        NOTHING_FOLLOWS = "nothing_follows", _("no answer, and nothing more goes out")
        EVENT_KEPT_BACK = "event_kept_back", _("message from Robotalker to check")

    class State(models.TextChoices):
        OPEN = "open", _("open")
        TAKEN = "taken", _("taken")
        RESOLVED = "resolved", _("resolved")

    class Resolution(models.TextChoices):
        """How it was resolved; `note` is what a person wrote about it."""

        DONE = "done", _("Done.")
        LEFT_MESSAGE = "left_message", _("A message was left for them.")
        CONFIRMED_BY_PHONE = "confirmed_by_phone", _("They confirmed by phone.")
        WRONG_NUMBER = "wrong_number", _("The number is wrong.")
        NO_LONGER_NEEDED = "no_longer_needed", _("It is no longer needed.")
        CALLED_AGAIN = "called_again", _("They were called again.")
        NOT_CALLED_AGAIN = "not_called_again", _("They were not called again.")
        OVERTAKEN = "overtaken", _("Robotalker reported after all.")
        # what happened meanwhile made it unnecessary (results/unanswered.py)
        ANSWERED = "answered", _("They answered after all.")
        NEW_TRY = "new_try", _("Another reminder goes out.")
        MOVED = "moved", _("The appointment or its number changed; it has new reminders.")
        CANCELLED = "cancelled", _("The appointment was cancelled.")
        VISIT_RECORDED = "visit_recorded", _("The visit was recorded.")
        PASSED = "passed", _("The appointment has passed.")
        OPTED_OUT = "opted_out", _("The patient wants no more calls or texts.")
        NUMBER_USABLE = "number_usable", _("The number can be used again.")
        SAID_BETTER = "said_better", _("Another follow-up says it.")
        APPLIED = "applied", _("The message from Robotalker has been read after all.")
        PUT_BACK = "put_back", _("The reminder was put back.")
        ERASED = "erased", _("The person was erased.")

    kind = models.CharField(max_length=20, choices=Kind)
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    # null: an event of a call that we don't know was kept back
    contact = models.ForeignKey(
        Contact, on_delete=models.PROTECT, null=True, blank=True, related_name="follow_ups"
    )
    appointment = models.ForeignKey(
        Appointment, on_delete=models.PROTECT, null=True, blank=True, related_name="follow_ups"
    )
    reminder = models.ForeignKey(
        Reminder, on_delete=models.PROTECT, null=True, blank=True, related_name="follow_ups"
    )
    call = models.ForeignKey(
        CallRecord, on_delete=models.PROTECT, null=True, blank=True, related_name="follow_ups"
    )
    reason = models.CharField(max_length=40, blank=True, help_text=_("Why; reminders/rules/reasons.py."))
    detail = models.CharField(
        max_length=300,
        blank=True,
        help_text=_("Robotalker's own message, the key that was pressed, or the text."),
    )
    due_at = models.DateTimeField(help_text=_("By when it should be resolved."))
    created_at = models.DateTimeField(auto_now_add=True)
    taken_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    taken_at = models.DateTimeField(null=True, blank=True)
    snoozed_until = models.DateTimeField(
        null=True, blank=True, help_text=_("Until then it is shown among the snoozed ones only.")
    )
    touched_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text=_("When a person last did something about it.")
    )
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolution = models.CharField(max_length=20, choices=Resolution, blank=True)
    note = models.CharField(max_length=300, blank=True, help_text=_("What a person wrote about it."))

    class Meta:
        ordering = ["due_at", "id"]
        constraints = [
            # the same need twice is one follow-up
            models.UniqueConstraint(
                fields=["appointment", "kind"], condition=~Q(state="resolved"), name="follow_up_open_once"
            ),
            models.UniqueConstraint(
                fields=["kind"],
                condition=~Q(state="resolved") & Q(appointment__isnull=True),
                name="follow_up_open_once_of_no_call",
            ),
            models.CheckConstraint(
                condition=Q(contact__isnull=False, appointment__isnull=False)
                | Q(kind="event_kept_back", contact__isnull=True, appointment__isnull=True),
                name="follow_up_about_a_patient",
            ),
        ]
        indexes = [
            # reminders/pages/worklist.py: read_worklist and its count
            models.Index(
                fields=["due_at", "id"], condition=~Q(state="resolved"), name="follow_up_unresolved"
            ),
        ]

    def __str__(self) -> str:
        return self.get_kind_display()


class FollowUpDeed(models.Model):
    """What a person did about one follow-up. Append-only, by a trigger; undone by another deed.

    `act` is shared by the rows of one press of a button; `was` is what the press changed, as it was before.
    """

    class What(models.TextChoices):
        TAKEN = "taken", _("Taken.")
        HANDED_ON = "handed_on", _("Handed on.")
        RELEASED = "released", _("Put back for anybody.")
        SNOOZED = "snoozed", _("Snoozed.")
        WOKEN = "woken", _("Snoozing ended.")
        NOTED = "noted", _("Note.")
        DONE = "done", _("Done.")
        LEFT_MESSAGE = "left_message", _("Left a message.")
        CONFIRMED_BY_PHONE = "confirmed_by_phone", _("Confirmed by phone.")
        WRONG_NUMBER = "wrong_number", _("Wrong number.")
        NO_LONGER_NEEDED = "no_longer_needed", _("No longer needed.")
        CALLED_AGAIN = "called_again", _("Ordered another call.")
        NOT_CALLED_AGAIN = "not_called_again", _("Decided against another call.")
        UNDONE = "undone", _("Undone.")

    follow_up = models.ForeignKey(FollowUp, on_delete=models.PROTECT, related_name="deeds")
    act = models.UUIDField(db_index=True)
    what = models.CharField(max_length=20, choices=What)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    to = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    until = models.DateTimeField(null=True, blank=True)
    note = models.CharField(max_length=300, blank=True)
    undoes = models.UUIDField(null=True, blank=True, help_text=_("The act that this one undid."))
    was = models.JSONField(default=dict, blank=True, help_text=_("What it changed, as it was before."))

    class Meta:
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return self.get_what_display()
