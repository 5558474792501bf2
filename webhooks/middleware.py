"""Serving the webhook endpoint without the middleware that pages need."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import resolve, reverse
from django.utils import translation

Respond = Callable[[HttpRequest], HttpResponseBase]


def bypass_middleware_for_webhooks(get_response: Respond) -> Respond:
    """A request to the webhook endpoint needs no session, login, language, messages or CSRF: it skips them.

    It saves time when many events come at once. Middleware before this one still runs for the endpoint.
    Refused requests are counted (webhooks/refusal_counts.py); Django would write a line for each.
    """
    endpoint = reverse("robotalker_hook", args=["-"]).removesuffix("-")

    def respond(request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(endpoint):
            return get_response(request)
        translation.activate(settings.LANGUAGE_CODE)  # not that of whom this thread answered before
        match = request.resolver_match = resolve(request.path_info)
        response: HttpResponseBase = match.func(request, *match.args, **match.kwargs)
        if callable(render := getattr(response, "render", None)):  # REST framework's own error responses
            render()
        if isinstance(response, HttpResponse):  # without a length the server would send it in chunks
            response.headers.setdefault("Content-Length", str(len(response.content)))
        if 400 <= response.status_code < 500:
            vars(response)["_has_been_logged"] = True
        return response

    return respond
