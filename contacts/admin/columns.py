"""What the admin's lists show in a column of more than one model."""

from datetime import datetime

from django.urls import reverse
from django.utils.html import format_html

from contacts.models import Location
from contacts.templatetags.display import at_location, day_and_clock


def show_when(moment: datetime | None, location: Location) -> str:
    """The moment by the location's own clock, such as "Tue 14 Jul, 9:05"; "-" for none."""
    return day_and_clock(at_location(moment, location)) or "-"


def link_to_appointment(appointment_id: int, words: object) -> str:
    """A link to the appointment's page, with its whole story."""
    return format_html('<a href="{}">{}</a>', reverse("appointment", args=[appointment_id]), words)
