"""Appointments: list, read, put by the id of another system, change and cancel."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from contacts.database.clock import read_database_clock
from contacts.imports.identity import is_no_id
from contacts.models import ApiScope, Appointment, Location, Provider
from reminders.api.bodies import StrictSerializer, read_json_body, read_parameters
from reminders.api.fields import NOT_AN_ID, MomentField, Text, WholeParameter
from reminders.api.problems import refuse_parameter
from reminders.api.references import (
    ID_LENGTH,
    SOURCE_LENGTH,
    ContactReference,
    NamedReference,
    find_contact,
    find_referenced,
)
from reminders.api.refusals import refusals_as_problems
from reminders.api.views import (
    IF_MATCH,
    IF_NONE_MATCH,
    ApiView,
    PageParameters,
    acting_user,
    answer_row,
    check_if_match,
    choose_order,
    find_row,
    list_page,
    names_version,
    refuse_existing,
    require_if_match,
)
from reminders.desk.booking_questions import (
    FURTHEST,
    LONGEST_VISIT,
    SHORTEST_VISIT,
    BookingQuestion,
)
from reminders.desk.reported_bookings import PutBooking, change_booking, put_booking
from reminders.desk.reported_values import KeptCorrection, ReportedBooking

MINUTE = timedelta(minutes=1)


class AppointmentFields(serializers.Serializer[Appointment]):
    """An appointment as it is shown. Times are by the clock of its location."""

    id = serializers.IntegerField()
    source = serializers.CharField(help_text="The system that it came from; empty: it was booked here.")  # type: ignore[assignment]
    external_id = serializers.CharField(help_text="Its id in that system.")
    contact = serializers.SerializerMethodField()
    location = serializers.SerializerMethodField()
    provider = serializers.SerializerMethodField()
    starts_at = MomentField(source="wall_start")
    ends_at = MomentField(source="wall_end")
    time_zone = serializers.CharField(help_text="The IANA time zone that it was booked in.")
    kind = serializers.CharField()
    status = serializers.ChoiceField(Appointment.Status.choices)
    answer = serializers.ChoiceField(
        Appointment.Answer.choices,
        source="current_answer",
        allow_blank=True,
        help_text="The patient's, to what is booked now.",
    )
    answered_at = serializers.SerializerMethodField()
    revision = serializers.IntegerField(help_text="Grows when time, location or phone number change.")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()

    @extend_schema_field(ContactReference)
    def get_contact(self, appointment: Appointment) -> dict[str, Any]:
        contact = appointment.contact
        return {"id": contact.pk, "source": contact.source, "external_id": contact.external_id}

    @extend_schema_field(NamedReference)
    def get_location(self, appointment: Appointment) -> dict[str, Any]:
        return {"id": appointment.location.pk, "name": appointment.location.name}

    @extend_schema_field({"oneOf": [{"$ref": "#/components/schemas/NamedReference"}, {"type": "null"}]})
    def get_provider(self, appointment: Appointment) -> dict[str, Any] | None:
        provider = appointment.provider
        return {"id": provider.pk, "name": provider.name} if provider else None

    @extend_schema_field({"type": ["string", "null"], "format": "date-time"})
    def get_answered_at(self, appointment: Appointment) -> str | None:
        if not appointment.current_answer or not appointment.answered_at:
            return None
        return appointment.answered_at.astimezone(appointment.wall_start.tzinfo).isoformat()


class KeptFields(serializers.Serializer[Any]):
    """A value that stays as staff have it, since your system says what it said before."""

    field = serializers.ChoiceField(KeptCorrection.choices)
    note = serializers.CharField()


class PutAppointmentAnswer(AppointmentFields):
    """The appointment, and what stays in it as staff have it."""

    kept = KeptFields(many=True)


class ConfirmableBody(StrictSerializer):
    """What a change of an appointment may carry besides."""

    starts_at = MomentField(help_text="A whole minute, at most two years ahead.")
    ends_at = MomentField(help_text="5 to 600 minutes later.")
    provider = NamedReference(required=False, allow_null=True, help_text="null: as it is, or not known.")
    status = serializers.ChoiceField(Appointment.Status.choices, required=False)
    confirm = serializers.ListField(
        child=serializers.ChoiceField(BookingQuestion.choices),
        required=False,
        max_length=len(BookingQuestion),
        help_text="The codes of a “confirmation_needed” problem, to go on all the same.",
    )

    def validate_starts_at(self, starts_at: datetime) -> datetime:
        if abs(starts_at - read_database_clock()) > FURTHEST:
            raise ValidationError(_("That is more than two years away. Check the year."), code="too_far_away")
        return starts_at

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        starts_at, ends_at = given.get("starts_at"), given.get("ends_at")
        if starts_at and (starts_at.second or starts_at.microsecond):
            raise ValidationError({"starts_at": [_("Give a whole minute.")]}, code="not_a_minute")
        if ends_at and not starts_at:
            raise ValidationError({"starts_at": [_("Send it with ends_at.")]}, code="required")
        if starts_at and ends_at:
            minutes = (ends_at - starts_at) / MINUTE
            if not (SHORTEST_VISIT <= minutes <= LONGEST_VISIT and minutes == int(minutes)):
                detail = _("It must end %(least)d to %(most)d whole minutes after its start.")
                words = {"least": SHORTEST_VISIT, "most": LONGEST_VISIT}
                raise ValidationError({"ends_at": [detail % words]}, code="wrong_length")
        return given


class PutAppointment(ConfirmableBody):
    """An appointment as the practice system has it."""

    contact = ContactReference()
    location = NamedReference()
    kind = Text(required=False, allow_blank=True, max_length=80, help_text="Never said in calls.")


class PatchAppointment(ConfirmableBody):
    """What is to change."""

    starts_at = MomentField(required=False, help_text="Without ends_at its length stays.")
    ends_at = MomentField(required=False)
    location = NamedReference(required=False, help_text="Send starts_at with it, by its clock.")
    kind = Text(required=False, allow_blank=True, max_length=80)

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        given = super().validate(given)
        if "location" in given and "starts_at" not in given:
            detail = _("Send it with location, whose clock may be another.")
            raise ValidationError({"starts_at": [detail]}, code="required")
        return given


class AppointmentParameters(PageParameters):
    """Filters of the list."""

    updated_since = MomentField(required=False)
    starts_from = MomentField(required=False)
    starts_before = MomentField(required=False)
    location = WholeParameter(required=False)
    provider = WholeParameter(required=False)
    contact = WholeParameter(required=False)
    status = serializers.ChoiceField(Appointment.Status.choices, required=False)
    source = Text(required=False, max_length=SOURCE_LENGTH)  # type: ignore[assignment]


class AppointmentPage(serializers.Serializer[Any]):
    """A part of the list."""

    results = AppointmentFields(many=True)
    next_cursor = serializers.CharField(allow_null=True, help_text="null: there are no more.")


FILTERS = {
    "updated_since": "updated_at__gte",
    "starts_from": "starts_at__gte",
    "starts_before": "starts_at__lt",
    "location": "location",
    "provider": "provider",
    "contact": "contact",
    "status": "status",
    "source": "source",
}
IF_NEW = OpenApiParameter(
    "If-None-Match",
    {"type": "string", "enum": ["*"]},
    OpenApiParameter.HEADER,
    description="*: only if it is new.",
)


class Appointments(ApiView):
    """All appointments."""

    scopes = {"GET": ApiScope.READ_APPOINTMENTS}
    takes_parameters = True

    @extend_schema(
        operation_id="listAppointments", parameters=[AppointmentParameters], responses=AppointmentPage
    )
    def get(self, request: Request) -> Response:
        """List appointments, in the order in which they were made; with updated_since, changed; with status,
        starts_from or starts_before, in the order of their start.
        """
        wanted = read_parameters(request, AppointmentParameters)
        order = choose_order(wanted, held="status", moment="starts_at")
        filters = {
            FILTERS[name]: value for name, value in wanted.items() if name in FILTERS and name != order.held
        }
        rows = shown_appointments().filter(**filters)
        return list_page(
            rows,
            AppointmentFields,
            cursor=wanted.get("cursor", ""),
            limit=wanted["limit"],
            order=order,
        )


class OneAppointment(ApiView):
    """An appointment by its id here."""

    scopes = {"GET": ApiScope.READ_APPOINTMENTS, "PATCH": ApiScope.WRITE_APPOINTMENTS}

    @extend_schema(operation_id="readAppointment", parameters=[IF_NONE_MATCH], responses=AppointmentFields)
    def get(self, request: Request, pk: int) -> Response:
        """Read an appointment."""
        return answer_appointment(request, pk=pk)

    @extend_schema(
        operation_id="changeAppointment",
        parameters=[IF_MATCH],
        request=PatchAppointment,
        responses=AppointmentFields,
    )
    def patch(self, request: Request, pk: int) -> Response:
        """Change an appointment. If-Match is required."""
        require_if_match(request)
        body = read_json_body(request, PatchAppointment)
        wanted = read_booking(body)
        confirmed, check = body.get("confirm", ()), make_check(request)
        with refusals_as_problems():
            change_booking(pk, wanted, by=acting_user(request), confirmed=confirmed, check=check)
        return answer_appointment(request, pk=pk)


class CancelledAppointment(ApiView):
    """Cancelling an appointment by its id here."""

    scopes = {"POST": ApiScope.WRITE_APPOINTMENTS}

    @extend_schema(
        operation_id="cancelAppointment", parameters=[IF_MATCH], request=None, responses=AppointmentFields
    )
    def post(self, request: Request, pk: int) -> Response:
        """Cancel an appointment; nothing more is sent for it. Cancelling twice changes nothing."""
        read_json_body(request, StrictSerializer)
        wanted = ReportedBooking(status=Appointment.Status.CANCELLED)
        with refusals_as_problems():
            change_booking(pk, wanted, by=acting_user(request), check=make_check(request))
        return answer_appointment(request, pk=pk)


SOURCE_AND_ID = [
    OpenApiParameter(
        "source", {"type": "string", "minLength": 1, "maxLength": SOURCE_LENGTH}, OpenApiParameter.PATH
    ),
    OpenApiParameter(
        "external_id", {"type": "string", "minLength": 1, "maxLength": ID_LENGTH}, OpenApiParameter.PATH
    ),
]


class ReportedAppointment(ApiView):
    """An appointment by its id in another system."""

    scopes = {"GET": ApiScope.READ_APPOINTMENTS, "PUT": ApiScope.WRITE_APPOINTMENTS}

    @extend_schema(
        operation_id="readReportedAppointment",
        parameters=[*SOURCE_AND_ID, IF_NONE_MATCH],
        responses=AppointmentFields,
    )
    def get(self, request: Request, source: str, external_id: str) -> Response:
        """Read an appointment by its id in another system."""
        check_ids(source=source, external_id=external_id)
        return answer_appointment(request, source=source, external_id=external_id)

    @extend_schema(
        operation_id="putAppointment",
        parameters=[*SOURCE_AND_ID, IF_MATCH, IF_NEW],
        request=PutAppointment,
        responses={200: PutAppointmentAnswer, 201: PutAppointmentAnswer},
    )
    def put(self, request: Request, source: str, external_id: str) -> Response:
        """Book an appointment, or bring it up to date. The same again changes nothing, nor what staff
        corrected since.
        """
        check_ids(source=source, external_id=external_id)
        if answer := self._cancel_known(request, source, external_id):
            return answer
        if is_no_id(external_id):
            raise refuse_parameter("external_id", "not_an_id", str(NOT_AN_ID))
        body = read_json_body(request, PutAppointment)
        contact = find_contact(body["contact"])
        wanted = read_booking(body)
        with refusals_as_problems():
            done = put_booking(
                source,
                external_id,
                contact,
                wanted,
                by=acting_user(request),
                confirmed=body.get("confirm", ()),
                check=make_check(request),
                keeps_corrections=not names_version(request),
            )
        return answer_put(request, done)

    def _cancel_known(self, request: Request, source: str, external_id: str) -> Response | None:
        """What is reported as cancelled is cancelled, whatever else the body says (product rule 44)."""
        body = request.data
        if not isinstance(body, dict) or body.get("status") != Appointment.Status.CANCELLED:
            return None
        known = Appointment.objects.filter(source=source, external_id=external_id).values_list(
            "pk", flat=True
        )
        if (pk := known.first()) is None:
            return None
        wanted = ReportedBooking(status=Appointment.Status.CANCELLED)
        with refusals_as_problems():
            kept = change_booking(
                pk,
                wanted,
                by=acting_user(request),
                check=make_check(request),
                keeps_corrections=not names_version(request),
            )
        return answer_put(request, PutBooking(pk, is_new=False, kept=kept))


def shown_appointments() -> "QuerySet[Appointment]":
    """With all that AppointmentFields shows."""
    return Appointment.objects.select_related("contact", "location", "provider")


def answer_appointment(request: Request, status: int = 200, **wanted: Any) -> Response:
    """The appointment as it is shown, with its ETag."""
    return answer_row(request, AppointmentFields(find_row(shown_appointments(), **wanted)).data, status)


def answer_put(request: Request, done: PutBooking) -> Response:
    """The appointment with what stays as staff have it. Its ETag is that of the appointment alone."""
    kept = [{"field": one.value, "note": str(one.label)} for one in done.kept]
    shown = AppointmentFields(find_row(shown_appointments(), pk=done.appointment_id)).data
    return answer_row(request, shown, 201 if done.is_new else 200, besides={"kept": kept})


def make_check(request: Request) -> Any:
    """The check of the request's conditions, for the locked appointment (None: there is none yet)."""

    def check(appointment: Appointment | None) -> None:
        if appointment is None:
            check_if_match(request, None)
        else:
            refuse_existing(request)
            check_if_match(request, AppointmentFields(appointment).data)

    return check


def check_ids(**ids: str) -> None:
    """Raises ApiProblem for an id in the address that can't be one."""
    lengths = {"source": SOURCE_LENGTH, "external_id": ID_LENGTH}
    for name, value in ids.items():
        if len(value) > lengths[name]:
            raise refuse_parameter(name, "max_length", _("It is too long."))
        if not value.isprintable() or value != value.strip():
            raise refuse_parameter(name, "invalid", _("It has control characters, or blanks around it."))


def read_booking(body: dict[str, Any]) -> ReportedBooking:
    """The body as the desk takes it. Raises ApiProblem for a location or provider that isn't there."""
    location = body.get("location") and find_referenced(
        Location.objects.all(), body["location"], "#/location"
    )
    provider = body.get("provider") and find_referenced(
        Provider.objects.all(), body["provider"], "#/provider"
    )
    return ReportedBooking(
        location=location,
        provider=provider,
        starts_at=body.get("starts_at"),
        ends_at=body.get("ends_at"),
        kind=body.get("kind"),
        status=body.get("status"),
    )
