"""Reading what is sent: JSON bodies and parameters, both strictly. What isn't known is refused by name."""

from collections.abc import Mapping
from typing import Any, TypeVar

from django.http import QueryDict
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from reminders.api.problems import ApiProblem, FieldError, ProblemCode, list_field_errors
from reminders.robotalker.strict_json import UnreadableJson, read_object

MOST_BYTES = 64 * 1024
SerializerT = TypeVar("SerializerT", bound="StrictSerializer")


class StrictJson(BaseParser):
    """A JSON object of at most MOST_BYTES, without duplicate keys, NaN, NUL or lone surrogates."""

    media_type = "application/json"

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        body = stream.read(MOST_BYTES + 1)
        if len(body) > MOST_BYTES:
            raise ApiProblem(ProblemCode.TOO_LARGE, _("A body may have at most 64 KiB."))
        try:
            return read_object(body, max_bytes=MOST_BYTES)
        except UnreadableJson as error:
            raise ApiProblem(ProblemCode.MALFORMED, _("The body is %(fault)s.") % {"fault": error}) from None


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses fields that it doesn't know, and those that can only be read."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, Mapping):
            raise ValidationError(_("This must be an object."), code="object_expected")
        found: Any = {}
        errors: dict[str, Any] = {}
        for name in data:
            if name not in self.fields:
                errors[name] = [ErrorDetail(_("There is no such field."), code="unknown")]
            elif self.fields[name].read_only:
                errors[name] = [ErrorDetail(_("This can only be read."), code="read_only")]
        try:
            found = super().to_internal_value(data)
        except ValidationError as error:
            errors = {**dict(error.detail), **errors}  # type: ignore[arg-type] # a serializer's are in a dict
        if errors:
            raise ValidationError(errors)
        return found


def read_json_body(request: Request, shape: type[SerializerT], *, partial: bool = False) -> dict[str, Any]:
    """The values of the body. Raises ApiProblem, with every fault that was found."""
    body = request.data
    if isinstance(body, QueryDict):  # no body at all
        body = {}
    serializer = shape(data=body, partial=partial)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


def read_parameters(request: Request, shape: type[SerializerT]) -> dict[str, Any]:
    """The values of the address's parameters; a default for those that are left out. Raises ApiProblem."""
    sent = request.query_params
    repeated = [
        FieldError("repeated", _("Give it once."), parameter=name)
        for name in sent
        if len(sent.getlist(name)) > 1
    ]
    if repeated:
        raise ApiProblem(ProblemCode.INVALID, errors=repeated)
    serializer = shape(data=sent.dict())
    if not serializer.is_valid():
        errors = [
            FieldError(each.code, each.detail, parameter=each.pointer.removeprefix("#/"))
            for each in list_field_errors(serializer.errors)
        ]
        raise ApiProblem(ProblemCode.INVALID, errors=errors)
    return dict(serializer.validated_data)
