"""The coverage rule in Python and in SQL gives the same result for all appointments and all filters."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import chain, combinations, product
from typing import TypeVar

import pytest
from django.utils import timezone

from contacts.appointments import set_times
from contacts.models import Appointment, Location, Provider
from reminders.deciding.coverage import covers, find_covered
from reminders.models import Campaign, Step
from tests.people import make_contact, make_location

pytestmark = pytest.mark.django_db

KINDS = ["Cleaning", "cleaning", "Check-up, long"]
T = TypeVar("T")


def read_campaign(
    locations: Iterable[Location], providers: Iterable[Provider], kinds: Iterable[str]
) -> Campaign:
    """A campaign with these filters, its filters read as read_practice_config() reads them."""
    campaign = Campaign.objects.create(name=f"Campaign {Campaign.objects.count()}", kinds=list(kinds))
    campaign.locations.set(locations)
    campaign.providers.set(providers)
    return Campaign.objects.prefetch_related("locations", "providers").get(pk=campaign.pk)


def subsets(things: Sequence[T]) -> Iterable[tuple[T, ...]]:
    """All of them: none, one, several, everything."""
    return chain.from_iterable(combinations(things, size) for size in range(len(things) + 1))


@pytest.fixture
def locations() -> list[Location]:
    return [make_location(name) for name in ("Downtown", "Harbor", "Hill")]


@pytest.fixture
def providers() -> list[Provider]:
    return [Provider.objects.create(name=f"Dr. {name}") for name in ("Chen", "Okafor", "Ruiz")]


@pytest.fixture
def appointments(locations: list[Location], providers: list[Provider]) -> list[Appointment]:
    """One for each location, provider (or none) and kind (or none)."""
    contact, now = make_contact(), timezone.now()
    cases = product(locations, [None, *providers], ["", *KINDS])
    return Appointment.objects.bulk_create(
        set_times(
            Appointment(contact=contact, location=location, provider=provider, kind=kind, revised_at=now),
            now + timedelta(hours=hour),
            now + timedelta(hours=hour + 1),
        )
        for hour, (location, provider, kind) in enumerate(cases)
    )


def test_python_and_sql_agree_on_every_combination_of_filters(
    appointments: list[Appointment], locations: list[Location], providers: list[Provider]
) -> None:
    numbers = set()
    for filters in product(subsets(locations[:2]), subsets(providers[:2]), subsets(KINDS[:2])):
        campaign = read_campaign(*filters)
        in_sql = set(find_covered(Step(campaign=campaign), Appointment.objects.all()))
        assert in_sql == {one for one in appointments if covers(campaign, one)}, filters
        numbers.add(len(in_sql))
    assert {1, len(appointments)} <= numbers, "some filters leave one, and no filters leave all"
