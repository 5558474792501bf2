"""Several patient ids of one list that have the name and number of one contact (product rules 42 and 45)."""

import itertools
from datetime import UTC, datetime

import pytest

from contacts.imports import row_blocks
from contacts.imports.file_content import pack_file
from contacts.imports.list_planning import begin_planning
from contacts.imports.list_reading import read_list
from contacts.imports.plan_parts import list_lines, split_plan
from contacts.imports.practice import ImportOptions
from contacts.models import Appointment, Contact, Location
from tests.contacts.imports.example_lists import AISHA, import_rows, make_downtown, write_list
from tests.contacts.imports.test_rows_of_one_contact import import_again
from tests.people import make_appointment, make_contact, make_number

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_cut")]

NOBODY = AISHA | {"id": "", "first": "John", "last": "Smith", "mobile": "202-555-0111"}
FATHER = NOBODY | {"patient": "10", "time": "9:00 AM"}
SON = NOBODY | {"patient": "11", "time": "10:00 AM"}
COUSIN = NOBODY | {"patient": "12", "time": "11:00 AM"}
WITHOUT_ID = NOBODY | {"patient": "", "time": "2:00 PM"}


@pytest.fixture(params=[row_blocks.BLOCK_ROWS, 1])
def _cut(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """However the file is cut into blocks."""
    monkeypatch.setattr(row_blocks, "BLOCK_ROWS", request.param)


@pytest.fixture(autouse=True)
def downtown() -> Location:
    return make_downtown()


@pytest.fixture
def john() -> Contact:
    """Added by hand."""
    return make_contact("John", last_name="Smith", number="+12025550111", source="", external_id="")


def give_ids(*rows: dict[str, str]) -> list[dict[str, str]]:
    """The rows with ids of their appointments."""
    return [row | {"id": f"A{row['patient']}"} for row in rows]


def list_visits() -> list[tuple[str, str, str]]:
    """Whose visits there are: the patient's id, the time, the status."""
    visits = Appointment.objects.order_by("local_start", "pk").select_related("contact")
    return [(each.contact.external_id, f"{each.local_start:%H:%M}", each.status) for each in visits]


# rows of several ids, and the id that John has afterwards
LISTS: list[tuple[list[dict[str, str]], str]] = [
    ([FATHER, SON], "10"),
    ([SON, FATHER], "11"),
    ([FATHER, SON, COUSIN], "10"),
    (give_ids(FATHER, SON), "10"),
    (give_ids(FATHER, SON, COUSIN), "10"),
    ([FATHER, *give_ids(SON)], "10"),
    ([FATHER | {"time": "10:00 AM"}, SON], "10"),
    ([FATHER, SON | {"first": "JOHN", "last": "Smíth"}], "10"),
    ([FATHER, SON | {"patient": "0011"}, SON | {"time": "3:00 PM"}], "10"),
    ([FATHER, SON | {"patient": "NEW"}], "10"),
    ([FATHER, WITHOUT_ID, SON], "10"),
    ([WITHOUT_ID, SON, FATHER], "11"),
    ([FATHER | {"status": "Cancelled"}, SON], "10"),
    ([FATHER, SON | {"status": "Cancelled"}], "10"),
    ([FATHER, SON | {"mobile": "202-555-0122"}], "10"),
    ([FATHER | {"mobile": "", "home": "202-555-0111"}, SON], "10"),
]


@pytest.mark.parametrize(("rows", "taken"), LISTS)
def test_one_id_takes_the_contact_and_the_others_are_somebody_new(
    john: Contact, rows: list[dict[str, str]], taken: str
) -> None:
    john.other_phone = make_number("+12025550122")
    john.save()
    report = import_rows(*rows)
    john.refresh_from_db()
    ids = {row["patient"].lstrip("0") for row in rows} - {"", "NEW"}
    assert john.external_id == taken
    people = [each.lstrip("0") for each in Contact.objects.values_list("external_id", flat=True)]
    assert sorted(people) == sorted([*ids, *[""] * (WITHOUT_ID in rows)])
    noted = [each for each in report.problems if "another patient id of the file" in each.problem]
    assert len(noted) == len(ids) - 1
    unsure = [each.line for each in report.problems if "several people in the file" in each.problem]
    assert unsure == [line for line, row in enumerate(rows, 2) if row == WITHOUT_ID]
    assert Appointment.objects.count() == len(rows)
    import_again(*rows)


@pytest.mark.parametrize("rows", list(itertools.permutations([FATHER, SON, COUSIN], 2)))
@pytest.mark.parametrize("ids", [True, False])
def test_the_id_with_a_visit_of_the_contact_takes_it(
    john: Contact, downtown: Location, rows: tuple[dict[str, str], ...], ids: bool
) -> None:
    """A visit that was made by hand is found by its time."""
    at_ten = datetime(2026, 12, 15, 15, tzinfo=UTC)
    make_appointment(john, location=downtown, starts_at=at_ten, source="", external_id="")
    rows_given = give_ids(*rows) if ids else list(rows)
    import_rows(*rows_given)
    john.refresh_from_db()
    assert john.external_id == ("11" if SON in rows else rows[0]["patient"])
    assert Appointment.objects.count() == (2 if SON in rows else 3)
    import_again(*rows_given)


def test_the_id_of_whom_a_visit_is_known_by_its_id_counts_more_than_one_of_its_time(john: Contact) -> None:
    import_rows(NOBODY | {"id": "A1", "patient": "", "time": "8:00 AM"}, NOBODY | {"patient": ""})
    son = SON | {"id": "A1"}
    rows = [FATHER | {"time": "9:30 AM"}, son]
    import_rows(*rows)
    john.refresh_from_db()
    assert john.external_id == "11"
    assert list_visits() == [("10", "09:30", "booked"), ("11", "10:00", "booked")]
    import_again(*rows)


@pytest.mark.parametrize("ids", [True, False])
@pytest.mark.parametrize("number", ["202-555-0111", "202-555-0122", ""])
def test_visits_of_a_list_without_patient_ids_go_to_whom_a_later_list_says(ids: bool, number: str) -> None:
    """Nobody has a visit twice."""
    rows = give_ids(FATHER, SON) if ids else [FATHER, SON]
    import_rows(*(row | {"patient": ""} for row in rows))
    rows[1] = rows[1] | {"mobile": number if ids else "202-555-0111"}
    import_rows(*rows)
    assert list_visits() == [("10", "09:00", "booked"), ("11", "10:00", "booked")]
    import_again(*rows)


@pytest.mark.parametrize("ids", [True, False])
def test_changed_ids_of_two_people_of_one_name_and_number_are_those_of_two(ids: bool) -> None:
    """(product rule 51)"""
    twins = [FATHER, SON, COUSIN]
    others = [COUSIN | {"patient": "20", "first": "Ada"}, COUSIN | {"patient": "21", "first": "Bea"}]
    old = give_ids(*twins, *others)
    if not ids:
        old = [row | {"id": ""} for row in old]
    import_rows(*old)
    new = [row | {"patient": f"N{row['patient']}", "id": row["id"] and f"N{row['id']}"} for row in old]
    import_rows(*new, answers={"ids": "match_by_time"})
    assert Contact.objects.count() == 5
    assert [each[:2] for each in list_visits()][:2] == [("N10", "09:00"), ("N11", "10:00")]
    import_again(*new)


def test_a_visit_goes_with_a_new_id_though_the_list_gives_the_old_one_to_somebody_else() -> None:
    import_rows(FATHER)
    new_id, reused = SON | {"time": FATHER["time"]}, FATHER | {"time": "11:00 AM", "first": "Ann"}
    import_rows(new_id, reused, answers={"ids": "match_by_time"})
    assert [each[1] for each in list_visits()] == ["09:00", "11:00"]
    import_again(new_id, reused)


@pytest.mark.parametrize("other", [{"first": "Ann"}, {"first": "Omar", "last": "Lake", "mobile": ""}])
def test_a_contact_keeps_an_id_that_the_list_gives_to_another(other: dict[str, str]) -> None:
    """To a relative, or to somebody else; when the list comes again, that one would get the id."""
    import_rows(FATHER)
    rows = [SON, FATHER | {"time": "11:00 AM"} | other]
    import_rows(*rows, answers={"ids": "match_by_time"})
    assert [each[:2] for each in list_visits()][:2] == [("10", "09:00"), ("11", "10:00")]
    import_again(*rows)


@pytest.mark.parametrize("known", [[], [FATHER], [FATHER, SON]])
@pytest.mark.parametrize("number", ["202-555-0111", ""])
def test_who_has_no_id_is_not_one_of_several_who_have(known: list[dict[str, str]], number: str) -> None:
    """Nor when they are here. A visit of theirs that is in no other row of the list goes to somebody new."""
    rows = [row | {"mobile": number} for row in (FATHER, SON, WITHOUT_ID)]
    if known:
        import_rows(*(row | {"mobile": number} for row in known), rows[2] | {"patient": known[0]["patient"]})
    report = import_rows(*rows)
    assert list_visits() == [("10", "09:00", "booked"), ("11", "10:00", "booked"), ("", "14:00", "booked")]
    assert [each.line for each in report.problems if "somebody else." in each.problem][-1:] == [4] * bool(
        known or number
    )
    import_again(*rows)


@pytest.mark.parametrize("order", [1, -1])
def test_a_new_id_beside_the_own_one_with_another_number_is_somebody_else(order: int) -> None:
    import_rows(*give_ids(FATHER))
    rows = [
        FATHER | {"id": "A5", "time": "3:00 PM", "mobile": "202-555-0199"},
        SON | {"id": "A10", "time": "9:00 AM"},
    ][::order]
    import_rows(*rows)
    assert list_visits() == [("11", "09:00", "booked"), ("10", "15:00", "booked")]
    import_again(*rows)


@pytest.mark.usefixtures("john")
def test_what_one_contact_may_be_is_written_together() -> None:
    """So what is planned again, because somebody edits them, is planned for both."""
    data = write_list(FATHER, COUSIN | {"patient": "20", "first": "Ada"}, SON)
    planning = begin_planning(read_list(pack_file(data), "list.csv", ImportOptions()))
    parts = [part for block in planning.plan_blocks() for part in split_plan(block.plan, 1)]
    assert [list_lines(part) for part in parts] == [[2, 4], [3]]
