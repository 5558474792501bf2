"""The fields of the API's bodies: strict about types, numbers in E.164, times of RFC 3339."""

import re
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from contacts.imports.identity import is_no_id
from contacts.models import Location
from contacts.numbers import E164_PATTERN
from reminders.rules.zones import zone_or_utc

MOST_ID = 2**63 - 1
_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(\.\d{1,9})?([Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)", re.ASCII
)
NOT_AN_ID = _("This is a placeholder, not an id. Send none, or one that belongs to one record only.")
_WHOLE = re.compile(r"\d{1,19}", re.ASCII)


class Text(serializers.CharField):
    """A text. Other types aren't turned into one; blanks around it are taken off."""

    default_error_messages = {
        "invalid": _("This must be a text."),
        "control": _("This has control characters."),
    }

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        if any(character < " " or "\x7f" <= character <= "\x9f" for character in data):
            self.fail("control")
        return str(super().to_internal_value(data))


class ExternalId(Text):
    """The id that another system has for somebody; never a placeholder for one (product rule 42)."""

    default_error_messages = {"not_an_id": NOT_AN_ID}

    def to_internal_value(self, data: Any) -> str:
        value = super().to_internal_value(data)
        if value and is_no_id(value):
            self.fail("not_an_id")
        return value


@extend_schema_field({"type": "string", "pattern": f"^{E164_PATTERN}$", "examples": ["+12025550100"]})
class E164(Text):
    """A phone number with + and country code. Whether it can be called is judged by the rules for numbers."""

    default_error_messages = {"not_e164": _("Write it as E.164, such as +12025550100.")}

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if text and not re.fullmatch(E164_PATTERN, text):
            self.fail("not_e164")
        return text


class Whole(serializers.IntegerField):
    """A whole number from `min_value` on that the database can hold."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"min_value": 1, "max_value": MOST_ID, **options})

    def to_internal_value(self, data: Any) -> int:
        is_digits = isinstance(data, str) and self.reads_text and _WHOLE.fullmatch(data)
        if isinstance(data, bool) or not (isinstance(data, int) or is_digits):
            self.fail("invalid")
        return int(data)

    reads_text = False


class WholeParameter(Whole):
    """The same in an address, where everything is a text."""

    reads_text = True


@extend_schema_field({"type": "string", "format": "date-time", "examples": ["2027-03-04T09:30:00-05:00"]})
class MomentField(serializers.Field[datetime, Any, Any, Any]):
    """A time with its offset (RFC 3339). What is sent out is written by the clock that it is given in."""

    default_error_messages = {
        "invalid": _("Write it as RFC 3339 with an offset, such as 2027-03-04T09:30:00-05:00."),
    }

    def to_internal_value(self, data: Any) -> datetime:
        # "+" in an address means a blank unless it is written as %2B
        found = _MOMENT.fullmatch(re.sub(r" (?=\d\d:\d\d$)", "+", data)) if isinstance(data, str) else None
        if not found:
            self.fail("invalid")
        day, clock, fraction, offset = found.groups()
        try:
            moment = datetime.fromisoformat(f"{day}T{clock}{(fraction or '')[:7]}{offset.upper()}")
            moment.timestamp()
        except (ValueError, OverflowError):
            self.fail("invalid")
        if not 1970 <= moment.year <= 2200:
            self.fail("invalid")
        return moment

    def to_representation(self, value: datetime) -> str:
        return value.isoformat()


def show_moment(moment: datetime, location: Location) -> str:
    """The moment by the clock of the location, as MomentField writes it."""
    return moment.astimezone(zone_or_utc(location.time_zone)).isoformat()
