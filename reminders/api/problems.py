"""Every error as problem details (RFC 9457): a code in `type`, and which field is wrong in `errors`."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import models
from django.http import Http404
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

log = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:callboard:problem:"


class ProblemCode(models.TextChoices):
    """What went wrong, with the title that says it."""

    MALFORMED = "malformed", _("The request can't be read.")
    UNAUTHORIZED = "unauthorized", _("A valid token is needed.")
    FORBIDDEN = "forbidden", _("The token may not do this.")
    NOT_FOUND = "not_found", _("There is nothing here.")
    METHOD_NOT_ALLOWED = "method_not_allowed", _("This method isn't possible here.")
    NOT_ACCEPTABLE = "not_acceptable", _("Only JSON can be answered.")
    CONFLICT = "conflict", _("This contradicts what is stored.")
    CONFIRMATION_NEEDED = "confirmation_needed", _("Confirm that this is meant.")
    STALE = "stale", _("It was changed meanwhile.")
    TOO_LARGE = "too_large", _("The body is too large.")
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type", _("Only JSON can be read.")
    INVALID = "invalid", _("Some values can't be accepted.")
    PRECONDITION_REQUIRED = "precondition_required", _("If-Match is missing.")
    THROTTLED = "throttled", _("Too many requests.")
    INTERNAL = "internal", _("Something went wrong here.")


STATUS = {
    ProblemCode.MALFORMED: 400,
    ProblemCode.UNAUTHORIZED: 401,
    ProblemCode.FORBIDDEN: 403,
    ProblemCode.NOT_FOUND: 404,
    ProblemCode.METHOD_NOT_ALLOWED: 405,
    ProblemCode.NOT_ACCEPTABLE: 406,
    ProblemCode.CONFLICT: 409,
    ProblemCode.CONFIRMATION_NEEDED: 409,
    ProblemCode.STALE: 412,
    ProblemCode.TOO_LARGE: 413,
    ProblemCode.UNSUPPORTED_MEDIA_TYPE: 415,
    ProblemCode.INVALID: 422,
    ProblemCode.PRECONDITION_REQUIRED: 428,
    ProblemCode.THROTTLED: 429,
    ProblemCode.INTERNAL: 500,
}
CODE_BY_STATUS = {status: code for code, status in reversed(STATUS.items())}


@dataclass(frozen=True)
class FieldError:
    """What is wrong with one value. `pointer`: a JSON pointer into the body, such as "#/contact/id".

    `parameter`: the name of a parameter of the address instead. `code` is for programs.
    """

    code: str
    detail: str
    pointer: str = ""
    parameter: str = ""

    def as_json(self) -> dict[str, str]:
        place = {"parameter": self.parameter} if self.parameter else {"pointer": self.pointer or "#"}
        return {**place, "code": self.code, "detail": self.detail}


class ApiProblem(exceptions.APIException):
    """An error of the API. `confirm`: the codes to send to go on all the same."""

    def __init__(
        self,
        code: ProblemCode,
        detail: str = "",
        *,
        errors: Iterable[FieldError] = (),
        confirm: Iterable[str] = (),
    ) -> None:
        self.problem, self.errors, self.confirm = code, tuple(errors), tuple(confirm)
        self.status_code = STATUS[code]
        super().__init__(detail or str(code.label), code)


def refuse_field(pointer: str, code: str, detail: str) -> ApiProblem:
    """The problem of one value in the body."""
    return ApiProblem(ProblemCode.INVALID, errors=[FieldError(code, detail, pointer=pointer)])


def refuse_parameter(parameter: str, code: str, detail: str) -> ApiProblem:
    """The problem of one parameter of the address."""
    return ApiProblem(ProblemCode.INVALID, errors=[FieldError(code, detail, parameter=parameter)])


def answer_problem(error: Exception, context: dict[str, Any]) -> Response:
    """The response to any exception of a view. What isn't expected is logged, and is our own fault."""
    set_rollback()
    problem = _read_problem(error)
    if problem.problem == ProblemCode.INTERNAL:
        log.error("a request to the API failed", exc_info=error)
    body = write_problem(problem)
    return Response(body, problem.status_code, headers=_find_headers(error), content_type=CONTENT_TYPE)


def write_problem(problem: ApiProblem) -> dict[str, Any]:
    """The problem as it is sent."""
    body: dict[str, Any] = {
        "type": TYPE_PREFIX + problem.problem,
        "title": str(problem.problem.label),
        "status": problem.status_code,
        "detail": str(problem.detail),
    }
    if problem.errors:
        body["errors"] = [each.as_json() for each in problem.errors]
    if problem.confirm:
        body["confirm"] = list(problem.confirm)
    return body


def list_field_errors(detail: Any, pointer: str = "#") -> Iterator[FieldError]:
    """The errors of a serializer (ValidationError.detail), each with its JSON pointer."""
    if isinstance(detail, dict):
        for name, below in detail.items():
            escaped = str(name).replace("~", "~0").replace("/", "~1")
            yield from list_field_errors(
                below, pointer if name == "non_field_errors" else f"{pointer}/{escaped}"
            )
    elif isinstance(detail, list):
        for place, below in enumerate(detail):
            # a list of texts is what is wrong with this value; of others, one for each item of a list
            is_about_item = isinstance(below, dict | list)
            yield from list_field_errors(below, f"{pointer}/{place}" if is_about_item else pointer)
    else:
        yield FieldError(getattr(detail, "code", "invalid"), str(detail), pointer=pointer)


def _read_problem(error: Exception) -> ApiProblem:
    if isinstance(error, ApiProblem):
        return error
    if isinstance(error, exceptions.ValidationError):
        return ApiProblem(ProblemCode.INVALID, errors=list_field_errors(error.detail))
    if isinstance(error, RequestDataTooBig):
        return ApiProblem(ProblemCode.TOO_LARGE)
    if isinstance(error, Http404):
        return ApiProblem(ProblemCode.NOT_FOUND)
    if isinstance(error, PermissionDenied):
        return ApiProblem(ProblemCode.FORBIDDEN)
    if isinstance(error, exceptions.APIException) and error.status_code in CODE_BY_STATUS:
        return ApiProblem(CODE_BY_STATUS[error.status_code], str(error.detail))
    return ApiProblem(ProblemCode.INTERNAL, str(_("The fault is noted. Try again, and tell us if it stays.")))


def _find_headers(error: Exception) -> dict[str, str]:
    headers = {}
    if header := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = header
    if (wait := getattr(error, "wait", None)) is not None:
        headers["Retry-After"] = str(int(wait))
    return headers
