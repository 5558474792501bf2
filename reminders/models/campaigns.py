"""Who is reminded, when, and with which script."""

from datetime import timedelta

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from contacts.clock_habits import write_clock
from contacts.models import Location, Provider
from contacts.models.pauses import Pausable
from contacts.models.people import Channel
from reminders.models.scripts import Script
from reminders.rules.schedule import ELAPSED_KINDS, Timing, TimingKind, describe

MOST_TRIES = 10  # who didn't answer isn't protected by the caps, which count calls that reached somebody


class Campaign(Pausable):
    """Who is reminded (the filters) by which steps."""

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        ACTIVE = "active", _("active")
        PAUSED = "paused", _("paused")

    class Patients(models.TextChoices):
        """A patient is known once they have a visit before this one that is booked or took place."""

        ALL = "", _("new and known patients")
        NEW = "new", _("new patients only: no earlier visit that is booked or took place")
        KNOWN = "known", _("known patients only: an earlier visit is booked or took place")

    class Consent(models.TextChoices):
        """Which consent basis the number must have; rules/consent.py says which basis is enough."""

        ANY = "", _("no agreement needed: everyone, unless “no consent” is recorded")
        AGREED = "agreed", _("only those who agreed to it, in writing, in person or by phone")
        WRITTEN = "written", _("only those who agreed to it in writing")

    name = models.CharField(max_length=120, unique=True)
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    activated_at = models.DateTimeField(
        null=True, blank=True, help_text=_("What was due before this is not sent.")
    )
    paused_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text=_("Since when it is paused.")
    )
    filters_since = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text=_("When its filters last changed: an appointment new to them gets nothing due before."),
    )
    locations = models.ManyToManyField(Location, blank=True, help_text=_("None selected: every location."))
    providers = models.ManyToManyField(Provider, blank=True, help_text=_("None selected: every provider."))
    kinds = ArrayField(
        models.CharField(max_length=80),
        default=list,
        blank=True,
        help_text=_("Kinds of appointment, separated by commas; empty: every kind."),
    )
    patients = models.CharField(max_length=5, choices=Patients, default=Patients.ALL, blank=True)
    languages = ArrayField(
        models.CharField(max_length=8),
        default=list,
        blank=True,
        help_text=_("The patient's language. None selected: every language."),
    )
    consent = models.CharField(
        max_length=7,
        choices=Consent,
        default=Consent.ANY,
        db_default=Consent.ANY,
        blank=True,
        help_text=_("Which consent must be on record for the number."),
    )
    edition = models.PositiveIntegerField(
        default=1, db_default=1, editable=False, help_text=_("Counts its activations and edits.")
    )
    planned_edition = models.PositiveIntegerField(
        default=0,
        db_default=0,
        editable=False,
        help_text=_("The edition that planning has gone through for every appointment."),
    )
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(state="active") | Q(activated_at__isnull=False),
                name="campaign_active_since_a_moment",
            ),
            models.CheckConstraint(
                condition=Q(patients__in=["", "new", "known"]), name="campaign_patients_known"
            ),
            models.CheckConstraint(
                condition=Q(consent__in=["", "agreed", "written"]), name="campaign_consent_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class CampaignVersion(models.Model):
    """A campaign as one change left it, with who made the change and when. Append-only.

    `snapshot` is written and read by campaigns/history.py; what a change changed is the difference between
    two snapshots. `restores`: the version that was taken back to.
    """

    class What(models.TextChoices):
        CREATED = "created", _("created")
        EDITED = "edited", _("edited")
        ACTIVATED = "activated", _("activated")
        PAUSED = "paused", _("paused")
        COPIED = "copied", _("created as a copy")
        RESTORED = "restored", _("taken back")
        RECORDED = "recorded", _("as it was when its history began")

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField(help_text=_("1 for the first version of a campaign."))
    what = models.CharField(max_length=10, choices=What)
    snapshot = models.JSONField(encoder=DjangoJSONEncoder)
    restores = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["campaign", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["campaign", "number"], name="campaign_version_once"),
        ]

    def __str__(self) -> str:
        return f"{self.campaign} · {self.number}"


