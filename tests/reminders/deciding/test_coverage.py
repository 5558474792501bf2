"""The coverage rule in Python and in SQL gives the same result for all appointments and all filters."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain, combinations, product
from typing import Any, TypeVar

import pytest
from django.utils import timezone

from contacts.appointments import set_times
from contacts.models import Appointment, Contact, Location, Provider
from reminders.deciding.coverage import (
    CampaignFilters,
    covers,
    find_covered,
    find_excluding_filter,
    is_known_patient,
    read_filters,
)
from reminders.deciding.situations import read_shared_facts, with_people, with_situation
from reminders.models import Campaign, Reminder, Step
from reminders.planning.activation import copy_campaign
from tests.people import make_contact, make_location, make_step

pytestmark = pytest.mark.django_db

KINDS = ["Cleaning", "cleaning", "Check-up, long"]
T = TypeVar("T")


def read_campaign(
    locations: Iterable[Location] = (),
    providers: Iterable[Provider] = (),
    kinds: Iterable[str] = (),
    patients: str = "",
    languages: Iterable[str] = (),
) -> Campaign:
    """A campaign with these filters, its filters read as read_practice_config() reads them."""
    campaign = Campaign.objects.create(
        name=f"Campaign {Campaign.objects.count()}",
        kinds=list(kinds),
        patients=patients,
        languages=list(languages),
    )
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


NOON = datetime(2027, 7, 14, 16, tzinfo=UTC)
DAY = timedelta(days=1)


def make_visit(contact: Contact, day: int, status: str = "booked", **fields: Any) -> Appointment:
    """A visit so many days after NOON."""
    location = fields.pop("location", None) or Location.objects.first() or make_location()
    visit = Appointment(contact=contact, location=location, status=status, revised_at=NOON, **fields)
    set_times(visit, NOON + day * DAY, NOON + day * DAY + timedelta(hours=1)).save()
    return visit


EARLIER_VISITS: list[tuple[list[tuple[int, str]], bool, str]] = [
    ([], False, "their first visit"),
    ([(-400, "arrived")], True, "they came once"),
    ([(-400, "booked")], True, "nobody recorded whether they came"),
    ([(1, "booked")], True, "a visit ahead, before this one"),
    ([(2, "booked")], False, "two visits at the same moment"),
    ([(3, "booked")], False, "a visit after this one"),
    ([(3, "arrived")], False, "recorded for a later day"),
    ([(-400, "no_show")], False, "they never came"),
    ([(-400, "cancelled")], False, "it was cancelled"),
    ([(-400, "no_show"), (-5, "cancelled"), (1, "arrived")], True, "one of several counts"),
]


@pytest.mark.parametrize(("earlier", "is_known", "reason"), EARLIER_VISITS)
def test_a_patient_is_known_by_an_earlier_visit_that_is_booked_or_took_place(
    earlier: list[tuple[int, str]], is_known: bool, reason: str
) -> None:
    sarah = make_contact()
    make_visit(make_contact("Ben"), -1)  # another patient, of the same number
    visit = make_visit(sarah, 2)
    for day, status in earlier:
        make_visit(sarah, day, status)
    assert is_known_patient(visit) is is_known, reason
    for patients, expected in (("", True), ("known", is_known), ("new", not is_known)):
        campaign = read_campaign(patients=patients)
        found = find_covered(Step(campaign=campaign), Appointment.objects.filter(pk=visit.pk))
        assert covers(campaign, visit) is expected is found.exists()


def test_python_and_sql_agree_on_every_combination_of_patients_languages_and_other_filters() -> None:
    locations = [make_location(name) for name in ("Downtown", "Harbor")]
    people = [make_contact(language=language) for language in ("en", "es", "fr", "es")]
    choices = product(people, locations, [-3, 1, 2], ["booked", "arrived", "no_show", "cancelled"])
    for number, (contact, location, day, status) in enumerate(choices):
        if number % 5:
            make_visit(contact, day, status, location=location, kind="Cleaning" if number % 3 else "")
    visits = list(Appointment.objects.select_related("contact"))
    sizes = set()
    combined = product(
        ["", "new", "known"], subsets(["es", "fr", "de"]), [[], ["Cleaning"]], [[], locations[:1]]
    )
    for patients, languages, kinds, places in combined:
        campaign = read_campaign(places, [], kinds, patients, languages)
        in_sql = set(find_covered(Step(campaign=campaign), Appointment.objects.all()))
        assert in_sql == {visit for visit in visits if covers(campaign, visit)}
        sizes.add(len(in_sql))
    assert {0, len(visits)} < sizes, "some filters leave none, some leave some, and no filters leave all"


@pytest.mark.parametrize(("patients", "expected"), [("", None), ("new", True), ("known", True)])
def test_whether_a_patient_is_known_is_read_with_the_reminder_where_its_campaign_asks(
    patients: str, expected: bool | None, django_assert_num_queries: Any
) -> None:
    sarah = make_contact()
    make_visit(sarah, 1)
    visit = make_visit(sarah, 2)
    step = make_step(read_campaign(patients=patients))
    times = {"due_at": NOON, "not_after": NOON, "next_look_at": NOON}
    Reminder.objects.create(appointment=visit, step=step, revision=1, **times)
    [read] = with_situation(Reminder.objects.all())
    [claimed] = with_people(Reminder.objects.all())
    for reminder in (read, claimed):
        assert reminder.is_known_patient is expected  # type: ignore[attr-defined]
    with django_assert_num_queries(0):
        assert read_shared_facts(read).covered is (patients != "new")


def test_the_filter_that_leaves_a_visit_out_is_named() -> None:
    visit = make_visit(make_contact(language="es"), 2, kind="Cleaning")
    elsewhere, chen = make_location("Harbor"), Provider.objects.create(name="Dr. Chen")
    named = [
        find_excluding_filter(campaign, visit)
        for campaign in (
            read_campaign([elsewhere], [chen], ["Physical"], "known", ["en"]),
            read_campaign([visit.location], [chen], ["Physical"], "known", ["en"]),
            read_campaign([], [], ["Physical"], "known", ["en"]),
            read_campaign([], [], ["Cleaning"], "known", ["en"]),
            read_campaign([], [], [], "known", ["es"]),
            read_campaign([visit.location], [], ["Cleaning"], "new", ["es"]),
        )
    ]
    assert named == ["locations", "providers", "kinds", "languages", "patients", None]


def test_a_copy_has_every_filter() -> None:
    location, provider = make_location(), Provider.objects.create(name="Dr. Chen")
    campaign = read_campaign([location], [provider], ["Cleaning"], "new", ["es", "fr"])
    filters = read_filters(campaign)
    assert filters == CampaignFilters(
        frozenset({location.pk}),
        frozenset({provider.pk}),
        frozenset({"Cleaning"}),
        "new",
        frozenset({"es", "fr"}),
    )
    assert read_filters(copy_campaign(campaign)) == filters
