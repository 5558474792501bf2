"""Everybody who shares a number, on one page. The address has the number's id, never the number."""

from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from contacts.models import PhoneNumber
from contacts.number_looks import show_in_full
from reminders.deciding.shared_settings import read_shared_settings
from reminders.pages.frame import read_frame
from reminders.pages.household import read_household


@permission_required(("contacts.view_contact", "contacts.view_appointment"), raise_exception=True)
@require_GET
def show_household(request: HttpRequest, pk: int) -> HttpResponse:
    practice = read_shared_settings().config
    frame = read_frame(list(practice.locations.values()))
    try:
        household = read_household(
            pk, timezone.now(), practice, sending_paused=frame.switch.paused_at is not None
        )
    except PhoneNumber.DoesNotExist:
        raise Http404 from None
    in_full = show_in_full([household.number], request.user)
    context = {"household": household, "number": household.number, "in_full": in_full}
    return render(request, "reminders/household.html", context | {"frame": frame})
