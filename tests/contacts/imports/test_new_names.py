"""Locations and providers that get another name in the admin: lists still know them (product rule 45)."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from contacts.appointments import move_appointment
from contacts.imports.importing import import_file
from contacts.imports.location_questions import ONLY_LOCATION_KEY
from contacts.imports.practice import ImportOptions
from contacts.imports.renaming import following_new_name
from contacts.models import Appointment, Location, OverwrittenValues, Provider
from reminders.desk.import_undo import preview_undo
from tests.contacts.imports import example_lists
from tests.contacts.imports.example_lists import (
    import_rows,
    make_downtown,
    only_appointment,
    run_waiting_imports,
    write_list,
)
from tests.contacts.imports.test_import_runs import queue
from tests.contacts.imports.test_stale_rows import write_after
from tests.people import make_user
from tests.reminders.desk.test_import_undo import last_batch, read_practice, undo

pytestmark = pytest.mark.django_db
A_DAY, NEXT_DAY = ({"date": f"{timezone.now() + timedelta(days=days):%m/%d/%Y}"} for days in (20, 21))
AISHA, NOAH = example_lists.AISHA | A_DAY, example_lists.NOAH | A_DAY
AT_TWO = {"time": "2:00 PM"}
ELM = {"location": "Elm Street"}
SARAH_CHEN = {"provider": "Dr. Sarah Chen"}


@pytest.fixture(autouse=True)
def downtown() -> Location:
    return make_downtown()


def rename(row: Location | Provider, name: str) -> None:
    row = type(row)._default_manager.get(pk=row.pk)
    row.name = name
    with following_new_name(row):
        row.save(update_fields=["name"])


def move_by_hand(**to: Any) -> None:
    visit = only_appointment()
    start = visit.starts_at + to.pop("later", timedelta(0))
    by = User.objects.first() or make_user("desk")
    move_appointment(visit.pk, starts_at=start, ends_at=start + timedelta(minutes=30), by=by, **to)


def say_visit(external_id: str = "A1") -> str:
    visit = only_appointment(external_id)
    provider = f", {visit.provider}" if visit.provider else ""
    return f"{visit.local_start:%H:%M} {visit.location}{provider}"


def rename_in_admin(client: Client, row: Location | Provider, name: str) -> None:
    client.force_login(User.objects.create_superuser("boss"))
    address = reverse(f"admin:contacts_{row._meta.model_name}_change", args=[row.pk])
    page = client.get(address).context
    formsets = [one.formset.management_form for one in page["inline_admin_formsets"]]
    shown = [bound for form in (page["adminform"].form, *formsets) for bound in form]
    data = {each.html_name: each.value() for each in shown if each.value() is not None} | {"name": name}
    answer = client.post(address, data)
    assert answer.status_code == 302, answer.context["adminform"].form.errors


def test_a_list_moves_its_visits_after_their_location_was_renamed_in_the_admin(
    client: Client, downtown: Location
) -> None:
    import_rows(AISHA, NOAH)
    rename_in_admin(client, downtown, "Elm Street")
    report = import_rows(AISHA | ELM | AT_TWO, NOAH | ELM)
    assert (report.counts["moved"], report.counts["unchanged"], report.counts["notes"]) == (1, 1, 0)
    assert say_visit() == "14:00 Elm Street, Dr. S. Chen"


def test_a_list_gives_its_visits_to_another_provider_after_theirs_was_renamed_in_the_admin(
    client: Client,
) -> None:
    import_rows(AISHA, NOAH)
    rename_in_admin(client, Provider.objects.get(), "Dr. Sarah Chen")
    report = import_rows(AISHA | {"provider": "Dr. B. New"}, NOAH | SARAH_CHEN)
    assert (report.counts["updated"], report.counts["unchanged"], report.counts["notes"]) == (1, 1, 0)
    assert say_visit() == "09:30 Downtown, Dr. B. New"


@pytest.mark.parametrize("id_of_visit", ["A1", ""])
def test_a_list_that_goes_on_with_the_former_names_is_understood(
    downtown: Location, id_of_visit: str
) -> None:
    """Also if the command says the time zone of all new locations: it isn't new."""
    aisha, noah = AISHA | {"id": id_of_visit}, NOAH | {"id": "A2"}
    import_rows(aisha, noah)
    for row, name in ((downtown, "Elm Street"), (Provider.objects.get(), "Dr. Sarah Chen")):
        rename(row, "A name for a day")
        rename(type(row)._default_manager.get(), name)
    before = read_practice()
    report = import_rows(aisha, noah | {"location": "DOWNTOWN "}, time_zone="America/New_York")
    assert (report.counts["unchanged"], report.counts["notes"]) == (2, not id_of_visit), report.problems
    assert read_practice() == before
    report = import_rows(aisha, noah | AT_TWO, AISHA | {"id": "A3"} | NEXT_DAY)
    assert (report.counts["moved"], report.counts["added"], report.counts["rejected"]) == (1, 1, 0)
    assert {say_visit(one) for one in ("A2", "A3")} == {
        "14:00 Elm Street, Dr. Sarah Chen",
        "09:30 Elm Street, Dr. Sarah Chen",
    }
    assert (Location.objects.count(), Provider.objects.count()) == (1, 1)


