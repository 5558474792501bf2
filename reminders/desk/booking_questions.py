"""What is asked before a visit is booked or moved, each with a way to go on (product rule 56)."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from contacts.booking_locks import lock_patients, lock_providers
from contacts.models import Appointment, Location, Provider
from contacts.wall_times import read_clock
from reminders.planning.open_times import LONGEST_KNOWN, OpenTimes, read_open_times_of

FURTHEST = timedelta(days=2 * 366)
SHORTEST_VISIT, LONGEST_VISIT = 5, 600  # minutes


class BookingQuestion(models.TextChoices):
    """A code, and its sentence. Whoever books answers by confirming the code."""

    TIME_HAS_PASSED = "time_has_passed", _("That time has passed.")
    OUTSIDE_HOURS = "outside_hours", _("That is outside opening hours.")
    LOCATION_CLOSED = "location_closed", _("The location is closed on that day.")
    PATIENT_BUSY = "patient_busy", _("The patient has another appointment at that time.")
    PROVIDER_BUSY = "provider_busy", _("The provider has another appointment at that time.")
    BOOK_AGAIN = "book_again", _("The appointment was cancelled here. It would be booked again.")


class BookingQuestionsOpen(ValueError):
    """Nothing was changed, because these questions weren't confirmed."""

    def __init__(self, questions: Iterable[BookingQuestion]) -> None:
        self.questions = tuple(questions)
        super().__init__(", ".join(self.questions))


@dataclass(frozen=True)
class WantedSlot:
    """When somebody would come (aware). `contact_id`: 0 while the patient isn't chosen yet."""

    contact_id: int
    starts_at: datetime
    ends_at: datetime


def find_booking_questions(
    *,
    contact_id: int,
    location: Location,
    provider: Provider | None,
    starts_at: datetime,
    ends_at: datetime,
    now: datetime,
    besides: int | None = None,
) -> list[BookingQuestion]:
    """What to ask about a visit from `starts_at` to `ends_at` (aware). Three queries.

    `besides`: the id of the appointment that is to be moved, which isn't in its own way.
    """
    slot = WantedSlot(contact_id, starts_at, ends_at)
    return find_questions_of_slots([slot], location, provider, now, besides=[besides] if besides else [])[0]


def find_questions_of_slots(
    slots: Sequence[WantedSlot],
    location: Location,
    provider: Provider | None,
    now: datetime,
    *,
    besides: Collection[int] = (),
) -> list[list[BookingQuestion]]:
    """What to ask about each of these slots at one location. Three queries, however many there are.

    `besides`: the ids of appointments that are to be moved.
    """
    return find_questions_at_locations([(slot, location) for slot in slots], provider, now, besides=besides)


def find_questions_at_locations(
    wanted: Sequence[tuple[WantedSlot, Location]],
    provider: Provider | None,
    now: datetime,
    *,
    besides: Collection[int] = (),
) -> list[list[BookingQuestion]]:
    """The same for slots at several locations, of one provider."""
    open_times = read_open_times_of({location for _slot, location in wanted})
    taken = _read_taken([slot for slot, _location in wanted], provider, besides)
    return [
        list(_ask_about(slot, provider, open_times[location.pk], taken, now)) for slot, location in wanted
    ]


class _Taken(NamedTuple):
    contact_id: int
    provider_id: int | None
    starts_at: datetime
    ends_at: datetime


def _ask_about(
    slot: WantedSlot,
    provider: Provider | None,
    open_times: OpenTimes,
    taken: Iterable[_Taken],
    now: datetime,
) -> Iterator[BookingQuestion]:
    if slot.starts_at < now:
        yield BookingQuestion.TIME_HAS_PASSED
    local, until = (read_clock(moment, open_times.zone.key)[0] for moment in (slot.starts_at, slot.ends_at))
    if not open_times.hours.include(local, until):
        yield BookingQuestion.OUTSIDE_HOURS
    if not open_times.days.include(local.date()):
        yield BookingQuestion.LOCATION_CLOSED
    meanwhile = [one for one in taken if one.starts_at < slot.ends_at and one.ends_at > slot.starts_at]
    if any(one.contact_id == slot.contact_id for one in meanwhile):
        yield BookingQuestion.PATIENT_BUSY
    if provider and any(one.provider_id == provider.pk for one in meanwhile):
        yield BookingQuestion.PROVIDER_BUSY


def _read_taken(
    slots: Sequence[WantedSlot], provider: Provider | None, besides: Collection[int]
) -> list[_Taken]:
    """The booked visits of these patients and of the provider, from the first of the slots to the last."""
    first, last = min(slot.starts_at for slot in slots), max(slot.ends_at for slot in slots)
    booked = Appointment.objects.exclude(pk__in=besides).filter(
        Q(contact__in={slot.contact_id for slot in slots})
        | (Q(provider=provider) if provider else Q(pk__in=[])),
        status=Appointment.Status.BOOKED,
        starts_at__gt=first - LONGEST_KNOWN,
        starts_at__lt=last,
        ends_at__gt=first,
    )
    return [_Taken(*row) for row in booked.values_list("contact_id", "provider_id", "starts_at", "ends_at")]


def raise_unanswered(questions: Iterable[BookingQuestion], confirmed: Collection[str]) -> None:
    """Raise BookingQuestionsOpen unless all the questions are `confirmed` (codes)."""
    if unanswered := [question for question in questions if question not in confirmed]:
        raise BookingQuestionsOpen(unanswered)


def lock_bookings(*, contact_id: int, provider_id: int | None) -> None:
    """Until the transaction ends let nothing else be booked for this patient or this provider.

    So of two visits for one hour the second is asked. To be called before any row is locked; nobody waits
    for a booking of others.
    """
    lock_patients([contact_id])
    lock_providers([provider_id] if provider_id else [])


def lock_bookings_around(appointment_id: int, provider: Provider | None) -> None:
    """The same before an appointment is moved, to this provider or else with its own.

    The patient comes first, and alone: as long as they are locked nobody else who books gives it to another
    provider. Raises Appointment.DoesNotExist.
    """
    there = Appointment.objects.filter(pk=appointment_id)
    lock_patients([there.values_list("contact_id", flat=True).get()])
    provider_id = provider.pk if provider else there.values_list("provider_id", flat=True).get()
    lock_providers([provider_id] if provider_id else [])
