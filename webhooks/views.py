"""The door Robotalker knocks at: check the token, store the body, apply it, say 200."""

import logging

from django.db import DatabaseError
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from reminders.callbacks import BadToken, read_token
from reminders.robotalker.events import MAX_EVENT_BYTES
from webhooks.inbox import UnknownSubject, apply_event, store_event

log = logging.getLogger(__name__)


class RobotalkerHook(APIView):
    """POST /hooks/robotalker/<token>: an event of one try, in whatever form Robotalker sends it.

    200 once it is stored, whatever becomes of it. 404 without a body for a token that isn't ours,
    413 over 16 kB, 503 when the database is away (Robotalker then sends it again).
    """

    authentication_classes = ()
    permission_classes = ()

    def post(self, request: Request, token: str) -> Response:
        try:
            callback = read_token(token)
        except BadToken:
            return Response(status=status.HTTP_404_NOT_FOUND)
        body = request._request.read(MAX_EVENT_BYTES + 1)
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
