"""Locations and providers in the admin, as far as campaigns depend on them (product rules 29 and 31)."""

from datetime import time, timedelta
from typing import Any

import pytest
from django.db.models import CASCADE
from django.test import Client

from contacts.admin.deletions import list_relations
from contacts.admin.practice import name_weekdays
from contacts.models import ClosedDay, Location, Provider
from contacts.roles import AUDITOR
from reminders.planning.planner import plan_all
from tests.office import act, address_of
from tests.people import at, make_appointment, make_campaign, make_location, make_step, make_user

pytestmark = pytest.mark.django_db
NEW_YORK = "America/New_York"


@pytest.mark.parametrize("one_of_two", [False, True], ids=["the only one", "one of two"])
@pytest.mark.parametrize("model", [Location, Provider])
def test_what_a_campaign_is_limited_to_can_not_be_deleted_as_it_would_then_be_for_everybody(
    office: Client, model: type[Location] | type[Provider], one_of_two: bool
) -> None:
    campaign, downtown = make_campaign(), make_location("Downtown")
    chen = Provider.objects.create(name="Dr. A. Chen")
    filters: Any = {Location: campaign.locations, Provider: campaign.providers}[model]
    filters.add({Location: downtown, Provider: chen}[model])
    if one_of_two:
        filters.add(
            make_location("Eastside") if model is Location else Provider.objects.create(name="Dr. B.")
        )
    wanted = {Location: downtown, Provider: chen}[model]
    page = office.post(address_of(model, f"{wanted.pk}/delete/"), {"post": "yes"}).content.decode()
    act(office, model, "delete_selected", wanted)
    assert model.objects.filter(pk=wanted.pk).exists() is not one_of_two
    assert ("campaign “Reminders”, which would then be for everybody" in page) is not one_of_two


@pytest.mark.parametrize("model", [Location, Provider])
def test_what_a_deletion_takes_along_is_counted_and_has_nothing_of_its_own_to_take(
    model: type[Location] | type[Provider],
) -> None:
    gone = [one.related_model for one in list_relations(model) if one.on_delete is CASCADE]
    assert gone
    assert [list(list_relations(one)) for one in gone] == [[]] * len(gone)


def test_a_deletion_counts_what_it_takes_along_and_what_forbids_it(office: Client) -> None:
    """In as many queries for one visit as for hundreds, and without reading them."""
    used, unused = make_location("Downtown"), make_location("Eastside")
    for place in (used, unused):
        ClosedDay.objects.create(location=place, date="2027-01-01")
        ClosedDay.objects.create(location=place, date="2027-01-02")
    for hour in range(3):
        make_appointment(location=used, starts_at=at(NEW_YORK, 2027, 6, 16, 8 + hour, 45))
    page = office.get(address_of(Location, f"{used.pk}/delete/")).content.decode()
    assert "<li>3 appointments</li>" in page
    assert 'value="yes"' not in page
    page = office.get(address_of(Location, f"{unused.pk}/delete/")).content.decode()
    assert "<li>2 closed days</li>" in page
    office.post(address_of(Location, f"{unused.pk}/delete/"), {"post": "yes"})
    assert list(Location.objects.all()) == [used]


def test_wider_calling_hours_saved_on_the_page_plan_what_had_none(office: Client) -> None:
    location = make_location(time_zone=NEW_YORK, calling_opens=time(9), calling_closes=time(19))
    make_step(elapsed=timedelta(hours=2))
    early = make_appointment(location=location, starts_at=at(NEW_YORK, 2027, 6, 16, 8, 45))

    def read() -> list[tuple[str, str]]:
        plan_all()
        return list(early.reminders.values_list("state", "reason"))

    assert read() == [("skipped", "never_in_hours")]
    form = {name: value for name, value in vars(location).items() if value and not name.startswith("_")}
    form |= {"closed_days-TOTAL_FORMS": 0, "closed_days-INITIAL_FORMS": 0, "open_weekdays": [0, 1, 2, 3, 4]}
    form |= {"opening_hours-TOTAL_FORMS": 0, "opening_hours-INITIAL_FORMS": 0}
    office.post(address_of(Location, f"{location.pk}/change/"), form | {"calling_opens": "08:00"})
    assert read() == [("planned", "")]


def test_the_days_of_the_week_have_names(office: Client) -> None:
    assert name_weekdays([4, 0, 1, 2, 3, 6]) == "Mon–Fri, Sun"
    location = make_location(open_weekdays=[0, 1, 4])
    assert "Mon, Tue, Fri" in office.get(address_of(Location)).content.decode()
    page = office.get(address_of(Location, f"{location.pk}/change/")).content.decode()
    assert page.count('type="checkbox" name="open_weekdays"') == 7
    assert "Wednesday" in page
    reader = Client()
    reader.force_login(make_user("ann", role=AUDITOR, is_staff=True))
    page = reader.get(address_of(Location, f"{location.pk}/change/")).content.decode()
    assert "Mon, Tue, Fri" in page
    assert "0, 1, 4" not in page


def test_a_list_without_rows_says_so(office: Client) -> None:
    assert "Add the first one with the button above." in office.get(address_of(Provider)).content.decode()
    make_location()
    assert "Nothing fits" in office.get(address_of(Location, "?country__exact=JP")).content.decode()
    assert "empty-list" not in office.get(address_of(Location)).content.decode()
