"""Search in contacts: names, ids and numbers as people type them, and nothing that breaks it."""

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contacts import contact_search
from contacts.contact_search import find_contact_ids, find_contacts
from contacts.models import Contact, PhoneNumber
from tests.people import make_contact, make_number, make_user

pytestmark = pytest.mark.django_db
OTHER = "+12025550142"

CAST = [
    ("Sarah", "Lindqvist", "P-1001", "+12025550100"),
    ("Seán", "O'Brien", "P-1002", "+12025550123"),
    ("María José", "García-Lopez", "2000", "+442079460101"),
    ("Anne-Marie", "Zieliński", "A77-300", "+13055550177"),
    ("Łukasz", "Sørensen", "", None),
    ("Jürgen", "Weiß", "", None),
    ("Işıl", "Yıldız", "", None),
    ("D’Angelo", "van der Berg", "", None),
    ("王", "小伟", "", None),
    ("محمد", "أحمد", "", None),
    ("Иван", "Королёв", "", None),
    ("Ὀδυσσεύς", "", "", None),
    ("क्षिप्रा", "", "", None),
    ("김", "민수", "", None),
]
FINDS = [
    ("lind", "Sarah", "the beginning of a last name, whatever its case"),
    ("sar lindq", "Sarah", "beginnings of both names"),
    ("Lindqvist, S", "Sarah", "last name first"),
    ("Lindqvist,Sarah", "Sarah", "a comma without a space"),
    ("qvist", "Sarah", "the end of a name"),
    ("ndq", "Sarah", "the middle of a name"),
    ("q qv", "nobody", "one letter only begins a name"),
    ("obrien", "Seán", "an apostrophe left out"),
    ("o'br", "Seán", "an apostrophe"),
    ("O’Brien", "Seán", "the apostrophe of a phone's keyboard"),
    ("oʼbrien", "Seán", "the apostrophe that counts as a letter"),
    ("O`Brien", "Seán", "a grave accent in its place"),
    ("O Brien", "Seán", "a space in its place"),
    ("dangelo", "D’Angelo", "an apostrophe left out that is another one in the name"),
    ("D'ANGELO", "D’Angelo", "another apostrophe than the name's"),
    ("sean", "Seán", "an accent left out"),
    ("seá", "Seán", "an accent, as typed"),
    ("sea\u0301n", "Seán", "an accent typed as a letter of its own"),
    ("sèan", "Seán", "another accent"),
    ("GARCIA", "María José", "capitals without an accent"),
    ("garcía-l", "María José", "a hyphen"),
    ("garcia lopez", "María José", "a hyphen left out"),
    ("garcialopez", "María José", "a double name in one word"),
    ("lopez garcia", "María José", "the halves the other way round"),
    ("Garcia‐Lopez", "María José", "a hyphen that isn't the keyboard's"),
    ("maria jose", "María José", "both first names"),
    ("mariajose", "María José", "both first names in one word"),
    ("Zielinski", "Anne-Marie", "a letter with a stroke"),
    ("Anne Marie", "Anne-Marie", "a hyphen left out of a first name"),
    ("annemarie", "Anne-Marie", "a first name in one word"),
    ("ＺＩＥＬ", "Anne-Marie", "wide letters of an Asian keyboard"),
    ("lukasz sorensen", "Łukasz", "letters that have no accent to take off"),
    ("soerensen", "Łukasz", "ø as two letters"),
    ("weiss", "Jürgen", "ß as two letters"),
    ("WEIẞ", "Jürgen", "the capital ß"),
    ("juergen", "Jürgen", "ü as two letters"),
    ("jurgen", "Jürgen", "ü without its dots"),
    ("YILDIZ ISIL", "Işıl", "Turkish without its own i"),
    ("Işıl YILDIZ", "Işıl", "Turkish"),
    ("vanderberg", "D’Angelo", "prefixes in one word"),
    ("berg van", "D’Angelo", "words in any order"),
    ("王", "王", "a name of one letter"),
    ("伟", "王", "the second letter of a name"),
    ("小伟", "王", "a Chinese name"),
    ("محمد", "محمد", "an Arabic name"),
    ("مُحَمَّد احمد", "محمد", "with vowels, and without a hamza"),
    ("ИВАН", "Иван", "Cyrillic capitals"),
    ("королев", "Иван", "ё as е"),
    ("ορολ", "nobody", "letters that only look alike are others"),
    ("οδυσσεύς", "Ὀδυσσεύς", "Greek, with its last s"),
    ("क्षिप्रा", "क्षिप्रा", "a Hindi name"),
    ("민수", "김", "a Korean name"),
    ("P-1001", "Sarah", "the id in the practice's system"),
    ("p1001", "Sarah", "an id without its hyphen"),
    ("1001", "Sarah", "the digits of an id"),
    ("77-300", "Anne-Marie", "the inner part of an id"),
    ("2000", "María José", "an id that could be part of a number"),
    ("0123", "Seán", "the last digits of a number"),
    ("5501 23", "Seán", "digits in groups"),
    ("946", "María José", "digits from the middle"),
    ("555-0100", "Sarah", "the end of a number as it is written"),
    ("(202) 555-0100", "Sarah", "a whole number as it is written"),
    ("+44 20 7946 0101", "María José", "a whole number with its country code"),
    ("020 7946 0101", "María José", "a number as it is dialled at home"),
    ("+44 (0)20 7946 0101", "María José", "both"),
    ("٩٤٦", "María José", "Arabic digits"),
    ("sarah 0100", "Sarah", "a name and a number"),
    ("555-0100 lindqvist", "Sarah", "a number and a name"),
    ("maria 0100", "nobody", "somebody else's number"),
    ("01", "nobody", "two digits would match too many"),
    ("sarah garcia", "nobody", "every word must match the same person"),
    ("& | ! :* <-> (", "nobody", "no letter and no digit"),
    ("'", "nobody", "a lone quote"),
    ("\\", "nobody", "a lone backslash"),
    ("%", "nobody", "what stands for anything in a database's query"),
    ("_____", "nobody", "what stands for any letter there"),
    ("s%h", "nobody", "it stands for itself"),
    ("lind\\'", "Sarah", "a backslash and a quote"),
    ("lind\x00", "Sarah", "a NUL, which PostgreSQL refuses, is left out"),
    ("lind\ud800", "Sarah", "so is half a letter"),
    ("😀", "nobody", "a picture"),
    ("😀 lind", "Sarah", "a picture beside a name"),
]


