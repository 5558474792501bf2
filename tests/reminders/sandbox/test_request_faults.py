"""Every way to spoil an answer, seen by a raw client; and what the ledger says of it."""

import json
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests

from reminders.sandbox.faults import REQUEST_FAULTS
from tests.reminders.sandbox.raw_client import RawAnswer, post_raw
from tests.reminders.sandbox.requests import order_call, order_campaign, order_sms
from tests.sandbox_server import SandboxServer

NUMBER = "+12125557701"


def strike(sandbox: SandboxServer, kind: str, **options: Any) -> RawAnswer:
    sandbox.faults({"kind": kind, **options})
    return post_raw(sandbox, "/api/v1/calls", order_call(NUMBER))


@pytest.mark.parametrize(("kind", "accepted"), REQUEST_FAULTS.items())
def test_the_ledger_says_whether_the_request_was_accepted(
    sandbox: SandboxServer, kind: str, accepted: bool
) -> None:
    strike(sandbox, kind, seconds=0.05, megabytes=1)
    assert [entry["fault"] for entry in sandbox.ledger()] == ([kind] if accepted else [])


@pytest.mark.parametrize("accepted", [True, False])
def test_whether_it_is_accepted_can_be_chosen(sandbox: SandboxServer, accepted: bool) -> None:
    assert strike(sandbox, "error_503", accepted=accepted).status == 503
    assert len(sandbox.ledger()) == accepted


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("rate_limit", 429),
        ("error_400", 400),
        ("error_401", 401),
        ("error_500_before", 500),
        ("error_500_after", 500),
        ("error_502", 502),
        ("error_503", 503),
        ("error_504", 504),
        ("html", 200),
        ("redirect", 307),
        ("no_id", 201),
    ],
)
def test_it_answers_with_the_status_that_the_fault_names(
    sandbox: SandboxServer, kind: str, status: int
) -> None:
    assert strike(sandbox, kind).status == status


def test_a_rate_limit_gives_no_retry_after_unless_told(sandbox: SandboxServer) -> None:
    assert strike(sandbox, "rate_limit").read_header("Retry-After") is None


def test_a_rate_limit_gives_retry_after_in_seconds(sandbox: SandboxServer) -> None:
    assert strike(sandbox, "rate_limit", retry_after=7).read_header("Retry-After") == "7"


def test_a_rate_limit_gives_retry_after_as_a_date(sandbox: SandboxServer) -> None:
    answer = strike(sandbox, "rate_limit", retry_after=60, as_date=True)
    wanted, now = answer.read_header("Retry-After"), answer.read_header("Date")
    assert wanted is not None
    assert now is not None
    seconds = (parsedate_to_datetime(wanted) - parsedate_to_datetime(now)).total_seconds()
    assert 58 <= seconds <= 61


@pytest.mark.parametrize("kind", ["drop_before", "drop_after"])
@pytest.mark.parametrize(("reset", "ending"), [(False, "closed"), (True, "reset")])
def test_a_dropped_connection_ends_without_a_byte(
    sandbox: SandboxServer, kind: str, reset: bool, ending: str
) -> None:
    answer = strike(sandbox, kind, reset=reset)
    assert (answer.raw, answer.ending) == (b"", ending)


def test_a_truncated_answer_promises_more_than_it_gives(sandbox: SandboxServer) -> None:
    answer = strike(sandbox, "truncated")
    assert answer.status == 201
    assert 0 < len(answer.body) < int(answer.read_header("Content-Length") or 0)


def test_a_truncated_answer_can_be_half_json_under_the_right_length(sandbox: SandboxServer) -> None:
    answer = strike(sandbox, "truncated", half_json=True)
    assert len(answer.body) == int(answer.read_header("Content-Length") or 0)
    with pytest.raises(json.JSONDecodeError):
        json.loads(answer.body)


def test_a_slow_drip_begins_at_once_and_takes_its_time(sandbox: SandboxServer) -> None:
    answer = strike(sandbox, "slow_drip", seconds=0.6)
    assert answer.seconds_to_first_byte < 0.3
    assert answer.seconds > 0.5


