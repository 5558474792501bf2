"""A provider's day that was cancelled or moved as a whole, visit by visit, and who was told of it."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from contacts.models import Appointment, Location, Provider
from reminders.models.calls import make_public_id
from reminders.models.texts import StaffText

LONGEST_WORDS = 400  # characters; what is longer than a text is a call


class Absence(models.Model):
    """What somebody decided about a provider's visits on one day, and whether it was undone.

    `texts_from`: when the texts to the patients go out, None if the practice tells them itself.
    """

    class Deed(models.TextChoices):
        CANCEL = "cancel", _("Cancel the visits")
        OTHER_PROVIDER = "other_provider", _("Give them to another provider, at the same times")
        OTHER_DAY = "other_day", _("Move them to another day, at the same times")

    # made with the form, so that a form sent twice is one absence
    public_id = models.CharField(max_length=24, unique=True, default=make_public_id, editable=False)
    provider = models.ForeignKey(Provider, on_delete=models.PROTECT, related_name="absences")
    location = models.ForeignKey(Location, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    day = models.DateField()
    deed = models.CharField(max_length=20, choices=Deed)
    to_provider = models.ForeignKey(
        Provider, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    to_day = models.DateField(null=True, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(db_default=Now())
    texts_from = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("provider away")
        verbose_name_plural = _("providers away")

    def __str__(self) -> str:
        return f"{self.provider}, {self.day}"


class AbsenceVisit(models.Model):
    """One visit of an absence: what is to happen with it, what happened, and how its patient is told.

    `seen_revision`: the appointment's when somebody decided; `confirmed`: what was asked and confirmed (codes
    of BookingQuestion). `starts_before`, `ends_before`, `answer_before`: what an undo puts back.
    `words`: the text that will go out; it is cleared as soon as it stands in `text`, or won't be sent.
    """

    class State(models.TextChoices):
        PLANNED = "planned", _("about to be changed")
        DONE = "done", _("changed")
        REFUSED = "refused", _("left as it was")
        UNDONE = "undone", _("put back")

    class Telling(models.TextChoices):
        NOBODY = "nobody", _("the practice tells them")
        WAITING = "waiting", _("a text goes out soon")
        TEXTED = "texted", _("by text")
        BY_PHONE = "by_phone", _("on the worklist, to be called")

    absence = models.ForeignKey(Absence, on_delete=models.PROTECT, related_name="visits")
    appointment = models.ForeignKey(Appointment, on_delete=models.PROTECT, related_name="absences")
    state = models.CharField(max_length=10, choices=State, default=State.PLANNED)
    refusal = models.CharField(max_length=200, blank=True)
    seen_revision = models.PositiveIntegerField()
    confirmed = models.JSONField(default=list, blank=True)
    to_starts_at = models.DateTimeField(null=True, blank=True)
    to_ends_at = models.DateTimeField(null=True, blank=True)
    starts_before = models.DateTimeField()
    ends_before = models.DateTimeField()
    answer_before = models.JSONField(default=dict, blank=True)
    revision_after = models.PositiveIntegerField(null=True, blank=True)
    telling = models.CharField(max_length=10, choices=Telling, default=Telling.NOBODY)
    why_by_phone = models.CharField(
        max_length=40, blank=True, help_text=_("Why no text; reminders/rules/reasons.py.")
    )
    words = models.CharField(max_length=LONGEST_WORDS, blank=True)
    text = models.OneToOneField(
        StaffText, on_delete=models.PROTECT, null=True, blank=True, related_name="absence_visit"
    )

    class Meta:
        ordering = ["starts_before", "id"]
        constraints = [
            models.UniqueConstraint(fields=["absence", "appointment"], name="absence_visit_once"),
        ]
        indexes = [
            # reminders/desk/absences.py and absence_texts.py: what a tick goes on with
            models.Index(
                fields=["id"],
                condition=Q(state="planned") | Q(telling__in=["waiting", "texted"]),
                name="absence_visit_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.absence}: {self.appointment_id}"

    @property
    def provider_after_id(self) -> int:
        """Whose visit it is once it was changed."""
        return self.absence.to_provider_id or self.absence.provider_id
