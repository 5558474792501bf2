"""One appointment and its timeline: the whole page and, for htmx, the part that refreshes itself."""

from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from contacts.models import Appointment
from contacts.number_looks import show_in_full
from reminders.pages.story import read_story
from reminders.views.requests import answer_unchanged, make_etag, wants_fragment


@permission_required("contacts.view_appointment", raise_exception=True)
@require_GET
@never_cache
def show_appointment(request: HttpRequest, pk: int) -> HttpResponse:
    """The page. htmx gets only the part that refreshes itself, or 304 if nothing has changed."""
    try:
        story = read_story(pk, timezone.now())
    except Appointment.DoesNotExist:
        raise Http404 from None
    etag = make_etag(request, story)
    if unchanged := answer_unchanged(request, etag):
        return unchanged
    is_fragment = wants_fragment(request)
    template = "reminders/appointment/fragment.html" if is_fragment else "reminders/appointment.html"
    in_full = show_in_full([story.appointment.contact.phone], request.user)
    context = {"story": story, "appointment": story.appointment, "etag": etag, "in_full": in_full}
    answer = render(request, template, context)
    patch_vary_headers(answer, ["HX-Request"])
    return answer
