"""Appointments, and the append-only history of each."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from contacts.database.quick_rows import QuickRows
from contacts.models.imports import ImportBatch
from contacts.models.local_times import LocalDateTimeField
from contacts.models.people import Contact
from contacts.models.practice import Location, Provider


class Way(models.TextChoices):
    """How an answer or a change came, with words for behind "by"; "" is by a person in the browser."""

    KEY_1 = "key_1", _("key 1")
    KEY_2 = "key_2", _("key 2")
    TEXT = "text", _("text message")
    STAFF = "staff", _("staff")
    PHONE = "phone", _("phone")
    IMPORT = "import", _("import")
    API = "api", _("the API")
    UNDO = "undo", _("the undo of an import")


class Appointment(QuickRows):
    """An appointment of a contact at a location.

    What was booked, and is said, is a wall time: `local_start` in `time_zone`; of a time that occurs twice,
    the later one if `fold` is 1. `starts_at` is the moment that follows from it by the rules that were known
    when it was last derived (product rule 27). Only set_times() (contacts/appointments.py) and
    contacts/shifts.py set them.

    `revision` grows when the time, location or phone number changes. An answer belongs to the revision it
    was given for, so a moved appointment is no longer confirmed.
    """

    class Status(models.TextChoices):
        BOOKED = "booked", _("booked")
        ARRIVED = "arrived", _("arrived")
        NO_SHOW = "no_show", _("no-show")
        CANCELLED = "cancelled", _("cancelled")

    class Answer(models.TextChoices):
        NONE = "", _("no answer yet")
        CONFIRMED = "confirmed", _("confirmed")
        WANTS_ANOTHER_TIME = "wants_another_time", _("wants another time")

    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="appointments")
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="appointments")
    provider = models.ForeignKey(
        Provider, on_delete=models.PROTECT, related_name="appointments", null=True, blank=True
    )
    kind = models.CharField(max_length=80, blank=True, help_text=_("Never said in a call."))
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    local_start = LocalDateTimeField(editable=False, help_text=_("The date and time that were booked."))
    fold = models.PositiveSmallIntegerField(
        default=0, editable=False, help_text=_("1: the later of two equal times, when clocks go back.")
    )
    time_zone = models.CharField(
        max_length=64, editable=False, help_text=_("The time zone that it was booked in.")
    )
    status = models.CharField(max_length=10, choices=Status, default=Status.BOOKED)
    revision = models.PositiveIntegerField(default=1, editable=False)
    revised_at = models.DateTimeField(editable=False, help_text=_("When this revision came to be."))
    details_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text=_("When its provider or kind last changed: a campaign new to it sends nothing due before."),
    )
    booked_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text=_("When it was booked here, or last moved; empty: not known, since a list brought it."),
    )
    planned_revision = models.PositiveIntegerField(
        default=0,
        db_default=0,
        editable=False,
        help_text=_("The newest revision that planning has seen; 0: none yet."),
    )
    answer = models.CharField(max_length=20, choices=Answer, default=Answer.NONE, blank=True, editable=False)
    answer_revision = models.PositiveIntegerField(null=True, blank=True, editable=False)
    answered_at = models.DateTimeField(null=True, blank=True, editable=False)
    answered_how = models.CharField(max_length=10, choices=Way, blank=True, editable=False)
    source = models.CharField(max_length=60, blank=True)
    external_id = models.CharField(max_length=120, blank=True)
    batch = models.ForeignKey(
        ImportBatch,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="appointments",
        editable=False,
    )
    file_values = models.JSONField(
        default=dict,
        db_default=models.Value({}, models.JSONField()),
        editable=False,
        help_text=_("Per source: the last value of each field that a file of it gave."),
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["starts_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")), name="appointment_ends_after_start"
            ),
            models.CheckConstraint(
                condition=Q(status__in=["booked", "arrived", "no_show", "cancelled"]),
                name="appointment_status_known",
            ),
            models.CheckConstraint(
                condition=Q(answer="", answer_revision__isnull=True)
                | Q(answer__in=["confirmed", "wants_another_time"], answer_revision__isnull=False),
                name="appointment_answer_has_a_revision",
            ),
            models.UniqueConstraint(
                fields=["source", "external_id"],
                condition=~Q(external_id=""),
                name="appointment_once_per_source",
            ),
        ]
        indexes = [
            # reminders/pages/day.py: read_day
            models.Index(fields=["location", "local_start"], name="appointment_local_day"),
            # reminders/planning/planner.py: appointments that may still need a reminder
            models.Index(fields=["starts_at"], condition=Q(status="booked"), name="appointment_booked_ahead"),
            # reminders/planning/planned_marks.py: read_unplanned
            models.Index(
                fields=["starts_at"],
                condition=Q(status="booked", planned_revision__lt=F("revision")),
                name="appointment_unplanned",
            ),
            # reminders/api/views.py: list_page, those that changed
            models.Index(fields=["updated_at", "id"], name="appointment_by_change"),
            # reminders/api/appointments.py: FILTERS
            models.Index(fields=["starts_at", "id"], name="appointment_start_and_id"),
            models.Index(fields=["status", "starts_at", "id"], name="appointment_status_and_start"),
            models.Index(fields=["source", "id"], name="appointment_by_source"),
        ]

    def __str__(self) -> str:
        return f"appointment {self.pk}"

    @property
    def wall_start(self) -> datetime:
        """The time that was booked, as an aware datetime in the zone that it was booked in; for showing."""
        return self.local_start.replace(tzinfo=ZoneInfo(self.time_zone), fold=self.fold)

    @property
    def wall_end(self) -> datetime:
        """The end by the same clock, which may change in between; for showing."""
        end = self.wall_start.astimezone(UTC) + (self.ends_at - self.starts_at)
        return end.astimezone(self.wall_start.tzinfo)

    @property
    def current_answer(self) -> str:
        """The answer given for the current revision, or ""."""
        return self.answer if self.answer_revision == self.revision else ""

    @property
    def is_confirmed(self) -> bool:
        return self.current_answer == self.Answer.CONFIRMED


class AppointmentChange(models.Model):
    """One change of an appointment: an entry of its history. Append-only."""

    class What(models.TextChoices):
        BOOKED = "booked", _("booked")
        IMPORTED = "imported", _("imported")
        MOVED = "moved", _("moved")
        PROVIDER_CHANGED = "provider_changed", _("given to another provider")
        PATIENT_MERGED = "patient_merged", _("given to another record of the patient")
        CANCELLED = "cancelled", _("cancelled")
        REINSTATED = "reinstated", _("booked again")
        CONFIRMED = "confirmed", _("confirmed")
        WANTS_ANOTHER_TIME = "wants_another_time", _("asked for another time")
        ANSWER_TAKEN_BACK = "answer_taken_back", _("confirmation taken back")
        ARRIVED = "arrived", _("arrived")
        NO_SHOW = "no_show", _("did not come")
        CORRECTED = "corrected", _("put back to booked")
        CALL_ORDERED = "call_ordered", _("ordered a call now")
        STEP_SKIPPED = "step_skipped", _("skipped a reminder")
        ZONE_CORRECTED = "zone_corrected", _("time zone corrected")
        RULES_CHANGED = "rules_changed", _("clock rules changed")
        STEP_PUT_BACK = "step_put_back", _("put a reminder back")
        OTHER_NUMBER = "other_number", _("to be reminded on the other number")
        MERGED = "merged", _("given to another contact, as two were one person")

    appointment = models.ForeignKey(Appointment, on_delete=models.CASCADE, related_name="changes")
    what = models.CharField(max_length=20, choices=What)
    revision = models.PositiveIntegerField()
    how = models.CharField(
        max_length=10, choices=Way, blank=True, help_text=_("The way it came; empty: in the browser.")
    )
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True)
    starts_before = models.DateTimeField(null=True, blank=True)
    starts_after = models.DateTimeField(null=True, blank=True)
    local_before = LocalDateTimeField(
        null=True, blank=True, help_text=_("The time that was booked before, by the location's clock.")
    )
    local_after = LocalDateTimeField(
        null=True, blank=True, help_text=_("The time that is booked, by the location's clock.")
    )
    provider_before = models.ForeignKey(
        Provider, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    provider_after = models.ForeignKey(
        Provider, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    at = models.DateTimeField()

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [
            # reminders/sweeps/told_providers.py: list_told_another_provider
            models.Index(
                fields=["appointment", "at"],
                condition=Q(what="provider_changed"),
                name="change_of_provider",
            ),
            # reminders/reports/count_statements.py: COUNT_RESULTS, those of a day
            BrinIndex(fields=["at"], name="change_by_time", autosummarize=True),
        ]

    def __str__(self) -> str:
        return f"{self.get_what_display()}"
