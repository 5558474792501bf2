"""What is asked before a visit is booked or moved, each with a way to go on (product rule 56)."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from contacts.booking_locks import lock_patients, lock_providers
from contacts.clock_habits import is_usual
from contacts.models import Appointment, Location, Provider
from contacts.wall_times import read_clock
from reminders.planning.owed_reminders import open_days_of

FURTHEST = timedelta(days=2 * 366)
SHORTEST_VISIT, LONGEST_VISIT = 5, 600  # minutes
_LONGEST_KNOWN = timedelta(days=1)  # visits of lists may be longer than LONGEST_VISIT


class BookingQuestion(models.TextChoices):
    """A code, and its sentence. Whoever books answers by confirming the code."""

    TIME_HAS_PASSED = "time_has_passed", _("That time has passed.")
    OUTSIDE_HOURS = "outside_hours", _("That is early in the morning, in the evening or at night.")
    LOCATION_CLOSED = "location_closed", _("The location is closed on that day.")
    PATIENT_BUSY = "patient_busy", _("The patient has another appointment at that time.")
    PROVIDER_BUSY = "provider_busy", _("The provider has another appointment at that time.")
    BOOK_AGAIN = "book_again", _("The appointment was cancelled here. It would be booked again.")


class BookingQuestionsOpen(ValueError):
    """Nothing was changed, because these questions weren't confirmed."""

    def __init__(self, questions: Iterable[BookingQuestion]) -> None:
        self.questions = tuple(questions)
        super().__init__(", ".join(self.questions))


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
    """What to ask about a visit from `starts_at` to `ends_at` (aware). Two queries.

    `besides`: the id of the appointment that is to be moved, which isn't in its own way.
    """
    found = []
    if starts_at < now:
        found.append(BookingQuestion.TIME_HAS_PASSED)
    local = read_clock(starts_at, location.time_zone)[0]
    if not is_usual(local.time()):
        found.append(BookingQuestion.OUTSIDE_HOURS)
    if not open_days_of(location).include(local.date()):
        found.append(BookingQuestion.LOCATION_CLOSED)
    overlapping = Appointment.objects.exclude(pk=besides or 0).filter(
        Q(contact=contact_id) | (Q(provider=provider) if provider else Q(pk__in=[])),
        status=Appointment.Status.BOOKED,
        starts_at__gt=starts_at - _LONGEST_KNOWN,
        starts_at__lt=ends_at,
        ends_at__gt=starts_at,
    )
    taken = list(overlapping.values_list("contact_id", "provider_id"))
    if any(patient == contact_id for patient, _provider in taken):
        found.append(BookingQuestion.PATIENT_BUSY)
    if provider and any(busy == provider.pk for _patient, busy in taken):
        found.append(BookingQuestion.PROVIDER_BUSY)
    return found


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
