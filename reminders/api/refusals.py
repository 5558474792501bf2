"""What the desk refuses or asks about an appointment, as problems of the API."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.utils.translation import gettext as _

from contacts.appointments import AppointmentClosed
from contacts.models import Appointment
from reminders.api.problems import ApiProblem, FieldError, ProblemCode
from reminders.desk.booking_questions import BookingQuestion, BookingQuestionsOpen
from reminders.desk.reported_bookings import OtherContact


@contextmanager
def refusals_as_problems() -> Iterator[None]:
    """What the desk refuses becomes a problem of the API."""
    try:
        yield
    except Appointment.DoesNotExist:
        raise ApiProblem(ProblemCode.NOT_FOUND, _("There is no such appointment.")) from None
    except AppointmentClosed as refusal:
        raise ApiProblem(ProblemCode.CONFLICT, str(refusal)) from None
    except OtherContact:
        detail = _("The appointment belongs to another contact. Cancel it, and book one with another id.")
        error = FieldError("other_contact", detail, pointer="#/contact")
        raise ApiProblem(ProblemCode.CONFLICT, detail, errors=[error]) from None
    except BookingQuestionsOpen as asked:
        errors = [FieldError(one.value, str(one.label), pointer=PLACES[one]) for one in asked.questions]
        detail = _("Send it again with these codes in “confirm” if it is meant.")
        raise ApiProblem(
            ProblemCode.CONFIRMATION_NEEDED,
            detail,
            errors=errors,
            confirm=[one.value for one in asked.questions],
        ) from None


PLACES = {
    BookingQuestion.TIME_HAS_PASSED: "#/starts_at",
    BookingQuestion.OUTSIDE_HOURS: "#/starts_at",
    BookingQuestion.LOCATION_CLOSED: "#/starts_at",
    BookingQuestion.PATIENT_BUSY: "#/starts_at",
    BookingQuestion.PROVIDER_BUSY: "#/provider",
    BookingQuestion.BOOK_AGAIN: "#/status",
}
