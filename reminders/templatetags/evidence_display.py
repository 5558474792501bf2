"""Filters that show the codes of a piece of evidence in words."""

import json
from datetime import datetime
from typing import Any

from django import template
from django.db.models import TextChoices

from contacts.clock_habits import write_exact_moment
from contacts.models import ConsentEntry, Location, PhoneNumber
from contacts.templatetags.display import at_location
from reminders.deciding.rule_words import SOURCES
from reminders.evidence.canonical import make_plain
from reminders.models import Campaign, EvidenceLook
from reminders.rules.states import CallState

register = template.Library()


def _make_filter(choices: type[TextChoices]) -> Any:
    def show(code: str) -> str:
        return str(choices(code).label) if code in choices.values else str(code)

    return show


register.filter("consent_words", _make_filter(PhoneNumber.ConsentBasis))
register.filter("consent_source_words", _make_filter(ConsentEntry.Source))
register.filter("required_consent_words", _make_filter(Campaign.Consent))
register.filter("call_state_words", _make_filter(CallState))
register.filter("look_words", _make_filter(EvidenceLook.How))


@register.filter
def exactly(moment: datetime | str | None, location: Location) -> str:
    """With year and seconds, by the location's clock, as paper is read years later; "" for none.

    What Robotalker reported as a moment and can't be read is shown as it is.
    """
    if isinstance(moment, str):
        written = moment
        try:
            moment = datetime.fromisoformat(written)
        except ValueError:
            return written
    if moment is not None and moment.tzinfo:
        moment = at_location(moment, location)
    return write_exact_moment(moment) if moment else ""


@register.filter
def zone_source_words(code: str) -> str:
    """Why the clocks of these zones counted."""
    return str(SOURCES.get(code, code))


@register.filter
def as_json(value: object) -> str:
    """A request's body, indented to be read."""
    return json.dumps(make_plain(value), ensure_ascii=False, indent=2)
