"""The admin writes and reads times as the rest does, without the server's clock (product rule 55)."""

from collections.abc import Iterator
from datetime import date, time, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import formats, timezone

from contacts.models import ApiToken, ClosedDay, Location
from reminders.models import Heartbeat
from tests.admin_forms import save_in_admin
from tests.office import address_of
from tests.people import make_location

IN_INDIA = {"time_zone": "Asia/Kolkata"}
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _forget_formats() -> Iterator[None]:
    """Django keeps the formats that it asked for once; these tests change the country."""
    formats.reset_format_cache()
    yield
    formats.reset_format_cache()


@pytest.mark.parametrize(("region", "shown"), [("US", "4:37 pm"), ("GB", "16:37")])
def test_lists_show_times_as_the_country_writes_them(
    office: Client, settings: Any, region: str, shown: str
) -> None:
    settings.PHONE_REGION = region
    make_location(**IN_INDIA)
    Heartbeat.objects.create(name="dispatch", at=timezone.now().replace(hour=11, minute=7))
    page = office.get(address_of(Heartbeat)).content.decode()
    assert shown in page
    assert "p.m." not in page


@pytest.mark.parametrize(
    ("region", "opens", "closes"), [("US", "9:00 am", "7:00 pm"), ("GB", "9:00", "19:00")]
)
def test_fields_have_times_as_the_country_writes_them(
    office: Client, settings: Any, region: str, opens: str, closes: str
) -> None:
    settings.PHONE_REGION = region
    location = make_location(calling_opens=time(9), calling_closes=time(19))
    page = office.get(address_of(Location, f"{location.pk}/change/")).content.decode()
    assert f'name="calling_opens" value="{opens}"' in page
    assert f'name="calling_closes" value="{closes}"' in page


def test_typed_hours_are_read_as_on_other_pages(office: Client) -> None:
    """ "5:00" is five in the afternoon where clocks have 12 hours."""
    location = make_location()
    save_in_admin(office, location, calling_opens="8:15", calling_closes="5:00")
    location.refresh_from_db()
    assert (location.calling_opens, location.calling_closes) == (time(8, 15), time(17))


def test_a_closed_day_is_entered_in_the_browsers_own_field(office: Client) -> None:
    location = make_location()
    ClosedDay.objects.create(location=location, date=date(2026, 12, 24))
    page = office.get(address_of(Location, f"{location.pk}/change/")).content.decode()
    assert '<input type="date" name="closed_days-0-date" value="2026-12-24"' in page
    save_in_admin(office, location, **{"closed_days-0-date": "2026-12-31"})
    assert ClosedDay.objects.get().date == date(2026, 12, 31)


def test_a_moment_is_entered_by_the_practices_clock(office: Client) -> None:
    make_location(**IN_INDIA)
    day = (timezone.now() + timedelta(days=90)).date()
    form = {"name": "x", "scopes": ["contacts:read"], "expires_at_0": str(day), "expires_at_1": "4:37 pm"}
    office.post(address_of(ApiToken, "add/"), form)
    assert f"{ApiToken.objects.get().expires_at:%Y-%m-%d %H:%M}" == f"{day} 11:07"


@pytest.mark.parametrize("model", [Location, ApiToken, ClosedDay])
def test_no_page_says_how_far_off_the_server_is(office: Client, model: type[Any]) -> None:
    """Django's calendar and clock say so, and fill in the server's day and time."""
    assert "DateTimeShortcuts" not in office.get(address_of(model, "add/")).content.decode()
