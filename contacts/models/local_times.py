"""A column for wall times: dates and times of day without a zone, which no clock rule can move."""

from datetime import datetime
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

SetT = TypeVar("SetT", contravariant=True)
GetT = TypeVar("GetT", covariant=True)


class LocalDateTimeField(models.Field[SetT, GetT]):
    """A naive datetime, as PostgreSQL's `timestamp without time zone`. Refuses aware ones."""

    _pyi_private_set_type: datetime  # by which mypy knows the type of the attribute, optional if it is null
    _pyi_private_get_type: datetime

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "timestamp"

    def to_python(self, value: Any) -> datetime | None:
        found = parse_datetime(value) if isinstance(value, str) else value
        if found is not None and (not isinstance(found, datetime) or found.tzinfo is not None):
            raise ValidationError(
                _("“%(value)s” isn't a date and time without a zone."),
                code="invalid",
                params={"value": value},
            )
        return found

    def get_prep_value(self, value: Any) -> Any:
        return self.to_python(super().get_prep_value(value))

    def value_to_string(self, obj: models.Model) -> str:
        value = self.value_from_object(obj)
        return datetime.isoformat(value) if isinstance(value, datetime) else ""
