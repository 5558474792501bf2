"""Opt-outs by the API: read and added, never removed (product rules 10 and 39)."""

from datetime import UTC, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db.models import F
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from contacts.consent_ledger import find_consent_differences, ledger_open
from contacts.models import ConsentEntry, PhoneNumber
from contacts.optouts import record_optin, record_optout
from tests.people import CALLBACK, make_location, make_number, make_user
from tests.reminders.api.client import ApiClient, read_errors, read_problem

pytestmark = pytest.mark.django_db
NUMBER = "+12025550100"


def opt_out(number: str, scope: str = "all", *, at: Any = None) -> PhoneNumber:
    row = make_number(number)
    record_optout(row.pk, scope=scope, source="staff", at=at or timezone.now())
    return PhoneNumber.objects.get(pk=row.pk)


@pytest.mark.parametrize(
    ("scope", "calls", "texts"),
    [(None, True, True), ("all", True, True), ("voice", True, False), ("sms", False, True)],
)
def test_a_no_is_recorded_in_the_ledger(api: ApiClient, scope: str | None, calls: bool, texts: bool) -> None:
    answer = api.post(
        "opt-outs/", {"number": NUMBER, "note": "by letter", **({"scope": scope} if scope else {})}
    )
    assert answer.status_code == 201, answer.content
    shown = answer.json()
    assert shown["number"] == NUMBER
    assert (shown["no_calls_since"] is not None, shown["no_texts_since"] is not None) == (calls, texts)
    entry = ConsentEntry.objects.get()
    assert entry.by
    assert (entry.source, entry.evidence, entry.scope) == ("api", "by letter", scope or "all")
    assert shown["ledger"][0]["by"] == "Practice system (API)"


def test_the_same_no_again_is_known_already(api: ApiClient) -> None:
    assert api.post("opt-outs/", {"number": NUMBER}).status_code == 201
    assert api.post("opt-outs/", {"number": NUMBER}).status_code == 200
    assert api.post("opt-outs/", {"number": NUMBER, "scope": "sms"}).status_code == 200
    assert ConsentEntry.objects.count() == 3, "each later no is a line of the ledger"
    assert not list(find_consent_differences())


def test_one_of_our_own_numbers_is_never_opted_out(api: ApiClient) -> None:
    make_location()
    for number in (CALLBACK, settings.ROBOTALKER_FROM_NUMBER):
        answer = api.post("opt-outs/", {"number": number})
        assert read_problem(answer) == (409, "conflict")
        assert read_errors(answer) == {"#/number": "own_number"}
    assert not ConsentEntry.objects.exists()


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"#/number": "required"}),
        ({"number": ""}, {"#/number": "blank"}),
        ({"number": "2025550100"}, {"#/number": "not_e164"}),
        ({"number": "+1202"}, {"#/number": "not_e164"}),
        ({"number": "+999999999"}, {"#/number": "not_a_number"}),
        ({"number": NUMBER, "scope": "none"}, {"#/scope": "invalid_choice"}),
        ({"number": NUMBER, "note": "x" * 241}, {"#/note": "max_length"}),
        ({"number": NUMBER, "at": "2026-01-01T00:00:00Z"}, {"#/at": "unknown"}),
    ],
)
def test_each_fault_is_named(api: ApiClient, body: dict[str, Any], errors: dict[str, str]) -> None:
    answer = api.post("opt-outs/", body)
    assert read_problem(answer) == (422, "invalid")
    assert read_errors(answer) == errors
    assert not PhoneNumber.objects.exists()


def test_a_premium_number_can_be_opted_out_though_it_is_never_dialled(api: ApiClient) -> None:
    assert api.post("opt-outs/", {"number": "+19005550100"}).status_code == 201


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_no_method_removes_a_no(api: ApiClient, method: str) -> None:
    number = opt_out(NUMBER)
    for address in ("opt-outs/", f"opt-outs/{number.pk}/", "opt-outs/search/"):
        assert read_problem(api.send(method, address, {}, If_Match="*")) == (405, "method_not_allowed")


def test_a_number_is_found_by_post_with_its_history(api: ApiClient) -> None:
    number = opt_out(NUMBER)
    record_optin(number.pk, scope="sms", evidence="asked for it", by=make_user(), at=timezone.now())
    shown = api.post("opt-outs/search/", {"number": NUMBER}).json()
    assert [line["what"] for line in shown["ledger"]] == ["opt_in", "opt_out"]
    assert shown["no_texts_since"] is None
    assert api.get(f"opt-outs/{number.pk}/").json() == shown


def test_a_number_that_said_nothing_is_not_there(api: ApiClient) -> None:
    number = make_number(NUMBER)
    assert read_problem(api.post("opt-outs/search/", {"number": NUMBER})) == (404, "not_found")
    assert read_problem(api.get(f"opt-outs/{number.pk}/")) == (404, "not_found")
    assert api.get("opt-outs/").json()["results"] == []


def test_the_list_is_filtered(api: ApiClient) -> None:
    now = timezone.now()
    opt_out("+12025550101", "voice", at=now - timedelta(days=9))
    opt_out("+12025550102", "sms", at=now - timedelta(days=1))
    make_number("+12025550103")
    with ledger_open():
        ConsentEntry.objects.update(recorded_at=F("at"))
    since = f"{now - timedelta(days=2):%Y-%m-%dT%H:%M:%SZ}"
    for query, expected in {
        "": ["01", "02"],
        "channel=voice": ["01"],
        "channel=sms": ["02"],
        f"since={since}": ["02"],
        f"since={since}&channel=voice": [],
        f"since={now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}": [],
    }.items():
        rows = api.get(f"opt-outs/?{query}").json()["results"]
        assert [row["number"][-2:] for row in rows] == expected, query


def test_a_no_that_was_reported_late_is_among_those_since_the_last_question(api: ApiClient) -> None:
    opt_out("+12025550101", "voice", at=timezone.now() - timedelta(days=9))
    since = f"{timezone.now() - timedelta(minutes=5):%Y-%m-%dT%H:%M:%SZ}"
    for channel, count in (("", 1), ("&channel=voice", 1), ("&channel=sms", 0)):
        assert len(api.get(f"opt-outs/?since={since}{channel}").json()["results"]) == count


def test_a_list_takes_few_queries(api: ApiClient, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    api.get("opt-outs/")
    for number in range(5):
        opt_out(f"+1202555010{number}")
    with django_assert_num_queries(4):  # the clock, the token, the list, the trail
        assert len(api.get("opt-outs/").json()["results"]) == 5
