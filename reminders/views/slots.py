"""What the pages to book and to move have in common: the slot that is wanted, and the provider's day."""

import re
from datetime import datetime
from hashlib import sha256
from typing import Any

from django.http import HttpRequest, QueryDict
from django.utils import timezone

from contacts.clock_habits import write_clock
from reminders.forms.booking import WhenForm
from reminders.pages.provider_day import ProviderDay, read_provider_day

SLOT = ("location", "provider", "starts_at", "ends_at")
PRESSED = re.compile(r"(\d{4}-\d\d-\d\d)(?:T([01]\d|2[0-3]):([0-5]\d))?", re.ASCII)
USUAL_MINUTES = 30


def name_slot(whose: int, found: dict[str, Any]) -> str:
    """A digest of time, location and provider, and of whose visit it is (an id): what questions are about."""
    provider = found["provider"] and found["provider"].pk
    slot = (whose, found["location"].pk, provider, found["starts_at"], found["ends_at"])
    return sha256(repr(slot).encode()).hexdigest()[:16]


def read_confirmed(request: HttpRequest, about: str) -> list[str]:
    """The questions that were confirmed (codes); none if they were asked about another slot."""
    return request.POST.getlist("confirm") if request.POST.get("about") == about else []


def take_slot(posted: QueryDict) -> QueryDict:
    """The form with the day, and the time, of the button of the provider's day that was pressed, if any."""
    pressed = PRESSED.fullmatch(posted.get("slot", ""))
    if pressed is None:
        return posted
    filled = posted.copy()
    filled["day"] = pressed[1]
    if pressed[2]:
        filled["at"] = write_clock(datetime(2000, 1, 1, int(pressed[2]), int(pressed[3])).time())  # noqa: DTZ001
    return filled


def show_provider_day(form: WhenForm, *, besides: int | None = None) -> ProviderDay | None:
    """The day that the form is about; None until it has a location and a day."""
    found = form.read_so_far()
    location, day = found.get("location"), found.get("day")
    if location is None or day is None:
        return None
    return read_provider_day(
        location,
        found.get("provider"),
        day,
        found.get("minutes") or USUAL_MINUTES,
        timezone.now(),
        besides=besides,
        says_clock=form.has_several_clocks,
    )
