"""Who a row is about, and what an import may change (product rules 42, 44, 45, 51, 52, 53 and 54).

The lists that went wrong once are in test_lists.py.
"""

from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from contacts.imports import file_reading, list_planning
from contacts.imports.csv_files import CsvReader
from contacts.imports.file_content import pack_file
from contacts.imports.importing import import_file, preview_file
from contacts.imports.planning import make_plan
from contacts.imports.practice import ImportOptions
from contacts.imports.report import ImportReport
from contacts.models import Appointment, Contact, ContactId, ContactMerge, ImportChange
from tests.contacts.imports.example_lists import AISHA, NOAH, import_rows, make_downtown, write_list
from tests.people import make_contact, make_number

pytestmark = pytest.mark.django_db

RUTH = AISHA | {"id": "A1", "patient": "P1", "last": "Stone", "first": "Ruth", "mobile": "202-555-0111"}
KOFI = AISHA | {"id": "A2", "patient": "P2", "last": "Wood", "first": "Kofi", "mobile": "202-555-0112"}


def read_people() -> list[tuple[str, str, str]]:
    people = Contact.objects.select_related("phone").order_by("external_id", "pk")
    return [(each.full_name, each.external_id, each.phone.e164[-4:] if each.phone else "") for each in people]


def read_booked() -> list[tuple[str, str, str]]:
    booked = Appointment.objects.select_related("contact").order_by("external_id", "pk")
    return [(each.external_id, each.contact.full_name, each.status) for each in booked]


def swap(*fields: str) -> tuple[dict[str, str], dict[str, str]]:
    """Ruth's and Kofi's rows with some fields in each other's."""
    return RUTH | {key: KOFI[key] for key in fields}, KOFI | {key: RUTH[key] for key in fields}


# rows of a second list after Ruth's and Kofi's, and how many of them are rejected
CONFLICTS = [
    ([RUTH | {"first": "Kofi", "last": "Wood", "mobile": "202-555-0199"}], 1),  # a recycled id
    (
        [RUTH | {"id": "A9", "last": "Wood", "mobile": "202-555-0199"}],
        1,
    ),  # of somebody who is called Ruth too
    ([RUTH | {"first": "Omar", "last": "Lake", "mobile": ""}], 1),  # nothing shows that it is she
    ([RUTH | {"patient": "P9", "first": "Omar", "last": "Lake", "mobile": "202-555-0199"}], 1),
    ([RUTH | {"patient": "", "first": "Omar", "last": "Lake", "mobile": "202-555-0199"}], 1),
    (list(swap("first", "last", "mobile")), 2),
    (list(swap("patient")), 2),
    (list(swap("patient", "first", "last", "mobile")), 2),
]


@pytest.mark.parametrize(("rows", "rejected"), CONFLICTS)
def test_an_id_with_another_name_and_number_changes_nobody(rows: list[dict[str, str]], rejected: int) -> None:
    """(product rule 42)"""
    make_downtown()
    import_rows(RUTH, KOFI)
    report = import_rows(*rows)
    assert report.counts["rejected"] == rejected
    assert read_people() == [("Ruth Stone", "P1", "0111"), ("Kofi Wood", "P2", "0112")]
    assert read_booked() == [("A1", "Ruth Stone", "booked"), ("A2", "Kofi Wood", "booked")]
    assert all("here" in each.value for each in report.problems if each.weight == "rejected")


def test_two_people_of_one_id_in_a_file_are_rejected_and_named() -> None:
    """(product rule 42)"""
    make_downtown()
    report = import_rows(RUTH, KOFI | {"patient": "P1"}, NOAH | {"id": "A3", "patient": "P3"})
    assert (report.counts["added"], report.counts["rejected"]) == (1, 2)
    assert "Ruth Stone (line 2), Kofi Wood (line 3)" in report.problems[0].problem


def test_an_id_of_three_strangers_is_none() -> None:
    """(product rule 42)"""
    make_downtown()
    report = import_rows(RUTH, KOFI | {"patient": "P1"}, NOAH | {"id": "A3", "patient": "P1"})
    assert report.counts["added"] == report.counts["contacts_added"] == 3


# the second list's row of Ruth, and who is there afterwards
SAME_PERSON = [
    ({"last": "Stone-Wood"}, [("Ruth Stone-Wood", "P1", "0111")]),
    ({"last": "Wood"}, [("Ruth Wood", "P1", "0111")]),
    ({"mobile": "202-555-0199"}, [("Ruth Stone", "P1", "0199")]),
    ({"last": "Wood", "mobile": "202-555-0199"}, [("Ruth Wood", "P1", "0199")]),
    ({"first": "Ruth Ann"}, [("Ruth Ann Stone", "P1", "0111")]),
    ({"first": "Rut"}, [("Rut Stone", "P1", "0111")]),  # the same appointment, id and number
    ({"first": "Stone", "last": "Ruth"}, [("Stone Ruth", "P1", "0111")]),
    ({"patient": "P77"}, [("Ruth Stone", "P77", "0111")]),  # the practice system gave new ids
    ({"patient": ""}, [("Ruth Stone", "P1", "0111")]),
    ({"last": "STONE", "patient": ""}, [("Ruth STONE", "P1", "0111")]),
]


