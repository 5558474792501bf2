"""Where appointments happen and with whom."""

import zoneinfo
from datetime import time

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from contacts.numbers import E164_PATTERN
from contacts.zones import is_zone_name

WHOLE_E164 = f"^{E164_PATTERN}$"
validate_e164 = RegexValidator(WHOLE_E164, _("Write it with + and the country code: +12125550100."))
MONDAY_TO_FRIDAY = (0, 1, 2, 3, 4)
# No location may call outside these; equal to rules/calling_hours.py OUTER, which holds whatever stands here.
OUTER_HOURS = (time(8), time(21))
USUAL_HOURS = (time(9), time(19))


def monday_to_friday() -> list[int]:
    return list(MONDAY_TO_FRIDAY)


def validate_time_zone(name: str) -> None:
    """Raise ValidationError unless `name` is an IANA time zone."""
    if not is_zone_name(name):
        raise ValidationError(
            _("“%(name)s” is no time zone. Write it like America/New_York."), params={"name": name}
        )


class Location(models.Model):
    """A place with its clock, the number it calls from, and the hours in which it may call."""

    name = models.CharField(max_length=120, unique=True)
    spoken_name = models.CharField(
        max_length=160, help_text=_("As it is said on the phone, the practice's name first.")
    )
    time_zone = models.CharField(max_length=64, validators=[validate_time_zone])
    region = models.CharField(
        max_length=2, default="US", help_text=_("Country of numbers written without one (ISO 3166-1).")
    )
    caller_id = models.CharField(
        max_length=16,
        blank=True,
        validators=[validate_e164],
        help_text=_("E.164; empty: the practice's own from-number."),
    )
    callback_number = models.CharField(
        max_length=16, validators=[validate_e164], help_text=_("E.164; said in every call.")
    )
    calling_opens = models.TimeField(default=USUAL_HOURS[0])
    calling_closes = models.TimeField(default=USUAL_HOURS[1])
    calls_per_minute = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("No more calls than this a minute, so that the desk keeps up; empty: no limit."),
    )
    open_weekdays = ArrayField(
        models.PositiveSmallIntegerField(validators=[MaxValueValidator(6)]),
        default=monday_to_friday,
        help_text=_("Monday is 0; counts the days of “open days before”."),
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
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.time_zone)


class ClosedDay(models.Model):
    """A day on which a location is closed: nothing is dialled for it, and it is no open day."""

    location = models.ForeignKey(Location, on_delete=models.CASCADE, related_name="closed_days")
    date = models.DateField()
    reason = models.CharField(max_length=120, blank=True)

    class Meta:
        ordering = ["date"]
        constraints = [models.UniqueConstraint(fields=["location", "date"], name="closed_day_once")]

    def __str__(self) -> str:
        return f"{self.location} {self.date:%Y-%m-%d}"


class Provider(models.Model):
    """Somebody whom appointments are with."""

    name = models.CharField(max_length=120, unique=True)
    spoken_name = models.CharField(max_length=160, blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
