"""A number's opt-outs and consent basis are what its ledger comes to, whatever was recorded in what order."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib import import_module
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contacts.consent import record_consent_basis
from contacts.consent_fold import ConsentState, fold_ledger, read_state
from contacts.consent_ledger import find_consent_differences, ledger_open
from contacts.models import ConsentEntry, PhoneNumber
from contacts.optouts import record_optin, record_optin_by_text, record_optout, record_optouts
from tests.people import make_location, make_number

NINE = datetime(2027, 3, 4, 9, tzinfo=UTC)
TEN, ELEVEN = NINE + timedelta(hours=1), NINE + timedelta(hours=2)


def line(what: str, scope: str = "all", at: datetime = NINE, basis: str = "") -> SimpleNamespace:
    return SimpleNamespace(what=what, scope=scope, at=at, basis=basis)


FOLDS: list[tuple[str, list[SimpleNamespace], ConsentState]] = [
    ("nothing recorded", [], ConsentState()),
    ("a no to calls", [line("opt_out", "voice")], ConsentState(NINE, None)),
    ("a no to texts", [line("opt_out", "sms")], ConsentState(None, NINE)),
    ("a no to all", [line("opt_out")], ConsentState(NINE, NINE)),
    ("a later no", [line("opt_out"), line("opt_out", "sms", TEN)], ConsentState(NINE, TEN)),
    ("an earlier no, come late", [line("opt_out", at=TEN), line("opt_out")], ConsentState(TEN, TEN)),
    ("a yes to texts", [line("opt_out"), line("opt_in", "sms", TEN)], ConsentState(NINE, None)),
    ("a yes after a no", [line("opt_out"), line("opt_in", at=TEN)], ConsentState()),
    ("a yes recorded after a later no", [line("opt_out", at=TEN), line("opt_in")], ConsentState()),
    ("a no after a yes", [line("opt_in"), line("opt_out", "voice", TEN)], ConsentState(TEN, None)),
    ("a basis", [line("consent", basis="written")], ConsentState(consent_basis="written")),
    (
        "the last basis counts, and no opt-out changes it",
        [line("consent", basis="written"), line("consent", basis="none"), line("opt_out", "sms")],
        ConsentState(None, NINE, "none"),
    ),
]


@pytest.mark.parametrize(("what", "lines", "state"), FOLDS, ids=[what for what, _, _ in FOLDS])
def test_a_ledger_comes_to(what: str, lines: list[Any], state: ConsentState) -> None:
    assert fold_ledger(lines) == state


def get_rosa() -> User:
    return User.objects.get_or_create(username="rosa")[0]


def read_number() -> PhoneNumber:
    return PhoneNumber.objects.get()


# What can happen to a number: a function of its id and of a moment.
DEEDS: dict[str, Callable[[int, datetime], object]] = {
    **{
        f"no to {scope}": lambda pk, at, scope=scope: record_optout(  # type: ignore[misc]
            pk, scope=scope, source="key", at=at
        )
        for scope in ("voice", "sms", "all")
    },
    **{
        f"no to {scope} on a list": lambda pk, at, scope=scope: record_optouts(  # type: ignore[misc]
            [pk], scope=scope, source="robotalker", at=at
        )
        for scope in ("voice", "sms", "all")
    },
    **{
        f"yes to {scope}": lambda pk, at, scope=scope: record_optin(  # type: ignore[misc]
            pk, scope=scope, evidence="asked", by=get_rosa(), at=at
        )
        for scope in ("voice", "sms", "all")
    },
    "START": lambda pk, at: record_optin_by_text(pk, at=at, evidence="START"),
    **{
        f"basis {basis}": lambda pk, at, basis=basis: record_consent_basis(  # type: ignore[misc]
            pk, basis, evidence="a form", by=get_rosa(), at=at
        )
        for basis in PhoneNumber.ConsentBasis.values
    },
}


@pytest.mark.django_db
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.sampled_from(sorted(DEEDS)), st.integers(0, 6)), max_size=10))
def test_the_row_is_what_the_ledger_comes_to_after_any_deeds(deeds: list[tuple[str, int]]) -> None:
    """Repeated and late ones too: the moments are drawn apart from the order."""
    with transaction.atomic():
        number = make_number()
        for deed, hour in deeds:
            DEEDS[deed](number.pk, NINE + timedelta(hours=hour))
            entries = ConsentEntry.objects.filter(number=number).order_by("pk")
            assert read_state(read_number()) == fold_ledger(entries), deed
        assert not list(find_consent_differences())
        transaction.set_rollback(True)


@pytest.mark.django_db
def test_a_repeated_no_is_an_entry_only_where_it_is_later() -> None:
    number = make_number()
    for at, is_new, entries in [(NINE, True, 1), (NINE, False, 1), (ELEVEN, False, 2), (TEN, False, 2)]:
        assert record_optout(number.pk, scope="all", source="key", at=at) is is_new
        assert ConsentEntry.objects.count() == entries
    assert record_optin_by_text(number.pk, at=TEN, evidence="START") is False, "it was said before the no"


@pytest.mark.django_db
def test_a_no_of_one_of_our_own_numbers_changes_neither_row_nor_ledger() -> None:
    """(product rule 39) It may have opted out before it became ours."""
    number = make_number()
    record_optout(number.pk, scope="all", source="key", at=NINE)
    make_location(callback_number=number.e164)
    assert record_optout(number.pk, scope="all", source="key", at=TEN) is False
    assert not list(find_consent_differences())
    assert ConsentEntry.objects.count() == 1


BREACHES = [
    ("changed", lambda: ConsentEntry.objects.update(evidence="nothing")),
    ("deleted", lambda: ConsentEntry.objects.all().delete()),
    ("emptied", lambda: execute("SET LOCAL callboard.ledger_may_be_emptied = off", TRUNCATE)),
    ("changed by SQL", lambda: execute("UPDATE contacts_consententry SET what = 'opt_in'")),
    ("deleted by SQL", lambda: execute("DELETE FROM contacts_consententry")),
]
TRUNCATE = "TRUNCATE contacts_consententry CASCADE"


def execute(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


@pytest.mark.django_db
@pytest.mark.parametrize(("what", "breach"), BREACHES, ids=[what for what, _ in BREACHES])
def test_the_ledger_is_not(what: str, breach: Callable[[], object]) -> None:
    record_optout(make_number().pk, scope="all", source="key", at=NINE)
    execute("SET CONSTRAINTS ALL IMMEDIATE")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        breach()
    assert ConsentEntry.objects.get().what == "opt_out"


@pytest.mark.django_db
def test_whoever_erases_a_person_can_delete_entries_and_nobody_after_them() -> None:
    record_optout(make_number().pk, scope="all", source="key", at=NINE)
    record_optout(make_number("+12025550142").pk, scope="all", source="key", at=NINE)
    with ledger_open():
        ConsentEntry.objects.filter(number__e164="+12025550142").delete()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        ConsentEntry.objects.all().delete()


def check() -> str:
    said = StringIO()
    call_command("check_consent", stdout=said)
    return said.getvalue()


@pytest.mark.django_db
def test_the_command_says_when_all_agree() -> None:
    record_optout(make_number().pk, scope="all", source="key", at=NINE)
    make_number("+12025550142")
    assert check() == "All 2 numbers are as their ledgers say.\n"


SPOILT: list[tuple[dict[str, Any], str]] = [
    ({"voice_opted_out_at": NINE}, "opted out of calls"),
    ({"sms_opted_out_at": None}, "opted out of text messages"),
    ({"sms_opted_out_at": TEN}, "opted out of text messages"),
    ({"consent_basis": "none", "sms_opted_out_at": None}, "opted out of text messages, consent basis"),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("spoilt", "words"), SPOILT)
def test_the_command_lists_the_numbers_that_differ_masked_and_fails(
    spoilt: dict[str, Any], words: str
) -> None:
    number = make_number()
    record_optout(number.pk, scope="sms", source="key", at=NINE)
    PhoneNumber.objects.update(**spoilt)
    said = StringIO()
    with pytest.raises(CommandError, match="1 of 1 numbers"):
        call_command("check_consent", stdout=said)
    masked = "+1 ••• ••• ••00"
    assert said.getvalue() == f"number {number.pk} ({masked}) differs from its ledger: {words}\n"


@pytest.mark.django_db
def test_many_numbers_are_compared_in_chunks(
    monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    monkeypatch.setattr("contacts.consent_ledger.CHUNK", 2)
    for index in range(5):
        number = make_number(f"+1202555010{index}")
        record_optout(number.pk, scope="all", source="key", at=NINE)
    PhoneNumber.objects.filter(e164__endswith="4").update(voice_opted_out_at=None)
    with django_assert_num_queries(3 * 2 + 1):
        assert [found.number.e164 for found in find_consent_differences()] == ["+12025550104"]


# --- the migration of earlier databases ------------------------------------------------------------

complete_ledger = import_module("contacts.migrations.0016_search").complete_ledger
EARLIER: list[tuple[str, dict[str, Any], list[tuple[str, str, datetime]], dict[str, Any]]] = [
    ("nothing", {}, [], {}),
    ("an opt-out from before the ledger", {"voice_opted_out_at": NINE}, [], {}),
    ("both", {"voice_opted_out_at": NINE, "sms_opted_out_at": TEN}, [], {}),
    ("a later no without an entry", {"sms_opted_out_at": TEN}, [("opt_out", "sms", NINE)], {}),
    ("a basis", {"consent_basis": "none"}, [], {}),
    ("as it should be", {"sms_opted_out_at": NINE}, [("opt_out", "sms", NINE)], {}),
    (
        "an entry that says later than the row",
        {"voice_opted_out_at": NINE, "sms_opted_out_at": TEN},
        [("opt_out", "voice", NINE), ("opt_out", "all", TEN)],
        {"voice_opted_out_at": TEN},
    ),
    ("a no that the row lost", {}, [("opt_out", "voice", NINE)], {"voice_opted_out_at": NINE}),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("what", "row", "entries", "becomes"), EARLIER, ids=[row[0] for row in EARLIER])
def test_an_earlier_database_is_made_to_agree(
    what: str, row: dict[str, Any], entries: list[tuple[str, str, datetime]], becomes: dict[str, Any]
) -> None:
    """What is only in the row gets an entry; a "no" that is only in the ledger counts."""
    number = make_number()
    for entry_what, scope, at in entries:
        ConsentEntry.objects.create(number=number, what=entry_what, scope=scope, source="key", at=at)
    PhoneNumber.objects.update(**row)
    before = read_state(read_number())
    complete_ledger(apps, None)
    assert not list(find_consent_differences())
    expected = {**{name: getattr(before, name) for name in vars(before)}, **becomes}
    assert vars(read_state(read_number())) == expected
    added = ConsentEntry.objects.filter(source="before")
    assert not becomes or not added.exists()
    complete_ledger(apps, None)
    assert ConsentEntry.objects.count() == len(entries) + added.count(), "once is enough"


@pytest.mark.django_db
def test_the_basis_of_an_earlier_entry_is_read_from_its_words() -> None:
    number = make_number()
    with ledger_open():
        ConsentEntry.objects.create(
            number=number, what="consent", scope="all", source="staff", evidence="written: form 12", at=NINE
        )
        PhoneNumber.objects.update(consent_basis="written")
        complete_ledger(apps, None)
    assert ConsentEntry.objects.get().basis == "written"
