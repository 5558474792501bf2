"""One appointment and its timeline: the whole page and, for htmx, the part that refreshes itself."""

from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from contacts.models import Appointment
from contacts.number_looks import show_in_full
from reminders.deciding.shared_settings import SharedSettings, read_shared_settings
from reminders.pages.frame import read_frame
from reminders.pages.story import Story, read_story
from reminders.views.requests import answer_unchanged, make_etag, signed_in, wants_fragment


@permission_required("contacts.view_appointment", raise_exception=True)
@require_GET
@never_cache
def show_appointment(request: HttpRequest, pk: int) -> HttpResponse:
    """The page. htmx gets only the part that refreshes itself, or 304 if nothing has changed."""
    practice = read_shared_settings()
    frame = read_frame(list(practice.config.locations.values()))
    story = _read_story(request, pk, practice, sending_paused=frame.switch.paused_at is not None)
    etag = make_etag(request, story)
    if unchanged := answer_unchanged(request, etag):
        return unchanged
    is_fragment = wants_fragment(request)
    template = "reminders/appointment/fragment.html" if is_fragment else "reminders/appointment.html"
    in_full = show_in_full([story.appointment.contact.phone], request.user)
    context = {"story": story, "appointment": story.appointment, "etag": etag, "in_full": in_full}
    answer = render(request, template, context | {"frame": frame})
    patch_vary_headers(answer, ["HX-Request"])
    return answer


@permission_required("contacts.view_appointment", raise_exception=True)
@require_GET
@never_cache
def peek(request: HttpRequest, pk: int) -> HttpResponse:
    """The visit in short, beside the list of Today; without htmx the page itself."""
    if not wants_fragment(request):
        return redirect("appointment", pk=pk)
    story = _read_story(request, pk, read_shared_settings())
    return render(request, "reminders/today/peek.html", {"story": story, "appointment": story.appointment})


def _read_story(
    request: HttpRequest, pk: int, practice: SharedSettings, *, sending_paused: bool | None = None
) -> Story:
    """Raises Http404. What Robotalker sent is for those who read evidence."""
    try:
        return read_story(
            pk,
            timezone.now(),
            practice,
            sending_paused=sending_paused,
            with_events=signed_in(request).has_perm("reminders.read_evidence"),
        )
    except Appointment.DoesNotExist:
        raise Http404 from None


@permission_required("contacts.dial_phonenumber", raise_exception=True)
@require_GET
@never_cache
def show_visit_number(request: HttpRequest, pk: int) -> HttpResponse:
    """The visit's number in full; that somebody saw it is recorded."""
    appointment = get_object_or_404(Appointment.objects.select_related("contact__phone"), pk=pk)
    number = appointment.contact.phone
    if number is None or not wants_fragment(request):
        return redirect("appointment", pk=pk)
    in_full = show_in_full([number], request.user)
    return render(request, "partials/number_to_dial.html", {"number": number, "in_full": in_full})
