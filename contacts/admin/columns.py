"""Column values that the admin lists of several models share; times by each row's own location."""

from datetime import datetime

from django.urls import reverse
from django.utils.html import format_html

from contacts.models import Location, PhoneNumber
from contacts.numbers import mask
from contacts.templatetags.display import at_location, day_and_clock


def show_when(moment: datetime | None, location: Location | None) -> str:
    """The moment by the location's own clock, such as "Tue 14 Jul, 9:05"; "-" for none."""
    return show_local(at_location(moment, location) if location else None)


def show_local(time: datetime | None) -> str:
    """A time as it stands, on one line; "-" for none."""
    return day_and_clock(time).replace(" ", "\u00a0") or "-"


def show_number(number: PhoneNumber | None) -> str:
    """The number with all but its end hidden, on one line; "-" for none."""
    return mask(number.e164).replace(" ", "\u00a0") if number else "-"


def link_to_appointment(appointment_id: int, words: object) -> str:
    """A link to the appointment's page, with its whole history."""
    return format_html('<a href="{}">{}</a>', reverse("appointment", args=[appointment_id]), words)
