"""Names in files and forms: titles, suffixes, placeholders, what can't be seen (product rule 49)."""

import unicodedata

import pytest
from django.contrib import admin
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contacts.forms.contacts import ContactForm, PersonNameForm
from contacts.models import Contact
from contacts.names import NotAName, clean_name, read_first_name, read_last_name, split_full_name

FULL_NAMES = [
    ("Ruth Stone", "Ruth", "Stone"),
    ("Ruth Stone, Jr.", "Ruth", "Stone Jr."),
    ("Ruth Stone III", "Ruth", "Stone III"),
    ("Stone, Ruth", "Ruth", "Stone"),
    ("Stone,Ruth", "Ruth", "Stone"),
    ("STONE, RUTH A.", "RUTH A.", "STONE"),
    ("Stone, Mary Ann", "Mary Ann", "Stone"),
    ("Stone, Ruth, Jr.", "Ruth", "Stone Jr."),
    ("Stone, Dr. Ruth", "Ruth", "Stone"),
    ("Dr. Kofi Wood", "Kofi", "Wood"),
    ("dr kofi wood", "kofi", "wood"),
    ("Prof. Dr. Hans Müller", "Hans", "Müller"),
    ("Sr. María Pérez", "María", "Pérez"),
    ("Ruth Stone MD", "Ruth", "Stone"),
    ("Ruth Stone, RN", "Ruth", "Stone"),
    ("Aisha de la Cruz", "Aisha", "de la Cruz"),
    ("de la Cruz, Aisha", "Aisha", "de la Cruz"),
    ("María García López", "María", "García López"),
    ("O'Brien, Mary-Kate", "Mary-Kate", "O'Brien"),
    ("Robert (Bob) Smith", "Robert", "Smith"),
    ("Do, An", "An", "Do"),
    ("Ma, Jack", "Jack", "Ma"),
    ("Judge Judy", "Judge", "Judy"),  # more than a hundred titles are first names too
    ("Prince Rogers Nelson", "Prince", "Rogers Nelson"),
    ("Royal Smith", "Royal", "Smith"),
    ("M. Night Shyamalan", "M.", "Night Shyamalan"),
    ("Aisha", "Aisha", ""),
    ("李小龙", "李小龙", ""),
    ("Mr. Stone", "", "Stone"),
    ("Dr Stone", "", "Stone"),
    ("Mr & Mrs Smith", "", "Smith"),
    ("Stone,", "", "Stone"),
    ("Dr.", "", ""),
    (",", "", ""),
    ("", "", ""),
]


@pytest.mark.parametrize(("text", "first", "last"), FULL_NAMES)
def test_a_full_name_is_split_without_titles(text: str, first: str, last: str) -> None:
    assert split_full_name(text) == (first, last)


FIRST_NAMES = [
    ("Ruth", "Ruth"),
    (" Ruth  Ann ", "Ruth Ann"),
    ("Dr. Kofi", "Kofi"),
    ("Miss Ruth", "Ruth"),
    ("Ruth Jr.", "Ruth"),
    ("Ruth, MD", "Ruth"),
    ("MINH DO", "MINH DO"),
    ("Do", "Do"),
    ("Na", "Na"),
    ("Nil", "Nil"),
    ("J", "J"),
    ("Ru\u200bth\ufeff", "Ruth"),
    ("\u202eRuth\u202c", "Ruth"),
    ("Ru\x00th\x07", "Ruth"),
    ("Ruth\u3164", "Ruth"),
    ("Zoe\u0308", "Zoë"),
    ("علی\u200cرضا", "علی\u200cرضا"),  # here the joiner is part of the spelling
    ("", ""),
    (" ", ""),
]


@pytest.mark.parametrize(("text", "name"), FIRST_NAMES)
def test_a_first_name_is_cleaned(text: str, name: str) -> None:
    assert read_first_name(text) == name


NO_FIRST_NAMES = [
    "N/A", "n/a", "NA", "#N/A", "Unknown", "UNKNOWN", "unk", "None", "NULL", "nan", "-", "--", ".", "?",
    "xxx", "XXXX", "Test", "TEST", "Testing", "TBD", "No Name", "First Name", "Anonymous", "Patient", "123",
    "0", "\u200b", "❌", "Dr.", "Mrs", "Jr.", "Do not use", "Duplicate", "Deleted", "desconocido", "asdf",
]  # fmt: skip


@pytest.mark.parametrize("text", NO_FIRST_NAMES)
def test_a_placeholder_or_title_is_no_first_name(text: str) -> None:
    with pytest.raises(NotAName):
        read_first_name(text)


@pytest.mark.parametrize("text", ["Test", "Null", "Patient", "Stone Jr.", "O'Brien", "X", "New", "Do"])
def test_family_names_that_look_like_placeholders_stay(text: str) -> None:
    assert read_last_name(text) == text


@pytest.mark.parametrize("text", ["N/A", "NULL", "Unknown", "-", "xxx", "n/a", "None", "123"])
def test_a_placeholder_is_no_last_name(text: str) -> None:
    with pytest.raises(NotAName):
        read_last_name(text)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a slow machine must not fail it
@given(st.text(max_size=40))
def test_whatever_is_read_as_a_name_can_be_seen_and_reads_the_same_again(text: str) -> None:
    for part in split_full_name(text):
        for read in (read_first_name, read_last_name):
            try:
                name = read(part)
            except NotAName:
                continue
            assert not any(unicodedata.category(char) == "Cc" for char in name)
            assert clean_name(name) == name


def fill_in(**fields: str) -> ContactForm:
    return ContactForm({"language": "en", "preferred_channel": "voice", **fields})


@pytest.mark.django_db
def test_the_form_of_a_contact_reads_names_as_lists_are_read() -> None:
    form = fill_in(first_name="Dr. Ko\u200bfi", last_name="Wood ")
    assert form.is_valid(), form.errors
    assert (form.cleaned_data["first_name"], form.cleaned_data["last_name"]) == ("Kofi", "Wood")


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["N/A", "Dr.", "xxx"])
def test_the_form_of_a_contact_refuses_what_is_no_name(name: str) -> None:
    form = fill_in(first_name=name)
    assert list(form.errors) == ["first_name"]


@pytest.mark.django_db
def test_the_admin_reads_names_by_the_same_form() -> None:
    assert admin.site.get_model_admin(Contact).form is PersonNameForm
    assert issubclass(ContactForm, PersonNameForm)
