"""Rows that turn out to be about one contact, with and without a patient id (product rules 20, 41 and 45)."""

import os
import random
from typing import Any

import pytest

from contacts.imports import row_blocks
from contacts.imports.file_content import pack_file
from contacts.imports.list_planning import begin_planning
from contacts.imports.list_reading import read_list
from contacts.imports.overwriting import IMPORTED_CONTACT_FIELDS
from contacts.imports.practice import ImportOptions
from contacts.models import Appointment, Contact, ContactId, Provider
from contacts.people import change_phone
from tests.contacts.imports.example_lists import AISHA, import_rows, make_downtown, write_list
from tests.people import make_number

pytestmark = pytest.mark.django_db
SARAH = AISHA | {"first": "Sarah", "last": "Lind", "mobile": "202-555-0101"}
WITHOUT_ID = SARAH | {"id": "A2", "patient": "", "time": "2:00 PM"}
SEEDS = range(int(os.environ["ROW_EXAMPLES"])) if "ROW_EXAMPLES" in os.environ else (22, 45, 47, 57, 63, 111)
NUMBERS = [f"+1202555010{n}" for n in range(10)]


@pytest.fixture(autouse=True)
def downtown() -> None:
    make_downtown()


@pytest.fixture(params=[row_blocks.BLOCK_ROWS, 1])
def _cut(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """However the file is cut into blocks."""
    monkeypatch.setattr(row_blocks, "BLOCK_ROWS", request.param)


def read_numbers(contact: Contact) -> tuple[str, ...]:
    contact.refresh_from_db()
    return tuple(number.e164 for number in (contact.phone, contact.other_phone) if number)


def snapshot() -> list[Any]:
    """All contacts and visits."""
    people = Contact.objects.order_by("pk").values(*IMPORTED_CONTACT_FIELDS)
    return [list(people), list(Appointment.objects.order_by("pk").values())]


def import_again(*rows: dict[str, str]) -> None:
    """The same file twice more: it changes and adds nothing, and no two values contradict each other."""
    for _ in range(2):
        before = snapshot()
        report = import_rows(*rows)
        assert snapshot() == before
        assert (report.changes, report.counts["changed"], report.counts["added"]) == ((), 0, 0)
        assert not any("changed here and in the file" in each.problem for each in report.problems)


# --- somebody new -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("wishes", [("never", "call"), ("call", "never")])
@pytest.mark.parametrize("number", ["202-555-0101", "202-555-0102"])
@pytest.mark.parametrize("first", ["Sarah", "SÁRAH"])
def test_a_row_without_a_patient_id_belongs_to_the_one_person_of_its_name_and_number(
    wishes: tuple[str, str], number: str, first: str
) -> None:
    rows = [
        SARAH | {"home": "202-555-0102", "Preferred Contact": wishes[0]},
        WITHOUT_ID | {"first": first, "mobile": number, "Preferred Contact": wishes[1]},
    ]
    report = import_rows(*rows)
    sarah = Contact.objects.get()
    assert (sarah.preferred_channel, sarah.external_id) == ("never", "P1")
    assert read_numbers(sarah) == ("+12025550101", "+12025550102")
    assert (report.counts["added"], report.counts["contacts_added"]) == (2, 1)
    import_again(*rows)


def test_of_two_rows_without_ids_the_one_with_a_number_of_the_other_is_of_that_person() -> None:
    rows = [
        WITHOUT_ID | {"home": "202-555-0102", "Preferred Contact": "never"},
        WITHOUT_ID | {"id": "A3", "time": "3:00 PM", "mobile": "202-555-0102", "Preferred Contact": "call"},
    ]
    import_rows(*rows)
    sarah = Contact.objects.get()
    assert (sarah.preferred_channel, read_numbers(sarah)) == ("never", tuple(NUMBERS[1:3]))
    import_again(*rows)


def test_who_shares_only_a_second_number_stays_somebody_else() -> None:
    """Such as a father and a son of one name."""
    at_home = {"home": "202-555-0109"}
    import_rows(SARAH | at_home, WITHOUT_ID | at_home | {"mobile": "202-555-0102"})
    assert sorted(Contact.objects.values_list("phone__e164", flat=True)) == NUMBERS[1:3]


@pytest.mark.parametrize(
    "other", [{"last": "Lund"}, {"first": "Sara"}, {"mobile": "202-555-0102"}, {"mobile": ""}]
)
def test_who_differs_in_name_or_number_stays_somebody_else(other: dict[str, str]) -> None:
    import_rows(SARAH, WITHOUT_ID | other)
    assert Contact.objects.count() == 2


def test_if_several_people_have_its_name_and_number_a_row_stays_apart_and_is_noted() -> None:
    twin = SARAH | {"id": "A3", "patient": "P2", "time": "11:00 AM"}
    rows = [SARAH, WITHOUT_ID, twin]
    report = import_rows(*rows)
    assert report.counts["contacts_added"] == 3
    [note] = [each for each in report.problems if "several people in the file" in each.problem]
    assert (note.line, note.value, note.column) == (3, "Sarah Lind", "Patient ID")
    import_again(*rows)


def test_it_stays_apart_when_only_some_of_these_lines_are_planned_again() -> None:
    twin = SARAH | {"id": "A3", "patient": "P2", "time": "11:00 AM"}
    data = write_list(SARAH, WITHOUT_ID, twin)
    planning = begin_planning(read_list(pack_file(data), "list.csv", ImportOptions()))
    [block] = planning.plan_blocks()
    for lines, people in (({2, 3}, 2), ({3}, 1), ({2, 3, 4}, 3)):
        plan, _problems = planning.plan_lines(block, lines)
        assert len(plan.contacts) == people


def test_the_row_is_about_the_known_contact_whose_new_number_both_rows_have() -> None:
    import_rows(SARAH)
    new = {"mobile": "202-555-0105"}
    rows = [SARAH | new, WITHOUT_ID | new]
    import_rows(*rows)
    assert read_numbers(Contact.objects.get()) == ("+12025550105",)
    import_again(*rows)


@pytest.mark.parametrize("known", [True, False])
def test_one_visit_named_with_and_without_a_patient_id_is_booked_once(known: bool) -> None:
    rows = [SARAH | {"id": ""}, WITHOUT_ID | {"id": "", "time": "9:30 AM", "provider": "Dr. New"}]
    if known:
        import_rows(SARAH | {"id": "", "time": "8:00 AM"})
    report = import_rows(*rows)
    assert (report.counts["added"], report.counts["duplicate"]) == (1, 1)
    assert any("This row repeats line 2" in each.problem for each in report.problems)
    assert Appointment.objects.count() == 1 + known
    assert not Provider.objects.filter(name="Dr. New").exists()
    assert report.counts["rows"] == 2
    import_again(*rows)


def test_a_visit_that_is_here_already_keeps_its_own_contact() -> None:
    """Nobody becomes somebody else for a row that was imported alone before."""
    import_rows(WITHOUT_ID)
    old = Contact.objects.get()
    import_rows(SARAH | {"patient": "P1", "mobile": "202-555-0199"})
    Contact.objects.filter(pk=old.pk).update(preferred_channel="never")
    rows = [SARAH, WITHOUT_ID]
    import_rows(*rows)
    assert Appointment.objects.get(external_id="A2").contact_id == old.pk
    import_again(*rows)


# --- somebody known ----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("_cut")
@pytest.mark.parametrize("first", [0, 1])
def test_the_last_language_of_one_contacts_rows_counts_and_stays(first: int) -> None:
    import_rows(SARAH)
    rows = [SARAH, WITHOUT_ID | {"language": "Spanish"}]
    rows = rows[first:] + rows[:first]
    import_rows(*rows)
    assert Contact.objects.get().language == ("en" if first else "es")
    import_again(*rows)


@pytest.mark.usefixtures("_cut")
@pytest.mark.parametrize("corrected", ["+12025550102", "+12025550199"])
def test_staff_correct_the_number_of_somebody_whom_the_list_names_by_each_of_two(corrected: str) -> None:
    rows = [SARAH | {"home": "202-555-0102"}, WITHOUT_ID | {"mobile": "202-555-0102"}]
    import_rows(rows[0])
    import_rows(*rows)
    sarah = Contact.objects.get()
    assert read_numbers(sarah) == ("+12025550101", "+12025550102")
    Contact.objects.update(other_phone=None)
    sarah.refresh_from_db()
    change_phone(sarah, make_number(corrected))
    import_again(*rows)
    assert read_numbers(sarah) == (corrected,)
    import_again(rows[0])
    assert read_numbers(sarah) == (corrected,), "nor does the list without the other row"


@pytest.mark.usefixtures("_cut")
def test_rows_of_one_contact_with_neither_id_nor_number_in_common_change_nothing_the_second_time() -> None:
    import_rows(WITHOUT_ID)
    rows = [WITHOUT_ID | {"id": "A5", "time": "8:00 AM"}, WITHOUT_ID | {"mobile": "202-555-0105"}]
    import_rows(*rows)
    assert read_numbers(Contact.objects.get()) == ("+12025550105",)
    import_again(*rows)


@pytest.mark.usefixtures("_cut")
def test_somebody_new_who_may_be_a_known_patient_is_not_called_if_that_one_never_wants_it() -> None:
    import_rows(SARAH)
    Contact.objects.update(preferred_channel="never")
    import_rows(WITHOUT_ID | {"id": ""}, SARAH | {"last": "Lund"})
    assert list(Contact.objects.values_list("preferred_channel", flat=True)) == ["never"] * 2


# what a list said first, and a later one that changes name or number of the contact by an id or a visit
RENAMED: list[tuple[dict[str, str], list[dict[str, str]]]] = [
    (SARAH, [SARAH | {"last": "Lund"}, WITHOUT_ID | {"id": ""}]),
    (SARAH, [SARAH | {"mobile": "202-555-0105"}, WITHOUT_ID | {"id": ""}]),
    (SARAH | {"mobile": ""}, [SARAH, WITHOUT_ID | {"id": "", "mobile": ""}]),
    (WITHOUT_ID, [WITHOUT_ID | {"mobile": "202-555-0105"}, WITHOUT_ID | {"id": "", "time": "3:00 PM"}]),
    (WITHOUT_ID | {"mobile": ""}, [SARAH | {"id": "A2"}, WITHOUT_ID | {"id": "", "mobile": ""}]),
]


@pytest.mark.usefixtures("_cut")
@pytest.mark.parametrize(("before", "rows"), RENAMED)
def test_a_row_with_a_name_or_number_that_its_list_takes_from_the_contact_is_of_somebody_else(
    before: dict[str, str], rows: list[dict[str, str]]
) -> None:
    """When the list comes again, nobody here would have these."""
    import_rows(before)
    report = import_rows(*rows[::-1])
    assert report.counts["contacts_added"] == 1
    assert any("merge the two contacts" in each.remedy for each in report.problems)
    import_again(*rows[::-1])


@pytest.mark.usefixtures("_cut")
def test_two_ids_of_one_contact_are_not_taken_in_turns() -> None:
    import_rows(SARAH)
    import_rows(SARAH, SARAH | {"id": "A6", "time": "4:00 PM"})
    rows = [SARAH | {"id": "A6", "time": "4:00 PM"}, SARAH | {"patient": "P77"}]
    import_rows(*rows)
    assert Contact.objects.get().external_id == "P1"
    import_again(*rows)


@pytest.mark.usefixtures("_cut")
def test_rows_by_name_and_by_either_id_of_a_merged_contact_change_nothing_the_second_time() -> None:
    import_rows(SARAH)
    ContactId.objects.create(contact=Contact.objects.get(), source="csv", external_id="P2")
    rows = [
        SARAH | {"language": "French"},
        SARAH | {"id": "A3", "patient": "P2", "time": "11:00 AM", "language": "Spanish"},
        WITHOUT_ID | {"Preferred Contact": "never"},
    ]
    import_rows(*rows)
    sarah = Contact.objects.get()
    assert (sarah.preferred_channel, sarah.external_id, sarah.appointments.count()) == ("never", "P1", 3)
    import_again(*rows)


# --- any rows ----------------------------------------------------------------------------------------


def draw_rows(drawn: random.Random) -> list[dict[str, str]]:
    """Rows of few people, who are named in many ways."""
    numbers = ["202-555-0111", "202-555-0112", ""]
    return [
        AISHA
        | {"id": drawn.choice(["", "A1", "A2", "A3", "A4", "A5", "A6"])}
        | {"patient": drawn.choice(["", "", "P1", "P2", "7", "007"])}
        | {"first": drawn.choice(["Ruth", "Ruth Ann", "R", "Kofi", "Ru?h"])}
        | {"last": drawn.choice(["Stone", "Wood"]), "language": drawn.choice(["English", "Spanish", ""])}
        | {"mobile": drawn.choice(numbers), "home": drawn.choice(numbers)}
        | {"time": drawn.choice(["9:00 AM", "10:00 AM", "11:00 AM"])}
        | {"status": drawn.choice(["Scheduled", "Scheduled", "Cancelled"])}
        | {"Preferred Contact": drawn.choice(["", "call", "text", "never"])}
        for _ in range(drawn.randint(2, 6))
    ]


@pytest.mark.usefixtures("_cut")
@pytest.mark.parametrize("seed", SEEDS)
def test_a_list_that_names_people_in_many_ways_changes_nothing_when_it_comes_again(seed: int) -> None:
    """ROW_EXAMPLES=500 tries more lists."""
    drawn = random.Random(seed)
    all_new = {"ids": "all_new"}
    import_rows(*draw_rows(drawn), answers=all_new)
    rows = draw_rows(drawn)
    for _ in range(2):  # after the first time, a visit that is here now may tell whom a row is about
        import_rows(*rows, answers=all_new)
    before = snapshot()
    import_rows(*rows, answers=all_new)
    assert snapshot() == before
