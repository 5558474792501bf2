"""Records each request that changed something, and each that showed a person or handed out many."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponseBase
from django.urls import ResolverMatch

from config.sign_in_limits import find_client_address
from contacts.audit.trail import (
    AuditedRequest,
    Kind,
    PageUse,
    audited_request,
    record_page,
    write_numbers_seen,
)
from contacts.audit.words import (
    ADMIN,
    ANSWERED_AT_ONCE,
    API,
    DEEDS,
    LOOKS,
    READ_BY_API,
    RECORD_THEMSELVES,
    SEARCHED_BY_API,
    find_about,
    find_page_shown,
    split_admin_page,
)
from contacts.person_tables import PERSON_TABLES

# Pages of the admin that show people: one of them, or what imported lists and raw exchanges say of many.
ABOUT_PEOPLE = {table.label.lower() for table in PERSON_TABLES} | {
    "contacts.importbatch",
    "contacts.importproblem",
    "contacts.rejectedrow",
    "reminders.assumptiontrial",
}
SHOWING = ("change", "changelist", "history")
READING = ("GET", "HEAD")
GetResponse = Callable[[HttpRequest], HttpResponseBase]


def record_in_trail(get_response: GetResponse) -> GetResponse:
    """What a page shows is recorded before it is sent: if that fails, it isn't sent."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        with audited_request(find_client_address(request)) as audited:
            audited.find_deed = partial(_find_deed, request, audited)
            response = get_response(request)
            match = request.resolver_match
            kind = _find_kind(request, response, match, audited) if match else None
            if match and kind and (use := _find_use(kind, request, match, response, audited)):
                record_page(kind, use)
            elif audited.numbers and isinstance(request.user, User):
                write_numbers_seen(audited.numbers, by=request.user)
        return response

    return answer


def _find_deed(request: HttpRequest, audited: AuditedRequest) -> PageUse | None:
    """What the page does that is being answered; None if it only reads, or records what it does itself."""
    match = request.resolver_match
    if match is None or request.method in READING:
        return None
    page = match.view_name
    if not _is_deed(page) or page in RECORD_THEMSELVES:
        return None
    return audited.action or _describe_use(request, match)


def _find_kind(
    request: HttpRequest, response: HttpResponseBase, match: ResolverMatch, audited: AuditedRequest
) -> Kind | None:
    """What is to be recorded of an answer; None if nothing.

    A form that is refused comes back with its page, which is looked at as if it had been opened.
    """
    if _is_done(request, response, match.view_name, audited):
        return None if audited.is_recorded else Kind.DEED
    page = match.view_name
    is_shown = response.status_code == 200 or (response.status_code == 422 and not page.startswith(API))
    return Kind.LOOK if is_shown and (audited.shown or _is_look(find_page_shown(page))) else None


def _is_done(request: HttpRequest, response: HttpResponseBase, page: str, audited: AuditedRequest) -> bool:
    """Whether the request changed something."""
    is_refused = audited.is_refused or response.status_code >= 400
    if request.method in READING or not _is_deed(page) or is_refused:
        return False
    if audited.is_recorded:
        return True
    is_list = page.startswith(ADMIN) and split_admin_page(page.removeprefix(ADMIN))[1] == "changelist"
    if is_list and not audited.action:
        return False  # a search, or an action that isn't theirs
    is_final = response.status_code != 200 or page in ANSWERED_AT_ONCE or page.startswith(API)
    return is_final and not _was_refused(request)  # 200 else: it asks again


def _find_use(
    kind: Kind,
    request: HttpRequest,
    match: ResolverMatch,
    response: HttpResponseBase,
    audited: AuditedRequest,
) -> PageUse | None:
    """Who used which page or action, or looked at which page, and about which rows."""
    if kind == Kind.DEED:
        return audited.action or _describe_use(request, match, response)
    use = _describe_use(request, match, response)
    if use is None:
        return None
    shown = replace(use, page=find_page_shown(use.page))
    return replace(shown, about=audited.shown[0], rows=audited.shown[1]) if audited.shown else shown


def _is_look(page: str) -> bool:
    if not page.startswith(ADMIN):
        return page in LOOKS or page in READ_BY_API
    model, deed = split_admin_page(page.removeprefix(ADMIN))
    return deed in SHOWING and model in ABOUT_PEOPLE


def _is_deed(page: str) -> bool:
    """Whether what is posted there changes something."""
    return page in DEEDS or (page.startswith((ADMIN, API)) and page not in SEARCHED_BY_API)


def _was_refused(request: HttpRequest) -> bool:
    """Whether the page will tell of an error and of nothing that was done."""
    told = getattr(getattr(request, "_messages", None), "_queued_messages", [])
    levels = {message.level for message in told}
    return messages.ERROR in levels and messages.SUCCESS not in levels


def _describe_use(
    request: HttpRequest, match: ResolverMatch, response: HttpResponseBase | None = None
) -> PageUse | None:
    """Who uses which page, and about which row; None if it isn't known who."""
    if not isinstance(request.user, User):
        return None
    about, given = _find_row(match, response)
    is_id = str(given).isascii() and str(given).isdigit() and len(str(given)) < 19
    if not is_id:
        return PageUse(match.view_name, request.user)
    return PageUse(match.view_name, request.user, about, [int(str(given))])


def _find_row(match: ResolverMatch, response: HttpResponseBase | None) -> tuple[str, Any]:
    """What the page is about: the label of a model, and the id of its row as it came, or None.

    An address of the API may say it by an id of another system; then its answer has ours.
    """
    page = match.view_name
    if page.startswith(ADMIN):
        model, _deed = split_admin_page(page.removeprefix(ADMIN))
        label = next((table.label for table in PERSON_TABLES if table.label.lower() == model), model)
        return label, match.kwargs.get("object_id", match.kwargs.get("id"))
    answered = getattr(response, "data", None) or {} if page.startswith(API) else {}
    if page == "api_call":  # calls have an id there that none of our tables counts by
        return "contacts.Appointment", answered.get("appointment")
    return find_about(match.route), match.kwargs.get("pk", answered.get("id"))
