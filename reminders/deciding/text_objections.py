"""Whether a text that somebody wrote may go out: what protects people holds for it as well.

Asked when it is written, and again just before it is sent. Caps and the practice's own calling hours don't
matter; the hours of the night do, unless the patient has just written.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db.models import OuterRef, QuerySet, Subquery

from contacts.models import Appointment, Location, PhoneNumber
from contacts.models.people import Channel
from contacts.own_numbers import read_own_numbers
from contacts.paired_numbers import find_stopped_by_pairs
from reminders.deciding.sending_mode import leaves_this_machine, mode_of
from reminders.deciding.situations import is_never_dialled, zones_of
from reminders.deciding.test_objections import ANY_ALLOWED_HOUR
from reminders.models import ReceivedText, SendingSwitch, StaffText
from reminders.rules.calling_hours import next_allowed
from reminders.rules.modes import SendingMode
from reminders.rules.reasons import ReasonOfText

IN_CONVERSATION = timedelta(hours=1)  # after a text from the number, at any hour


def with_text_location(numbers: "QuerySet[PhoneNumber]") -> "QuerySet[PhoneNumber]":
    """The numbers with what find_text_location() needs."""
    visits = Appointment.objects.filter(contact__phone=OuterRef("pk")).order_by("-starts_at")
    return numbers.annotate(latest_location=Subquery(visits.values("location")[:1]))


def find_text_location(number: PhoneNumber, locations: Sequence[Location]) -> Location | None:
    """The location that texts to the number come from: of its latest visit, else the first by name.

    `number`: of with_text_location(); `locations`: all of them, by name.
    """
    latest: int | None = number.latest_location  # type: ignore[attr-defined]
    first = next(iter(locations), None)
    return next((location for location in locations if location.pk == latest), first)


def find_text_objection(
    text: StaffText,
    now: datetime,
    *,
    switch: SendingSwitch | None = None,
    locations: Iterable[Location] | None = None,
) -> str:
    """The code of why it may not go out at `now` (aware UTC), or "". It need not be saved yet."""
    return find_text_objections([text], now, switch=switch, locations=locations)[0]


def find_text_objections(
    texts: Sequence[StaffText],
    now: datetime,
    *,
    switch: SendingSwitch | None = None,
    locations: Iterable[Location] | None = None,
    may_wait: bool = False,
) -> list[str]:
    """The same for many at once, in their order, with at most four queries.

    `switch`, `locations` (all): where they were read for this request already. `may_wait`: the night is no
    objection, since they can go out in the morning.
    """
    numbers = {text.number_id for text in texts}
    switch = switch or SendingSwitch.objects.filter(pk=1).first() or SendingSwitch()
    mode, own = mode_of(switch), read_own_numbers(locations)
    stopped = find_stopped_by_pairs(numbers, Channel.SMS)
    received = ReceivedText.objects.filter(number__in=numbers, at__gt=now - IN_CONVERSATION, at__lte=now)
    by_night = [not may_wait and _is_night(text, now) for text in texts]
    in_conversation = set(received.values_list("number", flat=True)) if any(by_night) else set()

    def find_one(text: StaffText, is_night: bool) -> str:
        number = text.number
        checks = [
            (switch.paused_at is not None, ReasonOfText.TEXT_PAUSED),
            (mode == SendingMode.SANDBOX and leaves_this_machine(), ReasonOfText.TEXT_SANDBOX_MODE),
            (mode == SendingMode.TRIAL and number.verified_at is None, ReasonOfText.TEXT_NOT_ON_TRIAL),
            (not text.by.is_active, ReasonOfText.TEXT_NO_LOGIN),
            (is_never_dialled(number) or number.erased_at is not None, ReasonOfText.TEXT_NEVER),
            (number.e164 in own, ReasonOfText.TEXT_OWN_NUMBER),
            (number.sms_opted_out_at is not None, ReasonOfText.TEXT_OPTED_OUT),
            (number.pk in stopped, ReasonOfText.TEXT_OPTED_OUT),
            (is_night and number.pk not in in_conversation, ReasonOfText.TEXT_AT_NIGHT),
        ]
        return next((reason for objected, reason in checks if objected), "")

    return [find_one(text, is_night) for text, is_night in zip(texts, by_night, strict=True)]


def find_next_text_time(text: StaffText, now: datetime) -> datetime | None:
    """From when (aware UTC) the hours of the day let it go out, `now` if they do; None if they never do."""
    number = text.number
    zone = text.location.time_zone if text.location else next(iter(number.time_zones), "UTC")
    zones = zones_of("", zone, number.time_zones)
    return next_allowed(now, ANY_ALLOWED_HOUR, zones) if zones else None


def _is_night(text: StaffText, now: datetime) -> bool:
    return find_next_text_time(text, now) != now
