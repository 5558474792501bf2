"""One appointment: what it is, and its story. The page and, for htmx, the part that renews itself."""

from hashlib import sha256

from django.contrib.messages import get_messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from contacts.models import Appointment
from reminders.pages.story import read_story


@require_GET
@never_cache
def show_appointment(request: HttpRequest, pk: int) -> HttpResponse:
    """The page; htmx gets its moving part alone, or 304 while nothing has changed."""
    try:
        story = read_story(pk, timezone.now())
    except Appointment.DoesNotExist:
        raise Http404 from None
    etag = f'W/"{sha256(f"{get_language()} {story!r}".encode()).hexdigest()[:32]}"'
    is_fragment = bool(request.headers.get("HX-Request"))
    if is_fragment and not get_messages(request) and (same := get_conditional_response(request, etag=etag)):
        return same
    template = "reminders/appointment/fragment.html" if is_fragment else "reminders/appointment.html"
    answer = render(request, template, {"story": story, "appointment": story.appointment, "etag": etag})
    patch_vary_headers(answer, ["HX-Request"])
    return answer