@pytest.fixture
def cast() -> None:
    for first, last, external_id, number in CAST:
        make_contact(first, last_name=last, external_id=external_id, source="practice", number=number)


@pytest.fixture(scope="module")
def found_by_text(django_db_setup: None, django_db_blocker: object) -> dict[str, list[str]]:
    """What each text finds; the people are made once for all of them."""
    with django_db_blocker.unblock(), transaction.atomic():  # type: ignore[attr-defined]
        for first, last, external_id, number in CAST:
            make_contact(first, last_name=last, external_id=external_id, source="practice", number=number)
        found = {text: [contact.first_name for contact in find_contacts(text)] for text, _, _ in FINDS}
        transaction.set_rollback(True)
    return found


@pytest.mark.parametrize(("text", "name", "reason"), FINDS)
def test_search_finds_contacts_by_name_number_or_id(
    found_by_text: dict[str, list[str]], text: str, name: str, reason: str
) -> None:
    assert (found_by_text[text] or ["nobody"]) == [name], reason


@pytest.mark.parametrize("text", ["", " ", "\x00", "\u3000"])
def test_an_empty_text_finds_everybody_by_name(text: str) -> None:
    for last in ("Berg", "Adler"):
        make_contact("Ann", last_name=last, number=None)
    assert [contact.last_name for contact in find_contacts(text)] == ["Adler", "Berg"]


def test_whole_words_come_first_then_beginnings_then_parts_each_by_name() -> None:
    for first, last in [("Susanna", "Adler"), ("Annabel", "Zorn"), ("Anna", "Young"), ("Anna", "Berg")]:
        make_contact(first, last_name=last, number=None)
    found = [contact.full_name for contact in find_contacts("anna")]
    assert found == ["Anna Berg", "Anna Young", "Annabel Zorn", "Susanna Adler"]


def test_the_end_of_a_number_comes_before_its_middle() -> None:
    make_contact("Adam", last_name="Adler", number="+12025550199")
    make_contact("Zoe", last_name="Zorn", number="+13055552025")
    assert [contact.first_name for contact in find_contacts("2025")] == ["Zoe", "Adam"]


def test_search_finds_a_contact_by_their_other_number_too() -> None:
    contact = make_contact(other_phone=make_number(OTHER))
    assert list(find_contacts("0142")) == [contact]


def test_no_more_are_found_than_anybody_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contact_search, "MOST_FOUND", 2)
    for first in ("Anna", "Annabel", "Hanna"):
        make_contact(first, number=None)
    assert [contact.first_name for contact in find_contacts("anna")] == ["Anna", "Annabel"]


