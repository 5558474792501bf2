"""How large the body of a request may be, by its address, and the middleware that refuses a larger one.

The web server itself (config/web_server.py) counts what arrives and ends what is too large, before a thread
is given to it. This middleware holds behind any other server, before anything of the body is read: Django
would write the files of a form to the disk while it looks for the form's token, which it does for anybody.
"""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from contacts.imports.files import describe_too_large
from reminders.robotalker.events import MAX_EVENT_BYTES

BESIDE_THE_FILE = 1024 * 1024  # bytes: the other fields of a form
# A browser reads an answer when it has sent its form. So this much of a list is taken, and thrown away; of a
# larger one nothing is, and the connection ends.
READ_TO_ANSWER = 64 * 1024 * 1024
CHUNK = 64 * 1024
# The addresses themselves, because the server needs them before there are any (tests compare them).
UPLOADS = "/imports/new/"
EVENTS = "/hooks/robotalker/"
TOO_LARGE = b"The request is too large."


def find_body_limit(path: str) -> int:
    """The most bytes that a request to this path may have. A list is the only file that anybody uploads."""
    if path == UPLOADS:
        return int(settings.IMPORT_MAX_BYTES) + BESIDE_THE_FILE
    if path.startswith(EVENTS):
        return MAX_EVENT_BYTES
    return int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0)


def refuse_large_bodies(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """A body that is larger than its address allows is answered with 413, and a list with a sentence.

    Of a body that doesn't say its length Django reads nothing.
    """

    def respond(request: HttpRequest) -> HttpResponseBase:
        if read_length(request) <= find_body_limit(request.path_info):
            return get_response(request)
        if request.path_info != UPLOADS:
            return HttpResponse(TOO_LARGE, status=413)
        _throw_away(request)
        context = {"sentence": describe_too_large(settings.IMPORT_MAX_BYTES)}
        return render(request, "413.html", context, status=413)

    return respond


def read_length(request: HttpRequest) -> int:
    """Return how many bytes the request's body has, as it says itself; 0 if it says nothing that counts."""
    said = str(request.META.get("CONTENT_LENGTH") or "0")
    return int(said[:20]) if said.isascii() and said.isdigit() else 0


def _throw_away(request: HttpRequest) -> None:
    left = READ_TO_ANSWER
    try:
        while left > 0 and (chunk := request.read(CHUNK)):
            left -= len(chunk)
    except OSError:  # the browser is gone
        return
