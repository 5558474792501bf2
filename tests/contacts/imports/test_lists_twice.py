"""A list that comes twice changes nothing the second time (product rule 45), whatever its rows are."""

import os
import random
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from contacts.appointments import reinstate_appointment
from contacts.imports import row_blocks
from contacts.models import Appointment, Contact, Location
from tests.contacts.imports.example_lists import AISHA, import_rows, make_downtown
from tests.contacts.imports.test_rows_of_one_contact import import_again, snapshot
from tests.people import make_appointment, make_contact

pytestmark = pytest.mark.django_db
SEEDS: Sequence[int] = (
    *(2, 14, 31, 65, 76, 83, 98, 128, 143, 175, 215, 275, 300, 389, 391, 407, 437, 498),
    *(763, 1135, 1157, 1456, 1532),
)
if "TWICE" in os.environ:
    SEEDS = range(*map(int, os.environ["TWICE"].split("-")))
SMITHS = {"first": ["John", "John", "John", "Jane", "Jon"], "last": ["Smith", "Smith", "Wood"]}
NUMBERS = ["202-555-0111", "202-555-0111", "202-555-0112", ""]
HOURS = [9, 10, 11]


def draw_rows(drawn: random.Random, *, patients: bool, visits: bool) -> list[dict[str, str]]:
    """Rows of a family, with or without ids of patients and visits."""
    ids = ["", "P1", "P2", "P3", "7", "007"] if patients else [""]
    return [
        AISHA
        | {name: drawn.choice(choices) for name, choices in SMITHS.items()}
        | {"mobile": drawn.choice(NUMBERS), "home": drawn.choice(["", "", *NUMBERS])}
        | {"patient": drawn.choice(ids), "id": f"A{at}" if visits and drawn.random() < 0.8 else ""}
        | {"time": f"{drawn.choice(HOURS)}:00 AM"}
        | {"status": drawn.choice(["Scheduled", "Scheduled", "Cancelled"])}
        for at in range(drawn.randint(2, 6))
    ]


def draw_list(drawn: random.Random) -> tuple[list[dict[str, str]], dict[str, str]]:
    """Such rows, and the answer about their ids."""
    rows = draw_rows(drawn, patients=drawn.random() < 0.7, visits=drawn.random() < 0.5)
    return rows, {"ids": drawn.choice(["all_new", "match_by_time"])}


def make_by_hand(drawn: random.Random, downtown: Location) -> None:
    """People of that family who were added by hand, some with visits."""
    for _ in range(drawn.randint(0, 3)):
        number = drawn.choice(["+12025550111", "+12025550112", None])
        names = {"first_name": drawn.choice(SMITHS["first"]), "last_name": drawn.choice(SMITHS["last"])}
        contact = make_contact(number=number, source="", external_id="", **names)
        for hour in drawn.sample(HOURS, drawn.randint(0, 2)):
            at = datetime(2026, 12, 15, hour + 5, tzinfo=UTC)
            make_appointment(contact, location=downtown, starts_at=at, source="", external_id="")


CANCELLED = {"status": "Cancelled"}
RUTH = AISHA | {"id": "", "patient": "P1", "first": "Ruth", "last": "Stone", "mobile": "202-555-0111"}
# a row about her that isn't surely hers, but cancels what she has at that time
UNSURE = RUTH | {"patient": "", "last": "Stone-Wood", "status": "Cancelled"}


@pytest.mark.parametrize(
    "unsure", [UNSURE, UNSURE | {"id": "A9"}, UNSURE | {"last": "Stone", "mobile": "202-555-0199"}]
)
def test_what_a_row_has_cancelled_by_its_time_is_not_added_when_it_comes_again(
    unsure: dict[str, str],
) -> None:
    """(product rule 44) Nor is it cancelled again if staff have booked it since."""
    make_downtown()
    import_rows(RUTH)
    assert import_rows(unsure).counts["cancelled"] == 1
    before = snapshot()
    report = import_rows(unsure)
    assert (report.counts["added"], report.counts["cancelled"]) == (0, 0)
    assert snapshot() == before
    visit = Appointment.objects.get()
    reinstate_appointment(visit.pk)
    assert import_rows(unsure).counts["cancelled"] == 0
    assert Appointment.objects.get().status == "booked"


