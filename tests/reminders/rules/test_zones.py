"""A name that is no time zone: what contacts, the rules and the pages make of it."""

import zoneinfo

import pytest
from django.core.exceptions import ValidationError

from contacts.models.practice import validate_time_zone
from contacts.zones import is_zone_name
from reminders.deciding.situations import zones_of
from reminders.rules.zones import load_zone, zone_or_utc

NO_ZONES = ["", "Mars/Olympus_Mons", "America", "America/", "../etc/passwd", "/etc/localtime", "a\x00b", "é"]


@pytest.mark.parametrize("name", NO_ZONES)
def test_a_name_that_is_no_zone_is_refused_held_and_shown_in_utc(name: str) -> None:
    assert not is_zone_name(name)
    with pytest.raises(ValidationError):
        validate_time_zone(name)
    with pytest.raises(ValueError, match="isn't a time zone"):
        load_zone(name)
    assert zones_of("", name, []) == ()
    assert zone_or_utc(name) == zoneinfo.ZoneInfo("UTC")


def test_every_zone_that_may_be_entered_can_be_loaded() -> None:
    for name in zoneinfo.available_timezones():
        assert is_zone_name(name)
        assert load_zone(name) is zone_or_utc(name)
