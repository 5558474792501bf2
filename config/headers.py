"""Middleware that sets the headers of pages: the Content-Security-Policy, and that no page may be stored."""

from collections.abc import Callable

from csp.middleware import CSPMiddleware
from csp.utils import build_policy
from django.http import HttpRequest, HttpResponseBase
from django.utils.cache import patch_cache_control

HEADER = "Content-Security-Policy"


class ContentSecurityPolicy(CSPMiddleware):
    """Every response gets settings.CONTENT_SECURITY_POLICY.

    django-csp leaves out errors 404 and 500 while DEBUG is on, because of Django's debug pages. Ours take
    their place (config/error_pages.py), and need the policy like all others.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        response = super().process_response(request, response)
        response.headers.setdefault(HEADER, build_policy())
        return response


def forbid_storing(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """No browser or proxy may store a page or a download, because nearly all of them name patients.

    Fragments can still be answered with 304: htmx sends their ETag itself.
    """

    def respond(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        patch_cache_control(response, no_store=True, private=True)
        return response

    return respond
