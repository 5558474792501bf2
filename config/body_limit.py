"""Middleware that refuses a form that is far too large, before anything of it is kept.

Django writes the files of a form to the disk while it reads the form, which it does for anybody, to look for
the form's token. So a file of some gigabytes would fill the disk before a page could look at its size. Bodies
that aren't forms with files are limited by Django itself (DATA_UPLOAD_MAX_MEMORY_SIZE).
"""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render

from contacts.imports.files import describe_too_large

BESIDE_THE_FILE = 1024 * 1024  # bytes: the other fields of a form
# A browser reads an answer when it has sent its form. So this much of a form is read, and thrown away; of a
# larger one gunicorn reads a little more, and ends the connection.
READ_TO_ANSWER = 64 * 1024 * 1024
CHUNK = 64 * 1024


def refuse_large_bodies(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """A form larger than the largest list that may be imported is answered with 413 and a sentence.

    Of a form that doesn't say its length Django reads nothing.
    """

    def respond(request: HttpRequest) -> HttpResponseBase:
        most = settings.IMPORT_MAX_BYTES + BESIDE_THE_FILE
        if request.content_type != "multipart/form-data" or read_length(request) <= most:
            return get_response(request)
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
