"""The OpenAPI description: only our own addresses, and the problems that every one of them may answer."""

from functools import cache
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_GET
from drf_spectacular.generators import SchemaGenerator

from reminders.api.problems import CONTENT_TYPE, TYPE_PREFIX, ProblemCode

PREFIX = "/api/v1/"
FIELD_ERROR = {
    "type": "object",
    "required": ["code", "detail"],
    "properties": {
        "pointer": {"type": "string", "description": "JSON pointer into the body; # is all of it."},
        "parameter": {"type": "string", "description": "Or the parameter of the address."},
        "code": {"type": "string"},
        "detail": {"type": "string"},
    },
}
PROBLEM = {
    "type": "object",
    "description": "RFC 9457.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "enum": [TYPE_PREFIX + code for code in ProblemCode.values]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {"type": "array", "items": {"$ref": "#/components/schemas/FieldError"}},
        "confirm": {"type": "array", "items": {"type": "string"}},
    },
}


def keep_own_addresses(endpoints: list[Any], **_options: Any) -> list[Any]:
    """Without other uses of REST framework, such as the webhook endpoint."""
    return [each for each in endpoints if each[0].startswith(PREFIX)]


def describe_problems(result: dict[str, Any], **_options: Any) -> dict[str, Any]:
    """Add to each operation that any other status is a problem."""
    result["components"]["schemas"] |= {"FieldError": FIELD_ERROR, "Problem": PROBLEM}
    answer = {
        "description": "A problem.",
        "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for operations in result["paths"].values():
        for operation in operations.values():
            operation["responses"]["default"] = answer
    return result


@cache
def write_description() -> dict[str, Any]:
    """The description as it is served."""
    generator = SchemaGenerator()  # type: ignore[no-untyped-call]
    return dict(generator.get_schema(request=None, public=True))  # type: ignore[no-untyped-call]


@login_not_required
@require_GET
def show_description(_request: HttpRequest) -> JsonResponse:
    """It tells nothing about the practice, so it needs no token."""
    return JsonResponse(write_description())