def test_a_row_that_has_cancelled_a_visit_by_its_time_cancels_no_other_one() -> None:
    make_downtown()
    import_rows(RUTH)
    import_rows(UNSURE)
    ruth = Appointment.objects.get().contact
    at = datetime(2026, 12, 15, 14, 30, tzinfo=UTC)
    booked = make_appointment(ruth, starts_at=at, source="", external_id="")
    report = import_rows(UNSURE)
    booked.refresh_from_db()
    assert (booked.status, report.counts["cancelled"], report.counts["added"]) == ("booked", 0, 0)


@pytest.mark.parametrize("block", [row_blocks.BLOCK_ROWS, 1])
def test_a_row_cancels_no_visit_that_another_row_below_it_is_about(
    monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    """However the file is cut into blocks."""
    monkeypatch.setattr(row_blocks, "BLOCK_ROWS", block)
    make_downtown()
    rows = [UNSURE, RUTH]
    for _ in range(3):
        import_rows(*rows)
        visits = Appointment.objects.order_by("contact__last_name").values_list("status", flat=True)
        assert list(visits) == ["booked", "cancelled"]


@pytest.mark.parametrize("block", [row_blocks.BLOCK_ROWS, 1])
def test_a_row_that_shares_only_a_number_recorded_here_cancels_no_visit_of_another_row(
    monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    """However the file is cut into blocks: nothing in the two rows is the same but their time."""
    monkeypatch.setattr(row_blocks, "BLOCK_ROWS", block)
    make_downtown()
    import_rows(RUTH | {"home": "202-555-0199"})
    by_number = RUTH | CANCELLED | {"patient": "", "last": "", "mobile": "202-555-0199"}
    report = import_rows(by_number, RUTH)
    assert (report.counts["cancelled"], report.counts["booked_again"]) == (0, 0)
    assert Appointment.objects.get(contact__external_id="P1").status == "booked"
    import_again(by_number, RUTH)


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("other", [{"patient": ""}, {"mobile": "", "home": "202-555-0111"}, {"id": "A9"}])
def test_a_visit_that_was_cancelled_and_booked_again_at_its_time_stays_booked(
    order: int, other: dict[str, str]
) -> None:
    """A practice system writes both rows; here the cancelled one says less or more of the patient."""
    make_downtown()
    import_rows(RUTH)
    visit = Appointment.objects.get()
    for _ in range(2):
        report = import_rows(*[RUTH | other | {"status": "Cancelled"}, RUTH][::order])
        assert report.counts["cancelled"] == 0
        visit.refresh_from_db()
        assert visit.status == "booked"
        assert not Appointment.objects.exclude(pk=visit.pk).exclude(status="cancelled").exists()


KOFI = RUTH | {"id": "A2", "patient": "P2", "first": "Kofi", "last": "Wood", "mobile": "202-555-0112"}


def test_of_two_numbers_that_rows_give_in_either_order_the_one_here_stays_the_main_one() -> None:
    make_downtown()
    import_rows(RUTH | {"mobile": "202-555-0112"})
    rows = [
        RUTH | {"patient": "", "id": "A1", "home": "202-555-0112", "time": "11:00 AM"},
        RUTH | {"patient": "", "id": "A2", "mobile": "202-555-0112", "home": "202-555-0111"},
    ]
    import_rows(*rows)
    import_again(*rows)
    phone, other = Contact.objects.values_list("phone__e164", "other_phone__e164").get()
    assert (phone, other) == ("+12025550112", "+12025550111")


def test_a_row_without_an_id_is_of_the_namesake_who_has_its_number_in_the_list() -> None:
    """And of no one who has it only here, be it by a row above."""
    make_downtown()
    import_rows(RUTH | {"patient": "P3", "home": "202-555-0112"}, RUTH | {"patient": "P4", "mobile": ""})
    rows = [
        RUTH | {"patient": "P4", "mobile": "202-555-0112"},
        RUTH | {"patient": "", "mobile": "202-555-0112", "home": "202-555-0111"},
        RUTH | {"patient": "P3", "time": "11:00 AM"},
    ]
    import_rows(*rows)
    import_again(*rows)
    assert Contact.objects.count() == 2
    assert Appointment.objects.filter(contact__external_id="P4").count() == 1


def test_of_two_cancelled_rows_at_one_time_the_one_without_an_id_keeps_its_visit() -> None:
    """The other one has cancelled what was booked by hand."""
    downtown = make_downtown()
    by_hand = make_contact("Ruth", last_name="Stone", number="+12025550199", source="", external_id="")
    at = datetime(2026, 12, 15, 14, 30, tzinfo=UTC)
    make_appointment(by_hand, location=downtown, starts_at=at, source="", external_id="")
    rows = [RUTH | CANCELLED | {"id": "A3"}, RUTH | CANCELLED]
    assert import_rows(*rows).counts["cancelled"] == 1
    import_again(*rows)


def test_a_row_that_repeats_another_books_no_cancelled_visit_of_its_time_again() -> None:
    make_downtown()
    without_id = RUTH | {"patient": ""}
    rows = [without_id | CANCELLED | {"mobile": "202-555-0112"}, without_id, RUTH | {"home": "202-555-0112"}]
    assert import_rows(*rows).counts["duplicate"] == 1
    import_again(*rows)
    assert sorted(Appointment.objects.values_list("status", flat=True)) == ["booked", "cancelled"]


def test_a_cancelled_row_without_an_id_is_about_its_own_visit_and_not_that_of_a_namesake_with_one() -> None:
    """Its id is that of a relative here."""
    make_downtown()
    import_rows(RUTH | {"first": "Jane", "time": "8:00 AM"})
    rows = [RUTH | {"patient": "P3"}, RUTH | CANCELLED, RUTH | {"patient": "", "home": "202-555-0113"}]
    import_rows(*rows)
    import_again(*rows)
    assert Appointment.objects.filter(status="booked", contact__external_id="P3").count() == 1


def test_a_rejected_row_gives_its_patient_id_to_nobody() -> None:
    make_downtown()
    import_rows(KOFI)
    rows = [RUTH | {"id": "A6", "patient": ""}, RUTH | {"id": "A5", "patient": "P5"}, RUTH | {"id": "A2"}]
    assert import_rows(*rows).counts["rejected"] == 1
    import_again(*rows)


@pytest.mark.parametrize("block", [row_blocks.BLOCK_ROWS, 1])
def test_a_row_is_not_about_a_contact_who_gets_its_name_by_another_row(
    monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    """Not even if that row was imported before it, in another block."""
    monkeypatch.setattr(row_blocks, "BLOCK_ROWS", block)
    make_downtown()
    import_rows(KOFI | {"home": "202-555-0113"})
    rows = [KOFI | {"first": "Ruth", "last": "Stone"}, RUTH | {"patient": "", "mobile": "202-555-0113"}]
    report = import_rows(*rows)
    assert (report.counts["rejected"], report.counts["contacts_added"]) == (0, 1)
    import_again(*rows)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_list_that_comes_twice_changes_nothing_the_second_time(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TWICE=0-500 tries more lists."""
    drawn = random.Random(seed)
    monkeypatch.setattr(row_blocks, "BLOCK_ROWS", drawn.choice([row_blocks.BLOCK_ROWS, 1]))
    downtown = make_downtown()
    make_by_hand(drawn, downtown)
    if drawn.random() < 0.5:
        import_rows(*draw_rows(drawn, patients=drawn.random() < 0.5, visits=drawn.random() < 0.5))
    rows, answers = draw_list(drawn)
    import_rows(*rows, answers=answers)
    before = snapshot()
    report = import_rows(*rows, answers={"ids": "all_new"})
    assert (report.changes, report.counts["added"], report.counts["contacts_added"]) == ((), 0, 0)
    assert snapshot() == before
