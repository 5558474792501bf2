"""The webhook endpoint for Robotalker: check the token, store the body, apply a "no", respond 200."""

import logging
from collections.abc import Iterable
from typing import Any

from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET
from rest_framework import status
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from reminders.health.rounds import name_error
from reminders.results.test_events import TestEvent, record_test_event
from reminders.robotalker.events import MAX_EVENT_BYTES, split_events
from reminders.traffic.callback_urls import (
    ACCOUNT_CALLBACK,
    TEST,
    BadToken,
    Callback,
    ExpiredToken,
    key_of,
    read_token,
)
from reminders.traffic.public_address import answer_ping
from webhooks.address_checks import is_optout, says_no, try_reading
from webhooks.applying import apply_at_once
from webhooks.event_caps import TooManyEvents, is_owed_optout
from webhooks.event_hints import hint_applying
from webhooks.inbox import TWICE, UnknownSubject, note_refused_event, note_stored_event, store_event
from webhooks.refusal_counts import Refusal, count_refusal
from webhooks.restored_database import suspect_restore

log = logging.getLogger(__name__)


class _IgnoresAccept(BaseContentNegotiation):
    """Accepts an event whatever its Accept header says: responses have no body to negotiate."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser:
        return next(iter(parsers))

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        first = next(iter(renderers))
        return first, first.media_type


class RobotalkerHook(APIView):
    """POST /hooks/robotalker/<token>: an event of one try, in any form that Robotalker may send.

    200 once it is stored: a worker applies it. For an opt-out 200 only once it is recorded, or kept for a
    person because it names another number or none: sent again, it would say the same. 404 without a body for
    a token that isn't ours, 400 for a body that breaks off, 413 over 16 kB, 429 beyond what one address may
    store (webhooks/event_caps.py), 503 when the database is away or an opt-out isn't recorded yet
    (Robotalker then sends it again).
    """

    http_method_names = ["post"]
    authentication_classes = ()
    permission_classes = ()
    content_negotiation_class = _IgnoresAccept

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Only the token is checked: no user, permission, throttle or version."""

    def post(self, request: Request, token: str) -> HttpResponse:
        try:
            callback = read_token(token)
        except BadToken as error:
            return _refuse(Refusal.EXPIRED if isinstance(error, ExpiredToken) else Refusal.FORGED)
        try:
            body = _read_body(request)
        except OSError:  # it broke off, or its chunks are none
            return HttpResponse(status=status.HTTP_400_BAD_REQUEST)
        if len(body) > MAX_EVENT_BYTES:
            return HttpResponse(status=status.HTTP_413_REQUEST_ENTITY_TOO_LARGE)
        content_type = request.META.get("CONTENT_TYPE", "")
        try:
            responses = [_take(callback, event, content_type) for event in split_events(body)]
            note_stored_event()
            return next((one for one in responses if one.status_code != status.HTTP_200_OK), responses[0])
        except TooManyEvents:
            return _refuse(Refusal.SURPLUS, status.HTTP_429_TOO_MANY_REQUESTS)
        except Error as error:
            log.error("an event could not be stored: %s", name_error(error))
            note_refused_event(error)
            return _ask_to_resend()


def _take(callback: Callback, body: bytes, content_type: str) -> HttpResponse:
    """Store an event; apply it if it is an opt-out, else leave it to a worker.

    Raises TooManyEvents, and django.db.Error when storing it, or applying an opt-out, fails.
    """
    if callback.subject == TEST:
        return _note_for_test(callback, body, content_type)
    try:
        event_id = _store_within_cap(callback, body, content_type)
    except UnknownSubject:
        if not suspect_restore(callback):
            return _refuse(Refusal.FOREIGN)
        if not is_optout(body):
            return _refuse(Refusal.UNKNOWN)
        # an opt-out counts even for a call that this database lost in a restore
        count_refusal(Refusal.UNKNOWN)
        callback = ACCOUNT_CALLBACK
        event_id = _store_within_cap(callback, body, content_type)
    if event_id is None:
        return HttpResponse()
    if says_no(callback.purpose, body, content_type):
        return HttpResponse() if apply_at_once(event_id) else _ask_to_resend()
    hint_applying()
    return HttpResponse()


def _store_within_cap(callback: Callback, body: bytes, content_type: str) -> int | None:
    """Store an event; beyond the cap only a "no" that isn't recorded yet, and beyond twice the cap none.

    Raises UnknownSubject and TooManyEvents.
    """
    try:
        return store_event(callback, body, content_type)
    except TooManyEvents:
        parsed = try_reading(callback.purpose, body, content_type)
        if not is_owed_optout(callback, body, parsed):
            raise
        return store_event(callback, body, content_type, caps=TWICE)


def _note_for_test(callback: Callback, body: bytes, content_type: str) -> HttpResponse:
    """An event of a test call is noted there; its "no" counts, and nothing else does."""
    parsed = try_reading(callback.purpose, body, content_type)
    said = TestEvent(
        callback.public_id, callback.purpose, key_of(callback.purpose), body, parsed, is_optout(body, parsed)
    )
    return HttpResponse() if record_test_event(said) else _refuse(Refusal.FOREIGN)


def _ask_to_resend() -> HttpResponse:
    return HttpResponse(status=status.HTTP_503_SERVICE_UNAVAILABLE)


def _refuse(why: Refusal, code: int = status.HTTP_404_NOT_FOUND) -> HttpResponse:
    count_refusal(why)
    return HttpResponse(status=code)


def _read_body(request: Request) -> bytes:
    """The body, up to one byte more than an event may have.

    A chunked body has no length, so Django would read nothing; the server says if it marks the body's end.
    """
    if not request.META.get("CONTENT_LENGTH") and request.META.get("wsgi.input_terminated"):
        chunked: bytes = request.META["wsgi.input"].read(MAX_EVENT_BYTES + 1)
        return chunked
    return request._request.read(MAX_EVENT_BYTES + 1)


@require_GET
def show_ping(request: HttpRequest, token: str) -> HttpResponse:
    """GET /hooks/ping/<token>: the answer to our own question whether the public address leads here."""
    del request
    answer = answer_ping(token)
    if answer is None:
        return HttpResponse(status=status.HTTP_404_NOT_FOUND)
    return HttpResponse(answer, content_type="text/plain")
