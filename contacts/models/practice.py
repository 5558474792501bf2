"""Locations with their closed days, and providers."""

import zoneinfo
from datetime import time

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _

from contacts.clock_habits import write_clock, write_day
from contacts.models.pauses import Pausable
from contacts.numbers import E164_PATTERN
from contacts.public_holidays import NAME_LENGTH, Place, is_known_country, list_subdivisions
from contacts.zones import is_zone_name

WHOLE_E164 = f"^{E164_PATTERN}$"
validate_e164 = RegexValidator(WHOLE_E164, _("Enter it with + and the country code, such as +12125550100."))
MONDAY_TO_FRIDAY = (0, 1, 2, 3, 4)
# No location may call outside these, whatever is entered: the same as OUTER in rules/calling_hours.py.
OUTER_HOURS = (time(8), time(21))
USUAL_HOURS = (time(9), time(19))


def monday_to_friday() -> list[int]:
    return list(MONDAY_TO_FRIDAY)


def validate_time_zone(name: str) -> None:
    """Raise ValidationError unless `name` is an IANA time zone."""
    if not is_zone_name(name):
        raise ValidationError(
            _("“%(name)s” isn't a time zone. Enter one such as America/New_York."), params={"name": name}
        )


def validate_country(code: str) -> None:
    """Raise ValidationError unless public holidays of that country are known."""
    if not is_known_country(code):
        raise ValidationError(
            _("“%(code)s” isn't a country code. Enter two letters, such as US."), params={"code": code}
        )


class Location(Pausable):
    """A location: its time zone, the number it calls from, and its calling hours."""

    name = models.CharField(max_length=120, unique=True)
    spoken_name = models.CharField(
        max_length=160, help_text=_("The name said in calls, starting with the practice's name.")
    )
    time_zone = models.CharField(max_length=64, validators=[validate_time_zone])
    region = models.CharField(
        max_length=2,
        default="US",
        help_text=_("Country of numbers written without a country code (ISO 3166-1)."),
    )
    caller_id = models.CharField(
        max_length=16,
        blank=True,
        validators=[validate_e164],
        help_text=_("In E.164 format. Leave empty to use the practice's own number."),
    )
    callback_number = models.CharField(
        max_length=16, validators=[validate_e164], help_text=_("In E.164 format. Said in every call.")
    )
    calling_opens = models.TimeField(default=USUAL_HOURS[0])
    calling_closes = models.TimeField(default=USUAL_HOURS[1])
    calls_per_minute = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Most calls per minute, so that the front desk can keep up. Empty for no limit."),
    )
    open_weekdays = ArrayField(
        models.PositiveSmallIntegerField(validators=[MaxValueValidator(6)]),
        default=monday_to_friday,
        help_text=_("Monday is 0. Used to count the open days before an appointment."),
    )
    country = models.CharField(
        max_length=2,
        blank=True,
        validators=[validate_country],
        help_text=_(
            "Its public holidays aren't counted as open days. Calls do go out on them: enter a closed day "
            "where none should. Empty: no holidays."
        ),
    )
    subdivision = models.CharField(
        _("state or region"),
        max_length=10,
        blank=True,
        help_text=_("For holidays of a state, province or region, such as CA in the US."),
    )
    open_holidays = ArrayField(
        models.CharField(max_length=NAME_LENGTH),
        default=list,
        blank=True,
        help_text=_("The public holidays on which it is open, every year."),
    )
    paused_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text=_("Since when nothing is sent for it.")
    )

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(calling_opens__lt=models.F("calling_closes")),
                name="location_opens_before_it_closes",
            ),
            models.CheckConstraint(
                condition=models.Q(calling_opens__gte=OUTER_HOURS[0], calling_closes__lte=OUTER_HOURS[1]),
                name="location_calls_within_the_outer_limit",
            ),
            models.CheckConstraint(
                condition=models.Q(subdivision="") | ~models.Q(country=""),
                name="location_in_a_region_of_a_country",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.time_zone)

    @property
    def place(self) -> Place:
        """The country and the state or region whose public holidays count here."""
        return Place(self.country, self.subdivision)

    def clean(self) -> None:
        """Refuse a state or region that the country doesn't have."""
        if self.subdivision and self.subdivision not in dict(list_subdivisions(self.country)):
            raise ValidationError({"subdivision": _("That isn't a state or region of this country.")})


class ClosedDay(models.Model):
    """A day on which a location is closed: no calls are made for it, and it isn't counted as an open day.

    On a public holiday calls are made, since a location may be open on it without having said so.
    """

    location = models.ForeignKey(Location, on_delete=models.CASCADE, related_name="closed_days")
    date = models.DateField()
    reason = models.CharField(max_length=120, blank=True)

    class Meta:
        ordering = ["date"]
        constraints = [models.UniqueConstraint(fields=["location", "date"], name="closed_day_once")]

    def __str__(self) -> str:
        return f"{self.location} {write_day(self.date, with_year=True)}"


class OpeningHours(models.Model):
    """When a location sees patients on one day of the week. A day may have several, as around a lunch break.

    A day of the week without any has the usual hours (contacts/opening_hours.py); on which days the location
    is open at all is said by `open_weekdays`, ClosedDay and the public holidays. Calls have hours of their
    own: `calling_opens` and `calling_closes`.
    """

    location = models.ForeignKey(Location, on_delete=models.CASCADE, related_name="opening_hours")
    weekday = models.PositiveSmallIntegerField(
        _("day of the week"), choices=[(day, WEEKDAYS[day]) for day in range(7)]
    )
    opens = models.TimeField()
    closes = models.TimeField()

    class Meta:
        ordering = ["weekday", "opens"]
        verbose_name = verbose_name_plural = _("opening hours")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(opens__lt=models.F("closes")),
                name="opening_hours_begin_before_they_end",
                violation_error_message=_("It has to open before it closes."),
            ),
            models.UniqueConstraint(fields=["location", "weekday", "opens"], name="opening_hours_once"),
        ]

    def __str__(self) -> str:
        return f"{self.location} {self.get_weekday_display()} {write_clock(self.opens)}"


class Provider(models.Model):
    """A clinician who has appointments."""

    name = models.CharField(max_length=120, unique=True)
    spoken_name = models.CharField(max_length=160, blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
