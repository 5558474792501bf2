"""The door Robotalker knocks at: check the token, store the body, apply it, say 200."""

import logging
from collections.abc import Iterable

from django.db import DatabaseError
from rest_framework import status
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from reminders.callbacks import BadToken, read_token
from reminders.robotalker.events import MAX_EVENT_BYTES
from webhooks.inbox import UnknownSubject, apply_event, store_event

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

    200 once it is stored, whatever becomes of it. 404 without a body for a token that isn't ours,
    413 over 16 kB, 503 when the database is away (Robotalker then sends it again).
    """

    authentication_classes = ()
    permission_classes = ()
    content_negotiation_class = _AnswersAnyAccept

    def post(self, request: Request, token: str) -> Response:
        try:
            callback = read_token(token)
        except BadToken:
            return Response(status=status.HTTP_404_NOT_FOUND)
        body = _read_body(request)
        if len(body) > MAX_EVENT_BYTES:
            return Response(status=status.HTTP_413_REQUEST_ENTITY_TOO_LARGE)
        try:
            event = store_event(callback, body, request.META.get("CONTENT_TYPE", ""))
        except UnknownSubject:
            return Response(status=status.HTTP_404_NOT_FOUND)
        except DatabaseError as error:
            log.error("an event could not be stored: %s", type(error).__name__)
            return Response(status=status.HTTP_503_SERVICE_UNAVAILABLE)
        if event:
            apply_event(event.pk)
        return Response(status=status.HTTP_200_OK)


def _read_body(request: Request) -> bytes:
    """At most one byte more than an event may have.

    A chunked body has no length, and Django then reads nothing; the server says when it knows the end.
    """
    if not request.META.get("CONTENT_LENGTH") and request.META.get("wsgi.input_terminated"):
        chunked: bytes = request.META["wsgi.input"].read(MAX_EVENT_BYTES + 1)
        return chunked
    return request._request.read(MAX_EVENT_BYTES + 1)
