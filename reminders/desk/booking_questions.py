"""What is asked before a visit is booked or moved, each with a way to go on (product rule 56)."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from contacts.models import Appointment, Location, Provider
from contacts.wall_times import read_clock
from reminders.planning.owed_reminders import open_days_of

FURTHEST = timedelta(days=2 * 366)
SHORTEST_VISIT, LONGEST_VISIT = 5, 600  # minutes
_LONGEST_KNOWN = timedelta(days=1)  # visits of lists may be longer than LONGEST_VISIT


class BookingQuestion(models.TextChoices):
    """A code, and its sentence. Whoever books answers by confirming the code."""

    TIME_HAS_PASSED = "time_has_passed", _("That time has passed.")
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
    if not open_days_of(location).include(read_clock(starts_at, location.time_zone)[0].date()):
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