WRITES = [
    ("saved", lambda contact: Contact.objects.get(pk=contact.pk).save()),
    ("renamed", lambda contact: rename(contact).save()),
    ("renamed in bulk", lambda contact: Contact.objects.bulk_update([rename(contact)], ["last_name"])),
    ("renamed by a query", lambda contact: Contact.objects.update(last_name="Novák")),
    ("given another number", lambda contact: Contact.objects.update(phone=make_number(OTHER))),
    ("given a second number", lambda contact: Contact.objects.update(other_phone=make_number(OTHER))),
    ("made without a number", lambda contact: Contact.objects.update(phone=None)),
    ("given an id", lambda contact: Contact.objects.update(external_id="Q-9")),
    ("whose number was corrected", lambda contact: PhoneNumber.objects.update(e164=OTHER)),
    ("whose search text was spoilt", lambda contact: Contact.objects.update(search_text="spoilt")),
    ("made in bulk", lambda contact: Contact.objects.bulk_create([Contact(first_name="Jan")])),
]


def rename(contact: Contact) -> Contact:
    contact.last_name = "Novák"
    return contact


@pytest.mark.parametrize(("what", "write"), WRITES, ids=[what for what, _ in WRITES])
def test_a_contact_is_found_as_they_are_now_whoever_wrote_the_row(what: str, write: object) -> None:
    """Neither a signal nor save() keeps the searched text right: imports, the admin and SQL pass both by."""
    contact = make_contact("Sarah", last_name="Lindqvist", number="+12025550100")
    write(contact)  # type: ignore[operator]
    for now in Contact.objects.select_related("phone", "other_phone"):
        numbers = [number.e164.removeprefix("+") for number in (now.phone, now.other_phone) if number]
        for text in filter(None, [now.first_name, now.last_name, now.external_id, *numbers]):
            assert find_contact_ids(text) == [now.pk]
    if Contact.objects.filter(pk=contact.pk, last_name="Novák").exists():
        assert not find_contact_ids("Lindqvist")
    if not Contact.objects.filter(phone__e164="+12025550100").exists():
        assert not find_contact_ids("2025550100")


@pytest.mark.parametrize("text", ["lind 0100", "an", "a", "555", "müller", "王"])
def test_a_search_uses_its_index(text: str) -> None:
    make_contact()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    with CaptureQueriesContext(connection) as queries:
        find_contact_ids(text)
    for query in (query["sql"] for query in queries if "FROM contacts_contact" in query["sql"]):
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {query}")
            plan = "".join(line for (line,) in cursor.fetchall())
        assert "contact_search" in plan or "contact_by_name" in plan


@pytest.mark.parametrize(("text", "most"), [("lindqvist", 4), ("an", 8), ("ann ari mar zie", 4)])
def test_a_search_takes_few_queries(cast: None, text: str, most: int) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert len(find_contacts(text)) > 0
    assert len(queries) <= most


def test_what_many_have_is_found_among_the_first_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first by name who have a few letters are read by name; the others would be sorted for nothing."""
    monkeypatch.setattr(contact_search, "MOST_FOUND", 3)
    monkeypatch.setattr(contact_search, "NAMES_TRIED", 4)
    for last in ("Dahl", "Adler", "Cole", "Berg", "Zorn"):
        make_contact("Anna", last_name=last, number=None)
    make_contact("An", last_name="Young", number=None)
    found = [contact.last_name for contact in find_contacts("an")]
    assert found == ["Young", "Adler", "Berg"]
    assert [contact.last_name for contact in find_contacts("z")] == ["Zorn"], "who comes late by name"
    assert [contact.last_name for contact in find_contacts("nn")] == ["Adler", "Berg", "Cole"]


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.text(max_size=60) | st.text("aı'%_\\-0١ ", max_size=30) | st.just("a" * 10_000) | st.just("b " * 40)
)
def test_nothing_that_is_typed_is_an_error(cast: None, text: str) -> None:
    list(find_contacts(text))


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20))
def test_whoever_has_a_letter_in_the_name_is_found_by_the_name(name: str) -> None:
    with transaction.atomic():
        contact = Contact.objects.create(first_name=name)
        words = contact_search.read_search_words(name)
        assert not words or contact.pk in find_contact_ids(name)
        transaction.set_rollback(True)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.from_regex(contact_search.DIALLED, fullmatch=True))
def test_a_number_as_it_is_dialled_is_folded_as_the_database_folds_it(cast: None, text: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT callboard_fold(%s), callboard_fold(callboard_spell_out(%s))", [text] * 2)
        folded, spelt_out = cursor.fetchone()
    assert contact_search._fold(text)[0].split() == folded.split()
    assert contact_search._fold(text)[1].split() == spelt_out.split()


def test_a_page_of_results_says_when_there_are_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("contacts.views.contacts.MOST_FOUND", 2)
    for first in ("Anna", "Annabel"):
        make_contact(first, number=None)
    client = Client()
    client.force_login(make_user("rosa"))
    page = client.post("/contacts/", {"q": "anna"}, follow=True).content.decode()
    assert "The first 2 contacts found" in page
    page = client.post("/contacts/", {"q": "annabel"}, follow=True).content.decode()
    assert "1 contact found" in page
