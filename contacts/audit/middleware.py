"""Records each request that changed something, and each that showed a person or handed out many."""

from collections.abc import Callable, Collection
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponseBase
from django.urls import ResolverMatch

from config.sign_in_limits import find_client_address
from contacts.audit.trail import AuditedRequest, Kind, audited_request, record_page, write_numbers_seen
from contacts.audit.words import (
    ADMIN,
    ANSWERED_AT_ONCE,
    API,
    DEEDS,
    LOOKS,
    READ_BY_API,
    READ_BY_POST,
    SEARCHED_BY_API,
    find_about,
    split_admin_page,
)
from contacts.person_tables import PERSON_TABLES

ABOUT_PEOPLE = {table.label.lower() for table in PERSON_TABLES}
READING = ("GET", "HEAD")
GetResponse = Callable[[HttpRequest], HttpResponseBase]


def record_in_trail(get_response: GetResponse) -> GetResponse:
    """What a page shows is recorded before it is sent: if that fails, it isn't sent."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        with audited_request(find_client_address(request)) as audited:
            response = get_response(request)
            match = request.resolver_match
            if match is not None and (kind := _find_kind(request, response, match, audited)):
                _record(kind, request, response, match, audited.numbers)
            elif audited.numbers and isinstance(request.user, User):
                write_numbers_seen(audited.numbers, by=request.user)
        return response

    return answer


def _find_kind(
    request: HttpRequest, response: HttpResponseBase, match: ResolverMatch, audited: AuditedRequest
) -> Kind | None:
    page, status = match.view_name, response.status_code
    if request.method in READING or page in SEARCHED_BY_API:
        return Kind.LOOK if status == 200 and _is_look(page) else None
    if audited.is_recorded or page in READ_BY_POST or status >= 400:
        return None
    if page.startswith(API):
        return Kind.DEED
    if page not in DEEDS and not page.startswith(ADMIN):
        return None
    is_done = status != 200 or page in ANSWERED_AT_ONCE  # 200 else: a form is shown again, or asks
    return Kind.DEED if is_done and not _was_refused(request) else None


def _is_look(page: str) -> bool:
    if not page.startswith(ADMIN):
        return page in LOOKS or page in READ_BY_API
    model, deed = split_admin_page(page.removeprefix(ADMIN))
    return deed == "change" and model in ABOUT_PEOPLE


def _was_refused(request: HttpRequest) -> bool:
    """Whether the page will tell of an error and of nothing that was done."""
    told = getattr(getattr(request, "_messages", None), "_queued_messages", [])
    levels = {message.level for message in told}
    return messages.ERROR in levels and messages.SUCCESS not in levels


def _record(
    kind: Kind,
    request: HttpRequest,
    response: HttpResponseBase,
    match: ResolverMatch,
    numbers: Collection[int],
) -> None:
    if not isinstance(request.user, User):
        return
    about, given = _find_row(response, match)
    is_id = str(given).isascii() and str(given).isdigit() and len(str(given)) < 19
    about_id = int(str(given)) if is_id else None
    record_page(
        kind,
        match.view_name,
        by=request.user,
        about=about if is_id else "",
        about_id=about_id,
        numbers=numbers,
    )


def _find_row(response: HttpResponseBase, match: ResolverMatch) -> tuple[str, Any]:
    """What the page is about: the label of a model, and the id of its row as it came, or None."""
    page = match.view_name
    if page.startswith(ADMIN):
        model, _deed = split_admin_page(page.removeprefix(ADMIN))
        label = next((table.label for table in PERSON_TABLES if table.label.lower() == model), model)
        return label, match.kwargs.get("object_id", match.kwargs.get("id"))
    answered = getattr(response, "data", None) or {} if page.startswith(API) else {}
    if page == "api_call":  # known there by an id that no table of ours counts by
        return "contacts.Appointment", answered.get("appointment")
    return find_about(match.route), match.kwargs.get("pk", answered.get("id"))
