"""Actions of one click: arrived, no-show, confirmed, call now, skip, put back."""

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from contacts.appointments import AppointmentClosed
from contacts.models import Appointment
from reminders.desk import orders
from reminders.desk.bookings import confirm_by_staff, record_visit
from reminders.models import Reminder
from reminders.templatetags.reminder_display import UNDO_TAG
from reminders.views.requests import go_back, signed_in

ATTENDANCE = {Appointment.Status.ARRIVED, Appointment.Status.NO_SHOW, Appointment.Status.BOOKED}


@permission_required("contacts.change_appointment", raise_exception=True)
@require_POST
def record_attendance(request: HttpRequest, pk: int) -> HttpResponse:
    """Record arrived or no-show, or undo it, if it still is as it was then (`now`, a status)."""
    appointment = get_object_or_404(Appointment.objects.select_related("contact"), pk=pk)
    status = request.POST.get("status", "")
    if status not in ATTENDANCE:
        return HttpResponseBadRequest(_("The status must be arrived, no-show or booked."))
    try:
        record_visit(appointment.pk, status, by=signed_in(request), now=request.POST.get("now", ""))
    except AppointmentClosed as refusal:
        messages.error(request, str(refusal))
    else:
        _say_what_was_recorded(request, appointment, status)
    return go_back(request, appointment_address(pk))


def _say_what_was_recorded(request: HttpRequest, appointment: Appointment, status: str) -> None:
    """In a message, with a button that undoes it, since it was one press in a list.

    `appointment`: as it was before.
    """
    name = {"name": appointment.contact.full_name}
    is_new = appointment.status != status
    undo = f"{UNDO_TAG}{appointment.pk}-{appointment.status}-{status}" if is_new else ""
    if status == Appointment.Status.ARRIVED:
        messages.success(request, _("%(name)s has arrived.") % name, extra_tags=undo)
    elif status == Appointment.Status.NO_SHOW:
        messages.success(request, _("%(name)s is marked as a no-show.") % name, extra_tags=undo)
    else:
        messages.success(request, _("%(name)s is put back to booked.") % name)


@permission_required("contacts.change_appointment", raise_exception=True)
@require_POST
def confirm(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark it confirmed because the patient told the staff."""
    appointment = get_object_or_404(Appointment, pk=pk)
    if not confirm_by_staff(appointment.pk, by=signed_in(request)):
        messages.error(request, _("A cancelled appointment can't be confirmed. Book it again first."))
    return go_back(request, appointment_address(pk))


@permission_required("contacts.change_appointment", raise_exception=True)
@require_POST
def order_call(request: HttpRequest, pk: int) -> HttpResponse:
    """Call now, about every visit of the number that day. The rules that protect the patient still apply."""
    return _order(request, pk, orders.order_household_call, _("The call goes out within seconds."))


@permission_required("contacts.change_appointment", raise_exception=True)
@require_POST
def skip(request: HttpRequest, pk: int) -> HttpResponse:
    return _order(request, pk, orders.skip_reminder, _("This reminder will not be sent."))


@permission_required("contacts.change_appointment", raise_exception=True)
@require_POST
def put_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Plan a reminder again that was skipped or missed."""
    return _order(request, pk, orders.put_back_reminder, _("The reminder is planned again."))


def appointment_address(pk: int) -> str:
    return reverse("appointment", args=[pk])


def _order(request: HttpRequest, pk: int, order: Callable[..., object], done: str) -> HttpResponse:
    reminder = get_object_or_404(Reminder, pk=pk)
    try:
        order(reminder.pk, by=signed_in(request))
    except orders.OrderRefused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, done)
    return go_back(request, appointment_address(reminder.appointment_id))
