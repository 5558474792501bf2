"""The filters of Today that a person has saved."""

import pytest

from reminders.models import SavedFilter
from tests.people import make_appointment, make_user
from tests.reminders.pages.clinic import FRAGMENT, sit_at_desk

pytestmark = pytest.mark.django_db


def test_a_choice_is_saved_under_a_name_used_replaced_and_forgotten() -> None:
    visit = make_appointment()
    desk = sit_at_desk(make_user())
    menu = desk.get(f"/day/filters/?provider={visit.provider_id}", headers=FRAGMENT).content.decode()
    assert "Save what is chosen now as" in menu
    answer = desk.post("/day/filters/save/", {"name": " My  doctor ", "provider": visit.provider_id})
    assert answer.headers["Location"] == f"/?provider={visit.provider_id}"
    page = desk.get("/day/filters/").content.decode()
    assert f'href="/?provider={visit.provider_id}">My doctor</a>' in page
    desk.post("/day/filters/save/", {"name": "My doctor", "state": "confirmed"})
    saved = SavedFilter.objects.get()
    assert (saved.query, saved.provider) == ("state=confirmed", None)
    desk.post(f"/day/filters/{saved.pk}/forget/")
    assert "You have no saved filters yet." in desk.get("/day/filters/").content.decode()


def test_a_saved_filter_is_one_persons_own() -> None:
    saved = SavedFilter.objects.create(user=make_user("ann"), name="Mine", state="confirmed")
    desk = sit_at_desk(make_user("ben"))
    assert "Mine" not in desk.get("/day/filters/").content.decode()
    assert desk.post(f"/day/filters/{saved.pk}/forget/").status_code == 404
    desk.post("/day/filters/save/", {"name": "Mine", "state": "held"})
    assert SavedFilter.objects.count() == 2


@pytest.mark.parametrize("given", [{"name": "", "state": "held"}, {"name": "x"}, {"name": "x", "state": "²"}])
def test_without_a_name_or_a_choice_nothing_is_saved(given: dict[str, str]) -> None:
    desk = sit_at_desk(make_user())
    page = desk.post("/day/filters/save/", given, follow=True).content.decode()
    assert "Choose a filter, and enter a name for it." in page
    assert not SavedFilter.objects.exists()