@pytest.mark.parametrize(("changed", "people"), SAME_PERSON)
def test_a_patient_who_changed_is_the_same_and_named_in_the_report(
    changed: dict[str, str], people: list[tuple[str, str, str]]
) -> None:
    """(product rule 42)"""
    make_downtown()
    import_rows(RUTH)
    report = import_rows(RUTH | changed)
    assert read_people() == people
    assert len(read_booked()) == 1
    is_changed = people != [("Ruth Stone", "P1", "0111")]
    assert [each.about for each in report.changes] == ["Ruth Stone"] * is_changed
    assert import_rows(RUTH | changed).counts["contacts_unchanged"] == 1


def test_another_member_of_a_household_in_a_later_list_is_another_person() -> None:
    """(product rule 42)"""
    make_downtown()
    import_rows(RUTH)
    brother = RUTH | {"id": "A5", "first": "Kofi", "time": "10:30 AM"}
    for _ in range(2):
        report = import_rows(RUTH, brother)
        assert read_people() == [("Kofi Stone", "", "0111"), ("Ruth Stone", "P1", "0111")]
        assert report.counts["rejected"] == 0
    alone = import_rows(brother)
    assert any("an account that a household shares" in each.problem for each in alone.problems)
    assert read_booked() == [("A1", "Ruth Stone", "booked"), ("A5", "Kofi Stone", "booked")]


# What else is wrong with a row that says that Ruth's appointment is cancelled.
OTHER_FAULTS: list[dict[str, str]] = [
    {"last": "Stone-Wood"},
    {"first": "Rut"},
    {"patient": "", "first": "Rut", "mobile": "202-555-0199"},
    {"patient": "", "last": "St’one", "mobile": ""},
    {"first": ""},
    {"date": "02/30/2027"},
    {"date": ""},
    {"time": "soon"},
    {"location": ""},
    {"location": "Nowhere"},
    {"mobile": "555-01"},
    {"mobile": "202-555-0199", "first": "Kofi", "last": "Wood"},
    {"date": "12/19/2026", "time": "1:00 PM"},
    {"patient": "NEW"},
    {"id": "", "last": "Stone-Wood"},
    {"id": "", "patient": "", "last": "Stone-Wood"},
    {"id": "", "patient": "", "mobile": "202-555-0199"},
    {"id": "N/A", "patient": "#N/A", "language": "Martian"},
]


@pytest.mark.parametrize("fault", OTHER_FAULTS)
def test_a_cancellation_counts_whatever_else_is_wrong_with_the_row(fault: dict[str, str]) -> None:
    """(product rule 44)"""
    make_downtown()
    import_rows(RUTH, KOFI)
    report = import_rows(RUTH | fault | {"status": "Cancelled"})
    assert [(external_id, status) for external_id, _, status in read_booked()] == [
        ("A1", "cancelled"),
        ("A2", "booked"),
    ]
    assert report.counts["cancelled"] == 1
    assert Appointment.objects.count() == 2
    [change] = ImportChange.objects.filter(what="cancelled")
    assert (change.old, change.new) == ({"status": "booked"}, {"status": "cancelled"})
    assert "Ruth" in change.about
    again = import_rows(RUTH | fault | {"status": "Cancelled"})
    assert again.counts["cancelled"] == 0


def test_a_recycled_id_of_a_stranger_cancels_nothing() -> None:
    """(product rules 42 and 44)"""
    make_downtown()
    import_rows(RUTH)
    stranger = {
        "patient": "P9",
        "first": "Omar",
        "last": "Lake",
        "mobile": "202-555-0199",
        "date": "12/19/2026",
    }
    report = import_rows(RUTH | stranger | {"status": "Cancelled"})
    assert (report.counts["cancelled"], report.counts["rejected"]) == (0, 1)
    assert read_booked() == [("A1", "Ruth Stone", "booked")]


def test_a_visit_that_is_both_cancelled_and_booked_in_a_file_stays_as_it_is() -> None:
    make_downtown()
    import_rows(RUTH)
    report = import_rows(RUTH, RUTH | {"status": "Cancelled"})
    assert (report.counts["cancelled"], report.counts["rejected"]) == (0, 2)
    assert read_booked() == [("A1", "Ruth Stone", "booked")]