@pytest.mark.parametrize("place", [{}, ELM], ids=["former name", "new name"])
@pytest.mark.parametrize("id_of_visit", ["A1", ""])
def test_what_staff_moved_before_the_location_was_renamed_stays(
    downtown: Location, place: dict[str, str], id_of_visit: str
) -> None:
    aisha = AISHA | {"id": id_of_visit}
    import_rows(aisha)
    Appointment.objects.update(external_id="A1")
    uptown = make_downtown(name="Uptown")
    move_by_hand(later=timedelta(hours=2), location=uptown)
    Appointment.objects.update(external_id=id_of_visit)
    rename(downtown, "Elm Street")
    rename(uptown, "Hill")
    report = import_rows(aisha | place)
    assert (report.counts["unchanged"], report.counts["added"]) == (1, 0)
    visit = Appointment.objects.get()
    assert (visit.location.name, visit.local_start.hour) == ("Hill", 11)


def test_a_name_that_another_location_has_now_means_that_one(downtown: Location) -> None:
    import_rows(AISHA, NOAH)
    rename(downtown, "Elm Street")
    make_downtown(name="Downtown")
    import_rows(AISHA | {"time": "8:30 AM"}, NOAH | ELM)
    assert say_visit() == "08:30 Downtown, Dr. S. Chen"
    assert say_visit("A2") == "09:30 Elm Street, Dr. S. Chen"


def test_two_locations_that_exchange_their_names_keep_their_visits(downtown: Location) -> None:
    uptown = make_downtown(name="Uptown")
    import_rows(AISHA, NOAH | {"location": "Uptown"})
    for row, name in ((downtown, "X"), (uptown, "Downtown"), (downtown, "Uptown")):
        rename(row, name)
    report = import_rows(AISHA | {"location": "Uptown"}, NOAH | AT_TWO | {"location": "Downtown"})
    assert (report.counts["unchanged"], report.counts["moved"]) == (1, 1), report.problems
    assert say_visit("A2") == "14:00 Downtown, Dr. S. Chen"


def test_of_two_names_that_differ_in_capital_letters_only_one_is_rewritten(downtown: Location) -> None:
    import_rows(AISHA)
    other = make_downtown(name="DOWNTOWN")
    rename(other, "Elm Street")
    assert import_rows(AISHA | AT_TWO).counts["moved"] == 1


def test_another_source_that_has_sent_lists_is_understood_too(downtown: Location) -> None:
    import_rows(AISHA)
    import_rows(NOAH | {"id": "B1"}, source="dentrix")
    rename(downtown, "Elm Street")
    assert import_rows(NOAH | {"id": "B1"} | AT_TWO, source="dentrix").counts["moved"] == 1
    assert import_rows(AISHA | AT_TWO).counts["moved"] == 1


def test_the_one_location_of_a_list_without_that_column_may_be_renamed(downtown: Location) -> None:
    import_without_place(AISHA, {ONLY_LOCATION_KEY: "Downtown"})
    rename(downtown, "Elm Street")
    import_without_place(AISHA | AT_TWO, {})
    assert say_visit() == "14:00 Elm Street, Dr. S. Chen"


def import_without_place(row: dict[str, str], answers: dict[str, str]) -> None:
    import_file(write_list(row).replace(b"Location", b"Floor"), "list.csv", ImportOptions(answers=answers))


@pytest.mark.parametrize("renamed", ["location", "provider"])
def test_an_import_can_be_undone_after_a_name_was_changed(downtown: Location, renamed: str) -> None:
    import_rows(AISHA, NOAH)
    import_rows(AISHA | AT_TWO | {"provider": "Dr. B. New"}, NOAH)
    rename(downtown if renamed == "location" else Provider.objects.get(name="Dr. S. Chen"), "Another")
    assert undo() == [("provider", "unused")]
    assert only_appointment().local_start.hour == 9
    now = {"location": "Another"} if renamed == "location" else {"provider": "Another"}
    assert import_rows(AISHA | now | AT_TWO, NOAH | now).counts["moved"] == 1


def test_a_name_that_is_changed_while_a_list_is_imported_lets_the_file_be_read_again(
    monkeypatch: pytest.MonkeyPatch, downtown: Location
) -> None:
    import_rows(AISHA, NOAH)
    batch = queue(AISHA | AT_TWO, NOAH)
    write_after(monkeypatch, lambda: rename(downtown, "Elm Street"))
    run_waiting_imports()
    batch.refresh_from_db()
    assert (batch.counts["moved"], batch.counts["unchanged"], batch.counts["notes"]) == (1, 1, 0)
    assert say_visit() == "14:00 Elm Street, Dr. S. Chen"
    slots = {one.file_values["csv"]["slot"].partition("@")[2] for one in Appointment.objects.all()}
    assert slots == {"elm street"}


def test_the_visits_of_a_location_are_rewritten_by_one_statement(downtown: Location) -> None:
    import_rows(AISHA, NOAH)
    import_rows(AISHA | AT_TWO, NOAH | AT_TWO)
    with CaptureQueriesContext(connection) as many:
        rename(downtown, "Elm Street")
    assert sum("contacts_appointment AS visit" in one["sql"] for one in many) == 1
    assert not OverwrittenValues.objects.filter(after__memory__slot__endswith="@downtown").exists()
    assert preview_undo(last_batch()).kept == ()
