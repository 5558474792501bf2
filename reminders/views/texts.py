"""Texts with patients: the list of numbers, a number's thread, writing to it, and marking it as read."""

import re
from collections.abc import Sequence

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from contacts.models import Location, PhoneNumber
from contacts.parameters import read_row_id
from contacts.post_addresses import posted_from
from reminders.desk.staff_texts import LONGEST_WORDS, TextRefused, mark_read, write_text
from reminders.models import TextTemplate
from reminders.models.calls import make_public_id
from reminders.pages.frame import read_frame
from reminders.pages.texts import list_threads, read_thread
from reminders.views.requests import answer_unchanged, make_etag, signed_in, wants_fragment

MAY_READ = "reminders.view_receivedtext"
MAY_WRITE = "reminders.add_stafftext"


@permission_required(MAY_READ, raise_exception=True)
@require_GET
@never_cache
def show_texts(request: HttpRequest) -> HttpResponse:
    """The numbers that texts were written with lately; htmx asks for the list alone, or gets 304."""
    threads = list_threads()
    etag = make_etag(request, threads)
    if unchanged := answer_unchanged(request, etag):
        return unchanged
    template = "reminders/texts/list.html" if wants_fragment(request) else "reminders/texts.html"
    return render(request, template, {"threads": threads, "etag": etag})


@permission_required(MAY_READ, raise_exception=True)
@require_GET
@never_cache
def show_text_thread(request: HttpRequest, pk: int) -> HttpResponse:
    """A number's texts; `?template=` begins the form with its words. htmx gets the texts alone, or 304."""
    return _show(request, pk)


@permission_required(MAY_WRITE, raise_exception=True)
@posted_from("text_thread", "pk")
def send_text(request: HttpRequest, pk: int) -> HttpResponse:
    """Text the number; what can't be sent comes back in the form with the reason beside it."""
    words = request.POST.get("words", "")[:LONGEST_WORDS]
    public_id = request.POST.get("public_id", "")
    if not re.fullmatch(r"[A-Za-z0-9_-]{8,24}", public_id):
        public_id = make_public_id()
    try:
        write_text(pk, words, by=signed_in(request), public_id=public_id)
    except PhoneNumber.DoesNotExist:
        raise Http404 from None
    except TextRefused as refusal:
        return _show(request, pk, words=words, error=str(refusal))
    return redirect("text_thread", pk)


@permission_required(MAY_WRITE, raise_exception=True)
@require_POST
def read_texts(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark what the number wrote as read, up to the text that the page showed last."""
    get_object_or_404(PhoneNumber.objects.only("pk"), pk=pk)
    up_to = read_row_id(request.POST.get("up_to", ""))
    if up_to is not None and mark_read(pk, by=signed_in(request), up_to=up_to):
        messages.success(request, _("Marked as read."))
    return redirect("text_thread", pk)


def _show(request: HttpRequest, pk: int, *, words: str = "", error: str = "") -> HttpResponse:
    is_part = wants_fragment(request) and not error
    locations = list(Location.objects.all())
    frame = None if is_part else read_frame(locations)
    switch, user = frame.switch if frame else None, signed_in(request)
    try:
        thread = read_thread(pk, user, timezone.now(), locations=locations, switch=switch)
    except PhoneNumber.DoesNotExist:
        raise Http404 from None
    etag = make_etag(request, thread)
    if not error and (unchanged := answer_unchanged(request, etag)):
        return unchanged
    words = words or _find_template(request, thread.templates)
    template = "reminders/texts/thread.html" if is_part else "reminders/text_thread.html"
    context = {"thread": thread, "number": thread.number, "etag": etag, "words": words, "error": error}
    context |= {"public_id": make_public_id(), "longest": LONGEST_WORDS}
    if frame:
        context["frame"] = frame
    return render(request, template, context, status=422 if error else 200)


def _find_template(request: HttpRequest, templates: Sequence[TextTemplate]) -> str:
    """The words of the template that the address names; "" for none."""
    chosen = read_row_id(request.GET.get("template", ""))
    return next((template.text for template in templates if template.pk == chosen), "")
