"""A list is imported as its preview showed it: with other answers it is shown again first (product rule 47).

Nothing here runs JavaScript, which only keeps the button back.
"""

from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from contacts.imports.importing import import_file
from contacts.imports.practice import ImportOptions
from contacts.imports.stored_files import read_stored_file
from contacts.models import Appointment, ImportBatch, Location
from tests.contacts.imports.example_lists import (
    AISHA,
    NOAH,
    make_downtown,
    run_waiting_imports,
    write_list,
)
from tests.contacts.imports.posted_forms import Fields, read_form
from tests.contacts.imports.test_import_pages import upload
from tests.people import make_user

pytestmark = pytest.mark.django_db
MADE_ANEW = "Nothing has been imported: the preview that you saw"
EITHER_DAY = {"date": "03/04/2027"}
LIMBO = write_list(AISHA, NOAH | {"status": "Limbo"})
AT_ONE = write_list(AISHA | EITHER_DAY | {"id": "A3"}, NOAH | EITHER_DAY)
DELETED = write_list(AISHA | {"Deleted": "Y"}, NOAH | {"Deleted": ""})


@pytest.fixture
def desk(client: Client) -> Client:
    client.force_login(make_user())
    return client


def look(desk: Client, address: str) -> str:
    return unescape(desk.get(address).content.decode())


def confirm(desk: Client, address: str, form: Fields) -> Any:
    return desk.post(address, form | {"apply": [""]})


def is_queued() -> bool:
    return ImportBatch.objects.order_by("-pk")[0].state == "waiting"


# a list; what is changed on its preview; what the next preview says
CHANGES: dict[str, tuple[bytes, dict[str, str], str]] = {
    "an answer": (LIMBO, {"answer-0": "cancelled"}, "Add 2 appointments"),
    "a column": (LIMBO, {"column-kind": "none"}, "Add 1 appointment"),
    "another column for it": (LIMBO, {"column-first_name": "Last Name"}, "Okafor"),
    "letters": (LIMBO, {"reading-encoding": "cp1252"}, "chosen for this list"),
    "the country of numbers": (LIMBO, {"reading-region": "CA"}, "chosen for this list"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_confirmed_with_other_answers_is_shown_again_with_them(change: str, desk: Client) -> None:
    make_downtown()
    data, fields, says = CHANGES[change]
    address = upload(desk, data)
    form = read_form(look(desk, address), fields)
    shown = confirm(desk, address, form)
    page = unescape(shown.content.decode())
    assert shown.status_code == 200
    assert MADE_ANEW in page
    assert says in page
    assert not is_queued()
    confirmed = confirm(desk, address, read_form(page))
    assert confirmed["Location"] == reverse("import_batch", args=[ImportBatch.objects.get().pk])
    assert is_queued()


def test_what_is_confirmed_as_it_was_shown_is_imported(desk: Client) -> None:
    make_downtown()
    address = upload(desk, LIMBO)
    assert confirm(desk, address, read_form(look(desk, address))).status_code == 302
    run_waiting_imports()
    assert Appointment.objects.count() == 1


def test_what_is_remembered_of_a_source_is_no_other_answer(desk: Client) -> None:
    """Also a column, a delimiter and an answer that holds as long as nobody gives another one."""
    make_downtown()
    chosen = ImportOptions(
        columns={"kind": "Type"}, answers={"status:limbo": "booked", "column:deleted": "cancels"}, region="CA"
    )
    import_file(LIMBO, "list.csv", chosen)
    address = upload(desk, LIMBO + b"\n")
    page = look(desk, address)
    assert "answered for an earlier list" in page
    assert confirm(desk, address, read_form(page)).status_code == 302
    assert is_queued()


def test_an_answer_that_is_checked_and_then_confirmed_is_imported(desk: Client) -> None:
    make_downtown()
    address = upload(desk, DELETED)
    page = look(desk, address)
    checked = desk.post(address, read_form(page, {"answer-0": "cancels"}) | {"check": [""]}).content.decode()
    assert confirm(desk, address, read_form(checked)).status_code == 302
    run_waiting_imports()
    assert dict(Appointment.objects.values_list("external_id", "status")) == {
        "A1": "cancelled",
        "A2": "booked",
    }


def test_what_another_person_answered_meanwhile_is_shown_before_it_is_imported(desk: Client) -> None:
    make_downtown()
    address = upload(desk, LIMBO)
    mine = read_form(look(desk, address))
    other = Client()
    other.force_login(User.objects.create_superuser("other"))
    changed = read_form(look(other, address), {"reading-region": "CA"})
    other.post(address, changed | {"check": [""]})
    page = unescape(confirm(desk, address, mine).content.decode())
    assert MADE_ANEW in page
    assert not is_queued()
    assert read_stored_file(ImportBatch.objects.get()).options.region == "CA"
    assert confirm(desk, address, read_form(page)).status_code == 302


def test_a_new_location_whose_zone_was_not_in_the_preview_is_shown_with_it_first(desk: Client) -> None:
    make_downtown()
    address = upload(desk, write_list(AISHA, NOAH | {"location": "Harbour"}))
    page = look(desk, address)
    assert "Add 1 appointment" in page
    shown = confirm(
        desk, address, read_form(page, {"zone-0": "America/Denver", "spoken-0": "Harbour Clinic"})
    )
    page = unescape(shown.content.decode())
    assert MADE_ANEW in page
    assert "Add 2 appointments" in page
    renamed = read_form(page, {"spoken-0": "The Harbour"})
    page = unescape(confirm(desk, address, renamed).content.decode())
    assert MADE_ANEW in page, "the name that is said is an answer too"
    assert confirm(desk, address, read_form(page)).status_code == 302
    run_waiting_imports()
    assert Location.objects.get(name="Harbour").spoken_name == "The Harbour"


def test_a_new_location_that_is_left_for_later_doesnt_hold_up_the_rest(desk: Client) -> None:
    make_downtown()
    address = upload(desk, write_list(AISHA, NOAH | {"location": "Harbour"}))
    assert confirm(desk, address, read_form(look(desk, address))).status_code == 302


@pytest.mark.parametrize("shown", ["", "x" * 64, "0" * 20_000])
def test_a_digest_of_no_preview_imports_nothing(shown: str, desk: Client) -> None:
    make_downtown()
    address = upload(desk, LIMBO)
    page = unescape(confirm(desk, address, read_form(look(desk, address), {"shown": shown})).content.decode())
    assert MADE_ANEW in page
    assert not is_queued()


def test_without_a_digest_only_what_is_kept_already_is_imported(desk: Client) -> None:
    make_downtown()
    address = upload(desk, LIMBO)
    answered = {"question": ["status:limbo"], "answer-0": ["booked"]}
    assert MADE_ANEW in confirm(desk, address, answered).content.decode()
    assert confirm(desk, address, answered).status_code == 302
