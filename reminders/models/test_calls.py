"""Test calls and texts to the number of whoever asked for them: marked as tests, and counted nowhere."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from contacts.models import Location, PhoneNumber
from contacts.models.people import Channel
from reminders.models.calls import make_public_id
from reminders.models.scripts import ScriptText
from reminders.rules.modes import SendingMode


class TestCall(models.Model):
    """One test call or text, or the call that speaks a code to verify the number itself.

    Caps, reports, the worklist and the desk's pace never see it, since it is no CallRecord. `submitting` is
    committed before the request; what may have left is never sent again. A code is kept only as a hash.
    """

    __test__: ClassVar[bool] = False  # not a class of tests, whatever its name

    class Purpose(models.TextChoices):
        TEST = "test", _("test")
        CODE = "code", _("code that verifies a number")

    class State(models.TextChoices):
        WAITING = "waiting", _("about to go out")
        SUBMITTING = "submitting", _("being sent")
        SUBMITTED = "submitted", _("accepted by Robotalker")
        ANSWERED = "answered", _("answered")
        VOICEMAIL = "voicemail", _("reached a voicemail")
        NO_ANSWER = "no_answer", _("not answered")
        DELIVERED = "delivered", _("delivered")
        FAILED = "failed", _("failed")
        UNKNOWN = "unknown", _("not known whether it was sent")
        DROPPED = "dropped", _("not sent")

    public_id = models.CharField(max_length=24, unique=True, default=make_public_id, editable=False)
    purpose = models.CharField(max_length=4, choices=Purpose, default=Purpose.TEST)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="test_calls")
    number = models.ForeignKey(PhoneNumber, on_delete=models.PROTECT, related_name="test_calls")
    location = models.ForeignKey(
        Location, on_delete=models.SET_NULL, null=True, blank=True, related_name="test_calls"
    )
    channel = models.CharField(max_length=5, choices=Channel)
    in_batch = models.BooleanField(
        default=False, help_text=_("Sent as a campaign, or as a batch of texts, with one recipient.")
    )
    mode = models.CharField(max_length=7, choices=SendingMode)
    from_number = models.CharField(max_length=16)
    script_text = models.ForeignKey(
        ScriptText, on_delete=models.SET_NULL, null=True, blank=True, related_name="test_calls"
    )
    voice = models.CharField(max_length=60, blank=True)
    message = models.TextField(help_text=_("As it is sent, with its variables."))
    variables = models.JSONField(default=dict)
    text = models.TextField(help_text=_("Exactly what is said."))
    code_hash = models.CharField(max_length=200, blank=True, editable=False)
    code_tries = models.PositiveSmallIntegerField(default=0, help_text=_("How often a code was entered."))
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    reason = models.CharField(
        max_length=40, blank=True, help_text=_("Why it is in its state; reminders/rules/reasons.py.")
    )
    detail = models.CharField(max_length=200, blank=True, help_text=_("Robotalker's own message about it."))
    robotalker_id = models.CharField(max_length=100, blank=True)
    keys = models.JSONField(default=list, help_text=_("[[ISO time, key], …] as they were reported."))
    amd_result = models.CharField(_("answered by"), max_length=20, blank=True)
    exchange = models.JSONField(
        default=list, help_text=_("[{at, what, body}, …]: the request, the answer and the events, as sent.")
    )
    created_at = models.DateTimeField(auto_now_add=True)
    submitting_at = models.DateTimeField(null=True, blank=True)
    submitted_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    state__in=[
                        *("waiting", "submitting", "submitted", "answered", "voicemail"),
                        *("no_answer", "delivered", "failed", "unknown", "dropped"),
                    ]
                ),
                name="test_call_state_known",
            ),
        ]
        indexes = [
            # reminders/sweeps/test_calls.py: those that wait, and those being sent
            models.Index(
                fields=["id"],
                condition=models.Q(state__in=["waiting", "submitting"]),
                name="test_call_open",
            ),
        ]

    def __str__(self) -> str:
        return f"test call {self.public_id}"