class StepChannel(models.TextChoices):
    """How a step goes out. What a patient never wants is obeyed by every step (product rule 41)."""

    VOICE = Channel.VOICE.value, Channel.VOICE.label
    SMS = Channel.SMS.value, Channel.SMS.label
    PREFERRED = "preferred", _("as the patient prefers")


class StepQuerySet(models.QuerySet["Step"]):
    """Steps, with those that were taken out of their campaigns."""

    def in_use(self) -> "StepQuerySet":
        """Those that send: without those that were taken out."""
        return self.filter(removed_at=None)


class Step(models.Model):
    """One reminder of a campaign: when, by which channel, for whom, and how often to try."""

    class Audience(models.TextChoices):
        UNCONFIRMED = "unconfirmed", _("who has not confirmed")
        EVERYONE = "everyone", _("everyone")
        CONFIRMED = "confirmed", _("who has confirmed")

    class IfLate(models.TextChoices):
        SKIP = "skip", _("skip it")
        NOW = "now", _("send it at once; skip it if that is outside calling hours")
        NEXT_ALLOWED = "next_allowed", _("send it as soon as calling hours allow")

    class IfNeverInTime(models.TextChoices):
        SKIP = "skip", _("skip it")
        BRING_FORWARD = "bring_forward", _("send it earlier, at the last time allowed before")

    KINDS = [
        (TimingKind.DAYS_BEFORE.value, _("days before, at a time of day")),
        (TimingKind.OPEN_DAYS_BEFORE.value, _("open days before, at a time of day")),
        (TimingKind.ELAPSED_BEFORE.value, _("hours or minutes before")),
        (TimingKind.AFTER_BOOKING.value, _("right after it was booked or moved")),
    ]

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField(default=1)
    timing_kind = models.CharField(max_length=20, choices=KINDS, default=TimingKind.DAYS_BEFORE.value)
    days = models.PositiveSmallIntegerField(default=0)
    at = models.TimeField(null=True, blank=True, help_text=_("By the clock of the appointment's location."))
    elapsed = models.DurationField(
        default=timedelta(0), help_text=_("For “hours before”, or how long after booking.")
    )
    channel = models.CharField(max_length=10, choices=StepChannel, default=StepChannel.VOICE)
    audience = models.CharField(max_length=12, choices=Audience, default=Audience.UNCONFIRMED)
    if_late = models.CharField(
        max_length=12,
        choices=IfLate,
        default=IfLate.SKIP,
        help_text=_("If the appointment is booked or moved after the time of this step."),
    )
    if_never_in_time = models.CharField(
        max_length=13,
        choices=IfNeverInTime,
        default=IfNeverInTime.SKIP,
        help_text=_(
            "If no calling hours are left between its time and the appointment, such as 2 hours before 8:30 "
            "with calls from 9:00."
        ),
    )
    stop_before = models.DurationField(
        default=timedelta(minutes=30), help_text=_("No call within this time before the appointment.")
    )
    max_tries = models.PositiveSmallIntegerField(
        default=2, validators=[MinValueValidator(1), MaxValueValidator(MOST_TRIES)]
    )
    retry_wait = models.DurationField(default=timedelta(hours=1))
    retry_voicemail = models.BooleanField(
        default=False, help_text=_("Try again after a voicemail, too; the daily limit still applies.")
    )
    retry_at_another_time = models.BooleanField(
        default=False, help_text=_("Try again in the other half of the day, if there is time.")
    )
    script = models.ForeignKey(Script, on_delete=models.PROTECT, related_name="steps")
    text_script = models.ForeignKey(
        Script,
        on_delete=models.PROTECT,
        related_name="text_steps",
        null=True,
        blank=True,
        help_text=_("For “as the patient prefers”: what patients get who prefer a text message."),
    )
    fallback_script = models.ForeignKey(
        Script,
        on_delete=models.PROTECT,
        related_name="fallback_steps",
        null=True,
        blank=True,
        help_text=_("Sent as a text if the last call reached nobody; empty: nothing is sent."),
    )

    since = models.DateTimeField(
        db_default=Now(),
        editable=False,
        help_text=_("When it was added, or its time was last changed: what was due before is not sent."),
    )
    removed_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text=_("When it was taken out of the campaign: it sends nothing more. What it has sent stays."),
    )

    objects = StepQuerySet.as_manager()

    class Meta:
        ordering = ["campaign", "position", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "position"],
                name="step_position_once",
                deferrable=models.Deferrable.DEFERRED,
            ),
            models.CheckConstraint(
                condition=Q(timing_kind="elapsed_before", elapsed__gt=timedelta(0))
                | Q(timing_kind="after_booking", elapsed__gte=timedelta(0))
                | Q(at__isnull=False),
                name="step_has_a_moment",
            ),
            models.CheckConstraint(condition=Q(max_tries__gte=1), name="step_tries_at_least_once"),
            models.CheckConstraint(
                condition=Q(if_late__in=["skip", "now", "next_allowed"]), name="step_if_late_known"
            ),
            # a negative one would allow calls after the appointment has begun
            models.CheckConstraint(
                condition=Q(stop_before__gte=timedelta(0)), name="step_stops_before_the_appointment"
            ),
            models.CheckConstraint(
                condition=Q(channel__in=["voice", "sms"]) | Q(channel="preferred", text_script__isnull=False),
                name="step_has_a_text_for_those_who_prefer_it",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_channel_display()}, {describe(self.timing, write_clock)}"

    @property
    def timing(self) -> Timing:
        """When it is due, without the fields of the other kinds. Raises ValueError as Timing does."""
        kind = TimingKind(self.timing_kind)
        if kind in ELAPSED_KINDS:
            return Timing(kind, elapsed=self.elapsed)
        return Timing(kind, days=self.days, at=self.at)

    def clean(self) -> None:
        """Refuse what no form may save and planning must never meet; the errors stand beside their fields.

        Whether a script is too long for a text message is judged by wording/script_verdicts.py.
        """
        faults = self._find_time_faults() | self._find_script_faults()
        if not faults:
            try:
                _ = self.timing
            except ValueError as error:
                faults["timing_kind"] = str(error)
        if faults:
            raise ValidationError(faults)

    def _find_time_faults(self) -> dict[str, object]:
        faults: dict[str, object] = {}
        if self.stop_before < timedelta(0):
            faults["stop_before"] = _("Enter 0 or more: nobody is called after the appointment.")
        if self.timing_kind == TimingKind.ELAPSED_BEFORE:
            if not self.elapsed:
                faults["elapsed"] = _("Enter how long before the appointment, such as 4 hours.")
            elif self.elapsed <= self.stop_before:
                faults["elapsed"] = _(
                    "This is not before the last moment to call (“stop before”). Make it longer."
                )
        elif self.timing_kind != TimingKind.AFTER_BOOKING and self.at is None:
            faults["at"] = _("Enter a time of day, such as 10:00.")
        return faults

    def _find_script_faults(self) -> dict[str, object]:
        faults: dict[str, object] = {}
        if self.channel == StepChannel.PREFERRED and not self.text_script_id:
            faults["text_script"] = _("Choose what patients get who prefer a text message.")
        if self.channel != StepChannel.PREFERRED and self.text_script_id:
            faults["text_script"] = _("Only for a step that goes as the patient prefers. Leave it empty.")
        if self.channel == StepChannel.SMS and self.fallback_script_id:
            faults["fallback_script"] = _("This step is already a text message. Leave it empty.")
        return faults