def test_a_known_name_is_never_overwritten_by_a_damaged_one() -> None:
    """(product rule 52)"""
    make_downtown()
    zoe = AISHA | {"first": "Zoë", "last": "Müller"}
    import_rows(zoe)
    import_rows(zoe | {"last": "MÃ¼ller"})
    assert read_people() == [("Zoë Müller", "P1", "0101")], "repaired"
    for damaged in ({"first": "Zo\ufffd"}, {"first": "Zo?e", "last": "M?ller"}):
        report = import_rows(zoe | damaged)
        assert read_people() == [("Zoë Müller", "P1", "0101")]
        assert any("Letters of this name are damaged" in each.problem for each in report.problems), damaged


def test_a_cell_that_the_reader_says_is_damaged_overwrites_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """(product rule 52)"""
    make_downtown()
    import_rows(AISHA)
    read = CsvReader().read(pack_file(write_list(AISHA | {"last": "Okafar", "first": "Asha"})))
    damaged = replace(read, damaged=frozenset({(2, 2), (2, 3)}))  # last and first name
    monkeypatch.setattr(file_reading, "read_table", lambda *_, **__: damaged)
    assert import_file(b"-", "list.csv", ImportOptions()).changes == ()
    assert read_people() == [("Aisha Okafor", "P1", "0101")]


def test_one_other_word_for_the_source_stops_the_import_until_somebody_says_which() -> None:
    """(product rule 53)"""
    make_downtown()
    import_rows(AISHA, NOAH)
    data = write_list(AISHA, NOAH)
    preview = preview_file(data, "list.csv", ImportOptions(source="dentrix"))
    [question] = preview.questions
    assert question.text.startswith("2 of these people are here already, under the source “csv”.")
    assert [each.value for each in question.choices] == ["csv", "other_system"]
    answered = import_file(data, "list.csv", ImportOptions(source="dentrix", answers={"source": "csv"}))
    assert (answered.source, answered.counts["unchanged"]) == ("csv", 2)
    assert Contact.objects.count() == 2


def test_the_command_prints_the_question_and_takes_its_answer(tmp_path: Path) -> None:
    """(product rule 53)"""
    make_downtown()
    import_rows(AISHA, NOAH)
    path = tmp_path / "list.csv"
    path.write_bytes(write_list(AISHA, NOAH))
    out = StringIO()
    with pytest.raises(CommandError, match="Is this list from the same system"):
        call_command("import_appointments", str(path), "--source", "dentrix", stdout=out)
    assert "Yes, it is from “csv”: --answer source=csv" in out.getvalue()
    assert Contact.objects.count() == 2
    answer = ["--answer", "source=other_system"]
    call_command("import_appointments", str(path), "--source", "dentrix", *answer, stdout=out)
    assert Contact.objects.count() == 4
    call_command("import_appointments", str(path), "--source", "dentrix", stdout=out)
    assert Contact.objects.count() == 4, "a source that is known isn't asked about again"


def test_a_few_people_of_another_source_are_no_question() -> None:
    make_downtown()
    import_rows(AISHA)
    others = [NOAH | {"id": f"B{n}", "patient": f"B{n}", "mobile": f"202-555-01{n}"} for n in range(10, 30)]
    assert import_rows(AISHA, *others, source="dentrix").counts["added"] == 21


def make_days(prefix: str, count: int = 6) -> list[dict[str, str]]:
    return [
        AISHA
        | {"id": f"{prefix}A{n}", "patient": f"{prefix}P{n}", "mobile": f"202-555-01{n}", "first": f"Ann{n}x"}
        for n in range(10, 10 + count)
    ]


def test_a_file_of_which_hardly_an_id_is_known_is_asked_about() -> None:
    """(product rule 51)"""
    make_downtown()
    import_rows(*make_days("old"))
    changed = write_list(*make_days("new"))
    [question] = preview_file(changed, "list.csv", ImportOptions()).questions
    assert question.key == "ids"
    report = import_file(changed, "list.csv", ImportOptions(answers={"ids": "match_by_time"}))
    assert (report.counts["added"], report.counts["contacts_added"]) == (0, 0)
    assert {each.external_id[:3] for each in Appointment.objects.all()} == {"new"}
    again = import_file(changed, "list.csv", ImportOptions())
    assert again.counts["unchanged"] == 6


def test_a_list_of_other_days_or_of_another_location_is_not_asked_about() -> None:
    make_downtown()
    make_downtown(name="Eastside")
    import_rows(*make_days("old"))
    for n, elsewhere in enumerate([{"location": "Eastside"}, {"date": "12/17/2026"}]):
        assert import_rows(*(row | elsewhere for row in make_days(f"new{n}"))).counts["added"] == 6


def test_rows_of_the_first_and_last_day_are_missed_at_any_hour() -> None:
    """(product rule 54)"""
    make_downtown()
    early = KOFI | {"time": "8:00 AM"}
    late = NOAH | {"id": "A3", "patient": "P3", "time": "5:00 PM"}
    import_rows(early, RUTH, late)
    report: ImportReport = import_rows(RUTH)
    assert [each.value[:2] for each in report.problems] == ["A2", "A3"]


