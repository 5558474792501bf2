"""What reports are read from: calls, visits and results, counted by day; and which days to count again.

Nothing refers to these rows, and they refer to others without a constraint: counting holds no lock of a row
that dispatch or an edit waits for. They can be made again from the tables that they count, but for days that
are frozen (FrozenCounts): what these counted is deleted.
"""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from contacts.models import Appointment, Location
from contacts.models.people import Channel
from reminders.models.campaigns import Campaign, Step
from reminders.models.scripts import ScriptText
from reminders.rules.states import CallState


class ContactMade(models.IntegerChoices):
    """How far the reminders of a visit got, weakest first."""

    NONE = 0, _("no reminder was due")
    DUE = 1, _("a reminder was due, and nothing went out")
    TRIED = 2, _("called or texted, not reached")
    MESSAGE = 3, _("voicemail or text only")
    PERSON = 4, _("somebody answered")


class ReminderResult(models.TextChoices):
    """What a patient said, or the practice recorded, after a reminder."""

    CONFIRMED = "confirmed", _("confirmed")
    WANTS_ANOTHER_TIME = "wants_another_time", _("wants another time")
    CANCELLED = "cancelled", _("cancelled")


class CountedDay(models.Model):
    """A count of one day at one location, by the location's clock. `weekday`: Monday is 0.

    `is_pretend`: of the sandbox or the demo clinic, which counts only there.
    """

    location = models.ForeignKey(
        Location, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    campaign = models.ForeignKey(
        Campaign,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        null=True,
        related_name="+",
        help_text=_("Empty for visits and results: each is counted once, whichever campaigns it is of."),
    )
    day = models.DateField()
    weekday = models.PositiveSmallIntegerField()
    is_pretend = models.BooleanField()
    count = models.PositiveIntegerField()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.day.isoformat()}: {self.count}"


class CallCount(CountedDay):
    """How many calls and texts of one kind ended in one way, in one hour. `answer`: key 1, 2 or 9, or ""."""

    hour = models.PositiveSmallIntegerField()
    step = models.ForeignKey(
        Step, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    script_text = models.ForeignKey(
        ScriptText, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    caller_id = models.CharField(max_length=16)
    channel = models.CharField(max_length=5, choices=Channel)
    outcome = models.CharField(max_length=12, choices=CallState)
    answer = models.CharField(max_length=8, blank=True)

    class Meta:
        ordering = ["-day", "hour"]
        permissions = [("view_reports", "Can look at reports")]
        indexes = [
            # reminders/reports/figures.py
            models.Index(fields=["day", "location"], name="call_count_by_day"),
        ]


class VisitCount(CountedDay):
    """How many visits of one day came to one end; of a campaign those that it had a reminder due for."""

    status = models.CharField(max_length=10, choices=Appointment.Status)
    answer = models.CharField(max_length=20, choices=Appointment.Answer, blank=True)
    contact_made = models.PositiveSmallIntegerField(choices=ContactMade)

    class Meta:
        ordering = ["-day"]
        indexes = [
            # reminders/reports/figures.py
            models.Index(fields=["day", "location"], name="visit_count_by_day"),
        ]


class ResultCount(CountedDay):
    """How many visits patients confirmed, or gave up, after a reminder; by the day on which they did.

    `hours_ahead`: how long before the visit, at least: 48, 24, 4 or 0 hours.
    """

    result = models.CharField(max_length=20, choices=ReminderResult)
    hours_ahead = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["-day"]
        indexes = [
            # reminders/reports/figures.py
            models.Index(fields=["day", "location"], name="result_count_by_day"),
        ]


class ReportMark(models.Model):
    """Something to count again, noted by a trigger of the database in the statement that changed it.

    Rows are only added, so that nobody waits for anybody; reminders/reports/counting.py takes them out.
    """

    class What(models.TextChoices):
        HOUR = "hour", _("calls and results of an hour, in hours since 1970")
        DAY = "day", _("the visits of a location on a day")
        REMINDER = "reminder", _("the visit of a reminder")
        APPOINTMENT = "appointment", _("a visit, and its results")
        MOVED = "moved", _("a visit that is at another location now, with its calls")
        LOCATION = "location", _("a location whose time zone changed")
        ALL = "all", _("everything")

    what = models.CharField(max_length=11, choices=What)
    row_id = models.BigIntegerField(default=0, db_default=0)
    day = models.DateField(null=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.get_what_display()


class FrozenCounts(models.Model):
    """One row: the counts of days before `before` stay as they are, since what they count is deleted."""

    before = models.DateField()

    class Meta:
        verbose_name_plural = _("frozen counts")

    def __str__(self) -> str:
        return f"before {self.before.isoformat()}"
