"""An id for each request, in its log lines and in the answer, so that one leads to the other."""

import re
import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from config.logs import request_id

HEADER = "X-Request-ID"
_ACCEPTED = re.compile(r"[0-9a-f-]{16,64}")  # what a proxy gives; nothing that could be a name or a number


def give_request_id(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware, the outermost."""

    def respond(request: HttpRequest) -> HttpResponseBase:
        given = request.headers.get(HEADER, "")
        token = request_id.set(given if _ACCEPTED.fullmatch(given) else uuid.uuid4().hex)
        try:
            response = get_response(request)
            response.headers[HEADER] = request_id.get()
            return response
        finally:
            request_id.reset(token)

    return respond
