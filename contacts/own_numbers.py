"""The practice's own numbers: those that it calls from, and those that patients are asked to call back.

They are never opted out: an event whose `from` and `to` are the other way round, or a line on Robotalker's
list, must not stop the practice itself (product rule 39).
"""

from collections.abc import Iterable

from django.conf import settings

from contacts.models import Location
from contacts.numbers import find_region, read_reported_number


def read_own_numbers(locations: Iterable[Location] | None = None) -> frozenset[str]:
    """Every own number (E.164): of the settings, and of each location its caller id and callback number.

    `locations`: all of them, where they were read already.
    """
    if locations is None:
        locations = Location.objects.order_by().only("caller_id", "callback_number")
    of_locations = ((location.caller_id, location.callback_number) for location in locations)
    written = {settings.ROBOTALKER_FROM_NUMBER, *(number for pair in of_locations for number in pair)} - {""}
    return frozenset(
        form
        for number in written
        for form in (number, *read_reported_number(number, [find_region(number), settings.PHONE_REGION]))
    )


def is_own_number(e164: str) -> bool:
    """Whether it is one of the practice's own numbers."""
    return e164 in read_own_numbers()
