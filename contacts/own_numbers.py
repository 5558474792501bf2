"""The practice's own numbers: those that it calls from, and those that patients are asked to call back.

They are never opted out: an event whose `from` and `to` are the other way round, or a line on Robotalker's
list, must not stop the practice itself (product rule 39).
"""

from django.conf import settings

from contacts.models import Location
from contacts.numbers import find_region, read_reported_number


def read_own_numbers() -> frozenset[str]:
    """Every own number (E.164): of the settings, and of each location its caller id and callback number."""
    of_locations = Location.objects.order_by().values_list("caller_id", "callback_number")
    written = {settings.ROBOTALKER_FROM_NUMBER, *(number for pair in of_locations for number in pair)} - {""}
    return frozenset(
        form
        for number in written
        for form in (number, *read_reported_number(number, [find_region(number), settings.PHONE_REGION]))
    )


def is_own_number(e164: str) -> bool:
    """Whether it is one of the practice's own numbers."""
    return e164 in read_own_numbers()