def test_slow_headers_keep_one_waiting_for_the_first_byte(sandbox: SandboxServer) -> None:
    answer = strike(sandbox, "slow_headers", seconds=0.6)
    assert answer.seconds_to_first_byte > 0.5
    assert json.loads(answer.body)["call_id"]


def test_an_answer_without_an_id_has_all_the_rest(sandbox: SandboxServer) -> None:
    answer = json.loads(strike(sandbox, "no_id").body)
    assert answer.keys() == {"status", "to", "created_at"}


def test_an_html_answer_is_a_web_page(sandbox: SandboxServer) -> None:
    answer = strike(sandbox, "html")
    assert (answer.read_header("Content-Type") or "").startswith("text/html")


def test_a_redirect_leads_to_where_a_visit_is_counted(sandbox: SandboxServer) -> None:
    location = strike(sandbox, "redirect").read_header("Location") or ""
    assert sandbox.control("GET", "/sandbox/health")["strays"] == 0
    sandbox.control("POST", location)
    assert sandbox.control("GET", "/sandbox/health")["strays"] == 1


def test_a_huge_answer_is_as_big_as_told(sandbox: SandboxServer) -> None:
    answer = strike(sandbox, "huge", megabytes=3)
    assert len(answer.body) > 3 * 2**20


def test_next_says_how_often_a_fault_strikes(sandbox: SandboxServer) -> None:
    sandbox.faults({"kind": "error_503", "next": 2})
    statuses = [sandbox.api("POST", "/api/v1/calls", order_call(NUMBER)).status_code for _ in range(4)]
    assert statuses == [503, 503, 201, 201]


def test_a_fault_strikes_only_the_numbers_it_names(sandbox: SandboxServer) -> None:
    sandbox.faults({"kind": "error_503", "numbers": ["+12125550123"]})
    assert sandbox.api("POST", "/api/v1/calls", order_call(NUMBER)).status_code == 201
    assert sandbox.api("POST", "/api/v1/calls", order_call("+12125550123")).status_code == 503
    numbers = [NUMBER, "+12125550123"]
    assert sandbox.api("POST", "/api/v1/campaigns", order_campaign(numbers)).status_code == 503


def test_a_fault_strikes_only_the_endpoint_it_names(sandbox: SandboxServer) -> None:
    sandbox.faults({"kind": "error_503", "endpoint": "sms"})
    assert sandbox.api("POST", "/api/v1/calls", order_call(NUMBER)).status_code == 201
    assert sandbox.api("POST", "/api/v1/sms", order_sms(NUMBER)).status_code == 503


def test_a_fault_strikes_reading_when_its_method_is_get(sandbox: SandboxServer) -> None:
    call_id = sandbox.api("POST", "/api/v1/calls", order_call(NUMBER)).json()["call_id"]
    sandbox.faults({"kind": "error_500_before", "method": "GET"})
    assert sandbox.api("GET", f"/api/v1/calls/{call_id}").status_code == 500


def test_a_probability_strikes_some_and_spares_some(sandbox: SandboxServer) -> None:
    sandbox.faults({"kind": "error_503", "probability": 0.5})
    statuses = [sandbox.api("POST", "/api/v1/calls", order_call(NUMBER)).status_code for _ in range(40)]
    assert set(statuses) == {201, 503}


def test_without_faults_all_is_well_again(sandbox: SandboxServer) -> None:
    sandbox.faults({"kind": "drop_before"})
    sandbox.control("DELETE", "/sandbox/faults")
    assert sandbox.api("POST", "/api/v1/calls", order_call(NUMBER)).status_code == 201


@pytest.mark.parametrize(
    "rule",
    [{"kind": "mischief"}, {"kind": "lost", "colour": "red"}, {"kind": "html", "endpoint": "fax"}, 7],
)
def test_a_rule_that_makes_no_sense_is_refused(sandbox: SandboxServer, rule: Any) -> None:
    with pytest.raises(requests.HTTPError, match="400"):
        sandbox.faults(rule)
