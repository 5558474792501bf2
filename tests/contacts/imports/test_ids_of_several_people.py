"""People who share a patient id, and names that fit more than one of them (product rules 42 and 52)."""

import pytest

from contacts.imports.identity import has_same_first, identify
from contacts.models import Appointment, Contact
from tests.contacts.imports.example_lists import AISHA, import_rows, make_downtown

FAMILY = AISHA | {"patient": "100", "last": "Smith", "mobile": "202-555-0111"}

# two first names, and whether they can be one
FIRST_NAMES = [
    ("Ren?e", "Renée", True), ("Ren?e", "Renee", True), ("Ren??e", "Renée", True), ("RenÃ©e", "Renée", True),
    ("Ren?", "René", True), ("?mile", "Émile", True), ("J?rgen", "Juergen", True), ("Gro?", "Groß", True),
    ("Zo?e", "Zoë", True), ("Zo?e", "Zoe", True), ("Zo\ufffd", "Zoë", True), ("Ren?e", "Ren\ufffde", True),
    ("Ren?e", "R", True), ("Ren?e", "Renée Ann", True), ("Ren?e Ann", "Renée", True),
    ("Ren?e Ann", "Ren?e", True), ("Mary", "Mary Ann", True), ("J", "John", True), ("", "Paul", True),
    ("Ren?e", "Paul", False), ("Ren?e", "J", False), ("Ren?e", "Ma?tin", False), ("?lise", "?mile", False),
    ("Ren?e Ann", "Renée Beth", False), ("Fran?ois", "Françoise", False), ("Mar?a", "Martha", False),
    ("Zo\ufffd", "Zoey", False), ("Andr?", "Andrew", False), ("Mary Ann", "Mary Beth", False),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other", "fits"), FIRST_NAMES)
def test_of_a_damaged_first_name_the_letters_that_are_left_are_compared(
    one: str, other: str, fits: bool
) -> None:
    people = identify(one, "Smith"), identify(other, "Smith")
    assert (has_same_first(*people), has_same_first(*reversed(people))) == (fits, fits)


def test_first_and_last_name_in_each_others_column_are_compared_though_letters_are_lost() -> None:
    assert has_same_first(identify("Ren?e", "Smith"), identify("Smith", "Renée"))
    assert not has_same_first(identify("Ren?e", "Smith"), identify("Smith", "Paul"))


def test_a_name_of_many_lost_letters_is_compared_at_once() -> None:
    damaged = identify("?a" * 60, "Smith")
    assert has_same_first(damaged, identify("éa" * 60, "Smith"))
    assert not has_same_first(damaged, identify("a" * 119 + "b", "Smith"))


# Rows of one id, where one name fits all others; how many people they are.
GROUPS: list[tuple[list[dict[str, str]], list[str]]] = [
    ([{"first": "Ren?e"}, {"first": "Paul"}, {"first": "Anna"}], ["Anna", "Paul", "Ren?e"]),
    ([{"first": "Paul"}, {"first": "Anna"}, {"first": "Ren\ufffde"}], ["Anna", "Paul", "Ren\ufffde"]),
    ([{"first": "Ren?e"}, {"first": "Paul"}], ["Paul", "Ren?e"]),
    ([{"first": "J"}, {"first": "John"}, {"first": "Jane"}], ["J", "Jane", "John"]),
    ([{"first": "Mary"}, {"first": "Mary Ann"}, {"first": "Mary Beth"}], ["Mary", "Mary Ann", "Mary Beth"]),
    (
        [
            {"first": "Ren?e"},
            {"first": "Paul", "last": "Stone", "mobile": "202-555-0122"},
            {"first": "Omar", "last": "Lake", "mobile": "202-555-0133"},
        ],
        ["Omar", "Paul", "Ren?e"],
    ),
    ([{"first": "J"}, {"patient": "0100", "first": "John"}, {"patient": "0100", "first": "Jane"}],
     ["J", "Jane", "John"]),
    ([{"first": "Ren?e"}, {"first": "Rene"}, {"first": "Paul"}], ["Paul", "Ren?e", "Rene"]),
    ([{"first": "Zo?e"}, {"first": "Zoë"}, {"first": "Zoe"}], ["Zoe"]),
    ([{"first": "J"}, {"first": "John"}], ["John"]),
    ([{"first": "Mary"}, {"first": "Mary Ann"}, {"first": "M"}], ["M"]),
]  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("ids", [True, False])
@pytest.mark.parametrize(("rows", "names"), GROUPS)
def test_who_fits_two_others_does_not_make_them_one(
    rows: list[dict[str, str]], names: list[str], ids: bool
) -> None:
    """Without appointment ids, and all at one time, visits would be dropped as repeats."""
    make_downtown()
    given = [
        FAMILY | {"id": f"A{at}" if ids else "", "time": f"{9 + at * ids}:30 AM"} | cells
        for at, cells in enumerate(rows)
    ]
    for _again in range(2):
        report = import_rows(*given)
        assert report.counts["rejected"] == 0
        if len(names) > 1:
            assert sorted(Contact.objects.values_list("first_name", flat=True)) == names
            visits = Appointment.objects.values_list("contact__first_name", flat=True)
            assert sorted(visits) == names
        else:
            assert Contact.objects.count() == 1
            assert Appointment.objects.count() == (len(rows) if ids else 1)


@pytest.mark.django_db
def test_a_damaged_name_hides_no_stranger_with_the_same_id() -> None:
    make_downtown()
    other = FAMILY | {"id": "A2", "first": "Paul", "last": "Stone", "mobile": "202-555-0122"}
    report = import_rows(FAMILY | {"first": "Ren?e"}, other)
    assert (report.counts["rejected"], Contact.objects.count()) == (2, 0)


@pytest.mark.django_db
@pytest.mark.parametrize(("here", "there"), [("Paul", "Ren?e"), ("Ren?e", "Paul"), ("Paul", "Ren?e Ann")])
def test_a_damaged_name_of_a_later_list_is_another_member_of_the_household(here: str, there: str) -> None:
    make_downtown()
    import_rows(FAMILY | {"id": "A2", "first": here})
    row = FAMILY | {"id": "A1", "first": there, "time": "10:00 AM"}
    for _again in range(2):
        report = import_rows(row)
        assert report.counts["rejected"] == 0
        assert any("an account that a household shares" in each.problem for each in report.problems)
        booked = Appointment.objects.order_by("external_id")
        assert list(booked.values_list("contact__first_name", flat=True)) == [there, here]


@pytest.mark.django_db
@pytest.mark.parametrize("damaged", ["Ren?e", "Ren\ufffde", "RenÃ©e", "Ren??e"])
def test_a_damaged_name_of_a_later_list_is_the_person_whose_letters_it_has(damaged: str) -> None:
    make_downtown()
    import_rows(FAMILY | {"first": "Renée"})
    import_rows(FAMILY | {"id": "A5", "first": damaged, "time": "10:00 AM"})
    renee = Contact.objects.get()
    assert (renee.first_name, renee.appointments.count()) == ("Renée", 2)


@pytest.mark.django_db
def test_a_full_name_with_a_damaged_last_name_hides_no_first_name() -> None:
    make_downtown()
    rows = [
        FAMILY | {"first": "", "last": "", "id": f"A{at}", "Patient Name": name}
        for at, name in enumerate(["Anna M\ufffdller", "Paul M\ufffdller"])
    ]
    import_rows(*rows)
    assert sorted(Contact.objects.values_list("first_name", flat=True)) == ["Anna", "Paul"]


@pytest.mark.django_db
@pytest.mark.parametrize("known", [True, False])
def test_a_damaged_name_without_an_id_is_not_the_name_that_is_left_of_it(known: bool) -> None:
    """Nor is it in the list of which Ren?e is the last row."""
    make_downtown()
    row = FAMILY | {"patient": "", "id": "A1", "first": "Rene"}
    damaged = FAMILY | {"patient": "", "id": "A2", "first": "Ren?e", "time": "10:00 AM"}
    for rows in [[row]] * known + [[row, damaged], [row, damaged]]:
        import_rows(*rows)
    booked = Appointment.objects.order_by("external_id")
    assert list(booked.values_list("contact__first_name", flat=True)) == ["Rene", "Ren?e"]
