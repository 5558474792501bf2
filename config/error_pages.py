"""Our own error pages while DEBUG is on too, in place of Django's; production has them anyway.

The traceback of an error is in the log, as in production. Programs get no page: below /api/ every error is a
problem, also one that arises before or beside the API's views.
"""

import json
import sys
from collections.abc import Callable

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import Resolver404, resolve
from django.utils.safestring import SafeString
from django.views.debug import ExceptionReporter
from django.views.defaults import page_not_found, server_error
from psycopg.errors import DeadlockDetected, LockNotAvailable

from reminders.api.problems import CODE_BY_STATUS, CONTENT_TYPE, ApiProblem, write_problem
from reminders.health.rounds import is_disk_full

OUR_OWN_FAULT, BAD_REQUEST, DATABASE_AWAY = "500.html", "400.html", "503.html"
WRONG_METHOD = "405.html"
TRY_AGAIN_AFTER = 10  # seconds
PASSES_AT_ONCE = (DeadlockDetected, LockNotAvailable)
API = "/api/"  # at this very address is a page for people


def answer_programs(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware, the outermost: an error page below /api/ becomes a problem with the same status."""

    def respond(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        path = request.path_info
        if not path.startswith(API) or path == API:
            return response
        is_page = response.get("Content-Type", "").startswith("text/html")
        code = CODE_BY_STATUS.get(response.status_code)
        if code and is_page and isinstance(response, HttpResponse):
            response.content = json.dumps(write_problem(ApiProblem(code))).encode()
            del response["Content-Encoding"]
            response["Content-Type"] = CONTENT_TYPE
            response["Content-Length"] = str(len(response.content))
        return response

    return respond


def show_wrong_method(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware: the page of 405.html where somebody opens an address that only takes a form."""

    def respond(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        is_empty = isinstance(response, HttpResponseNotAllowed) and not response.content
        if is_empty and request.method == "GET" and not request.path_info.startswith(API):
            page = render(request, WRONG_METHOD, status=405)
            page["Allow"] = response["Allow"]
            return page
        return response

    return respond


class OurNotFoundPage:
    """Middleware, the innermost: an unknown address and a missing row get the page of 404.html."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        try:
            resolve(request.path_info)
        except Resolver404 as error:
            return page_not_found(request, error)
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        return page_not_found(request, exception) if isinstance(exception, Http404) else None


class OurErrorPage(ExceptionReporter):
    """What Django shows of an exception: the page of 500.html, or of 400.html for a faulty request."""

    def get_traceback_html(self) -> SafeString:
        if is_outage(self.exc_value):
            return render_outage(self.exc_value)
        is_bad_request = isinstance(self.exc_value, BadRequest | SuspiciousOperation | MultiPartParserError)
        return render_to_string(BAD_REQUEST if is_bad_request else OUR_OWN_FAULT)


def answer_own_fault(request: HttpRequest) -> HttpResponseBase:
    """What production answers to an error that nothing caught: 503 if the database was away, else 500."""
    error = sys.exc_info()[1]
    if not is_outage(error) or request.path_info.startswith(API):
        return server_error(request)
    response = HttpResponse(render_outage(error), status=503)
    response["Retry-After"] = str(TRY_AGAIN_AFTER)
    return response


def is_outage(error: BaseException | None) -> bool:
    """Whether the database could not be reached, hung, or had no room: it passes, and is no fault of ours."""
    if isinstance(error, InterfaceError):
        return True
    return isinstance(error, OperationalError) and not isinstance(error.__cause__, PASSES_AT_ONCE)


def render_outage(error: BaseException | None) -> SafeString:
    """The page that says so, and whether the disk is full."""
    return render_to_string(DATABASE_AWAY, {"disk_is_full": error is not None and is_disk_full(error)})
