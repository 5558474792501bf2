"""What each role may do in the admin is what docs/security.md says of it: by real requests."""

import pytest
from django.contrib import admin
from django.db.models import Model
from django.test import Client

from config.role_matrix import list_admin_actions, list_admin_deeds
from contacts.roles import ADMIN, AUDITOR, FRONT_DESK, MANAGER
from tests.office import address_of
from tests.people import make_user
from tests.reminders.admin.test_admin import make_one_of_each_model
from tests.table_contents import read_digests

pytestmark = pytest.mark.django_db
ROLES = (FRONT_DESK, MANAGER, AUDITOR, ADMIN)
TRAIL = ("contacts_auditentry",)  # what is refused may be recorded


@pytest.fixture
def rows() -> dict[type[Model], Model]:
    """A row of every model that the admin shows."""
    make_one_of_each_model(0)
    found = {model: model._default_manager.order_by("pk").first() for model in admin.site._registry}
    return {model: row for model, row in found.items() if row}


def log_in(role: str) -> Client:
    client = Client()
    client.force_login(make_user("rita", role=role, is_staff=True))
    return client


@pytest.mark.parametrize("role", ROLES)
def test_a_role_looks_at_adds_changes_and_deletes_what_the_matrix_says(
    role: str, rows: dict[type[Model], Model]
) -> None:
    client = log_in(role)
    for model, row in rows.items():
        deeds = list_admin_deeds(admin.site.get_model_admin(model), role)
        asked = {
            "look": f"{row.pk}/change/",
            "add": "add/",
            "delete": f"{row.pk}/delete/",
        }
        for deed, place in asked.items():
            status = client.get(address_of(model, place)).status_code
            assert (status == 200) is (deed in deeds), (model, place, status)
        if "look" not in deeds:
            assert client.get(address_of(model)).status_code == 403, model


@pytest.mark.parametrize("role", ROLES)
def test_what_the_matrix_refuses_a_role_changes_nothing(role: str, rows: dict[type[Model], Model]) -> None:
    client = log_in(role)
    before = read_digests(without=TRAIL)
    for model, row in rows.items():
        of_model = admin.site.get_model_admin(model)
        deeds = list_admin_deeds(of_model, role)
        posts = {
            "add": ("add/", {}),
            "change": (f"{row.pk}/change/", {"_save": "Save"}),
            "delete": (f"{row.pk}/delete/", {"post": "yes"}),
        }
        for deed, (place, form) in posts.items():
            if deed not in deeds:
                assert client.post(address_of(model, place), form).status_code == 403, (model, place)
        every = set().union(*(list_admin_actions(of_model, one) for one in ROLES), of_model.actions or ())
        for action in every - list_admin_actions(of_model, role):
            wish = {"action": action, "_selected_action": [str(row.pk)], "post": "yes"}
            client.post(address_of(model), wish)
    assert read_digests(without=TRAIL) == before
