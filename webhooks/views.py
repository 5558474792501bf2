"""The door Robotalker knocks at: check the token, store the body, apply it, say 200."""

import logging
from collections.abc import Iterable
from typing import Any

from django.db import Error
from django.http import HttpResponse
from rest_framework import status
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from reminders.robotalker.events import MAX_EVENT_BYTES
from reminders.traffic.callback_urls import ACCOUNT_CALLBACK, BadToken, Callback, ExpiredToken, read_token
from webhooks.apply_queue import apply_or_queue
from webhooks.applying import apply_at_once
from webhooks.inbox import UnknownSubject, store_event
from webhooks.optout_detection import is_optout
from webhooks.refusal_counts import Refusal, count_refusal
from webhooks.restored_database import suspect_restore

log = logging.getLogger(__name__)


class _AnswersAnyAccept(BaseContentNegotiation):
    """Whatever Robotalker says it accepts, its event is taken; there is no body to negotiate about."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser:
        return next(iter(parsers))

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        first = next(iter(renderers))
        return first, first.media_type


class RobotalkerHook(APIView):
    """POST /hooks/robotalker/<token>: an event of one try, in whatever form Robotalker sends it.

    200 once it is stored, whatever becomes of it; an opt-out, once it holds, or waits for a person because it
    names somebody else, or nobody: that it would say again. 404 without a body for a token
    that isn't ours, 413 over 16 kB, 503 when the database is away or an opt-out doesn't hold yet (Robotalker
    then sends it again).
    """

    http_method_names = ["post"]
    authentication_classes = ()
    permission_classes = ()
    content_negotiation_class = _AnswersAnyAccept

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Nothing is asked of a request but its token: no user, no permission, no throttle, no version."""

    def post(self, request: Request, token: str) -> HttpResponse:
        try:
            callback = read_token(token)
        except BadToken as error:
            return _refuse(Refusal.EXPIRED if isinstance(error, ExpiredToken) else Refusal.FORGED)
        body = _read_body(request)
        if len(body) > MAX_EVENT_BYTES:
            return HttpResponse(status=status.HTTP_413_REQUEST_ENTITY_TOO_LARGE)
        try:
            return _take(callback, body, request.META.get("CONTENT_TYPE", ""))
        except Error as error:
            log.error("an event could not be stored: %s", type(error).__name__)
            return _ask_again()


def _take(callback: Callback, body: bytes, content_type: str) -> HttpResponse:
    """Store it and apply it. Raises django.db.Error when that could not be done."""
    try:
        event_id = store_event(callback, body, content_type)
    except UnknownSubject:
        return _take_forgotten(callback, body, content_type)
    if event_id is None:
        return HttpResponse()
    if is_optout(body):
        return _apply_optout(event_id)
    try:
        apply_or_queue(event_id)
    except Error as error:  # it is stored: the sweep sees to it
        log.error("an event could not be applied in its request: %s", type(error).__name__)
    return HttpResponse()


def _take_forgotten(callback: Callback, body: bytes, content_type: str) -> HttpResponse:
    """A try that we don't have; a "no" to one that this very database has forgotten counts all the same."""
    if not suspect_restore(callback):
        return _refuse(Refusal.FOREIGN)
    if not is_optout(body):
        return _refuse(Refusal.UNKNOWN)
    count_refusal(Refusal.UNKNOWN)
    event_id = store_event(ACCOUNT_CALLBACK, body, content_type)
    return _apply_optout(event_id) if event_id else HttpResponse()


def _apply_optout(event_id: int) -> HttpResponse:
    """It holds when we say that we have it."""
    return HttpResponse() if apply_at_once(event_id) else _ask_again()


def _ask_again() -> HttpResponse:
    return HttpResponse(status=status.HTTP_503_SERVICE_UNAVAILABLE)


def _refuse(why: Refusal) -> HttpResponse:
    count_refusal(why)
    return HttpResponse(status=status.HTTP_404_NOT_FOUND)


def _read_body(request: Request) -> bytes:
    """At most one byte more than an event may have.

    A chunked body has no length, and Django then reads nothing; the server says when it knows the end.
    """
    if not request.META.get("CONTENT_LENGTH") and request.META.get("wsgi.input_terminated"):
        chunked: bytes = request.META["wsgi.input"].read(MAX_EVENT_BYTES + 1)
        return chunked
    return request._request.read(MAX_EVENT_BYTES + 1)