# --- contacts whom staff merged, and rows that say little ---------------------------------------------------


def merge_into(survivor: Contact, *, known_as: str, **was: str) -> None:
    """As contacts/merging.py leaves it: another id of the survivor, and what its owner had."""
    ContactId.objects.create(contact=survivor, source="csv", external_id=known_as)
    ContactMerge.objects.create(survivor=survivor, merged_id=9000 + survivor.pk, was=was, at=timezone.now())


def test_the_id_of_a_merged_contact_that_goes_to_a_stranger_is_a_conflict() -> None:
    """(product rule 42)"""
    make_downtown()
    import_rows(RUTH)
    merge_into(Contact.objects.get(), known_as="P2", first_name="Ruth", last_name="Stone-Hill")
    stranger = {"id": "A9", "patient": "P2", "first": "Omar", "last": "Haddad", "mobile": "202-555-0177"}
    report = import_rows(RUTH | stranger | {"time": "3:00 PM"})
    assert report.counts["rejected"] == 1
    assert read_booked() == [("A1", "Ruth Stone", "booked")]
    import_rows(RUTH | {"id": "A8", "patient": "P2", "last": "Stone-Hill", "time": "4:00 PM"})
    assert Appointment.objects.filter(contact=Contact.objects.get()).count() == 2


def test_a_cancelled_slot_without_a_name_cancels_nobodys_visit() -> None:
    """(product rule 44)"""
    make_downtown()
    import_rows(RUTH | {"id": ""})
    slot = RUTH | {"id": "", "patient": "", "mobile": "", "status": "Cancelled"}
    for nobody in (
        {"first": "", "last": ""},
        {"last": ""},
        {"first": "", "last": "", "mobile": "202-555-0177"},
    ):
        import_rows(slot | nobody)
        assert (
            Appointment.objects.get(contact__first_name="Ruth", contact__last_name="Stone").status == "booked"
        )


@pytest.mark.parametrize("wishes", [("never", "text only"), ("text only", "never")])
def test_of_two_rows_about_one_contact_the_stricter_wish_counts_in_any_order(wishes: tuple[str, str]) -> None:
    """(product rule 41)"""
    make_downtown()
    import_rows(RUTH)
    ruth = Contact.objects.get()
    merge_into(ruth, known_as="P2", first_name="Ruth", last_name="Stone")
    own, other = RUTH | {"prefers": wishes[0]}, RUTH | {"id": "A5", "patient": "P2", "prefers": wishes[1]}
    import_rows(own, other | {"time": "4:30 PM"})
    ruth.refresh_from_db()
    assert ruth.preferred_channel == "never"


def test_who_has_two_numbers_keeps_both_when_a_list_names_them_once_by_each() -> None:
    make_downtown()
    import_rows(RUTH | {"id": "", "patient": ""})
    ruth = Contact.objects.get()
    ruth.other_phone = make_number("+12025550188")
    ruth.save()
    again = RUTH | {"id": "", "patient": "", "mobile": "202-555-0188", "time": "4:30 PM"}
    for _ in range(2):
        import_rows(RUTH | {"id": "", "patient": ""}, again)
        ruth.refresh_from_db()
        assert {ruth.phone and ruth.phone.e164, ruth.other_phone and ruth.other_phone.e164} == {
            "+12025550111",
            "+12025550188",
        }
    assert Contact.objects.count() == 1


def test_a_contact_whom_staff_edit_while_a_list_is_read_stays_as_edited(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """(product rule 45)"""
    make_downtown()
    import_rows(RUTH)
    planned = make_plan

    def plan_and_edit(*args: Any, **options: Any) -> Any:
        plan = planned(*args, **options)
        ruth = Contact.objects.get()
        ruth.preferred_channel = "never"
        ruth.save()
        return plan

    monkeypatch.setattr(list_planning, "make_plan", plan_and_edit)
    report = import_rows(RUTH | {"last": "Stone-Hill"})
    ruth = Contact.objects.get()
    assert (ruth.last_name, ruth.preferred_channel) == ("Stone-Hill", "never")
    assert report.counts["contacts_updated"] == 1


def test_somebody_without_a_number_is_not_who_has_one_even_if_the_list_has_that_number_too() -> None:
    """(product rule 42)"""
    make_downtown()
    here = make_contact(first_name="Ruth", last_name="Stone", number="+12025550111")
    bare = RUTH | {"id": "", "patient": ""}
    import_rows(bare, bare | {"mobile": "", "time": "4:30 PM"})
    assert Contact.objects.count() == 2
    assert Appointment.objects.filter(contact=here).count() == 1
