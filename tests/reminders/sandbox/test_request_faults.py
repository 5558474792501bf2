"""Each request fault, as seen by a raw client, and what the ledger records."""

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


def post_with_fault(sandbox: SandboxServer, kind: str, **options: Any) -> RawAnswer:
    sandbox.faults({"kind": kind, **options})
    return post_raw(sandbox, "/api/v1/calls", order_call(NUMBER))


@pytest.mark.parametrize(("kind", "accepted"), REQUEST_FAULTS.items())
def test_the_ledger_has_only_accepted_requests(sandbox: SandboxServer, kind: str, accepted: bool) -> None:
    post_with_fault(sandbox, kind, seconds=0.05, megabytes=1)
    assert [entry["fault"] for entry in sandbox.ledger()] == ([kind] if accepted else [])


@pytest.mark.parametrize("accepted", [True, False])
def test_a_fault_rule_can_set_whether_the_request_is_accepted(sandbox: SandboxServer, accepted: bool) -> None:
    assert post_with_fault(sandbox, "error_503", accepted=accepted).status == 503
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
def test_the_response_has_the_status_of_the_fault(sandbox: SandboxServer, kind: str, status: int) -> None:
    assert post_with_fault(sandbox, kind).status == status


def test_a_rate_limit_has_no_retry_after_by_default(sandbox: SandboxServer) -> None:
    assert post_with_fault(sandbox, "rate_limit").read_header("Retry-After") is None


def test_a_rate_limit_can_have_retry_after_in_seconds(sandbox: SandboxServer) -> None:
    assert post_with_fault(sandbox, "rate_limit", retry_after=7).read_header("Retry-After") == "7"


def test_a_rate_limit_can_have_retry_after_as_a_date(sandbox: SandboxServer) -> None:
    answer = post_with_fault(sandbox, "rate_limit", retry_after=60, as_date=True)
    wanted, now = answer.read_header("Retry-After"), answer.read_header("Date")
    assert wanted is not None
    assert now is not None
    seconds = (parsedate_to_datetime(wanted) - parsedate_to_datetime(now)).total_seconds()
    assert 58 <= seconds <= 61


@pytest.mark.parametrize("kind", ["drop_before", "drop_after"])
@pytest.mark.parametrize(("reset", "ending"), [(False, "closed"), (True, "reset")])
def test_a_dropped_connection_sends_no_byte(
    sandbox: SandboxServer, kind: str, reset: bool, ending: str
) -> None:
    answer = post_with_fault(sandbox, kind, reset=reset)
    assert (answer.raw, answer.ending) == (b"", ending)


def test_a_truncated_response_is_shorter_than_its_content_length(sandbox: SandboxServer) -> None:
    answer = post_with_fault(sandbox, "truncated")
    assert answer.status == 201
    assert 0 < len(answer.body) < int(answer.read_header("Content-Length") or 0)


def test_a_truncated_response_can_be_half_json_with_the_right_content_length(sandbox: SandboxServer) -> None:
    answer = post_with_fault(sandbox, "truncated", half_json=True)
    assert len(answer.body) == int(answer.read_header("Content-Length") or 0)
    with pytest.raises(json.JSONDecodeError):
        json.loads(answer.body)


def test_a_slow_drip_starts_at_once_and_takes_the_given_seconds(sandbox: SandboxServer) -> None:
    answer = post_with_fault(sandbox, "slow_drip", seconds=0.6)
    assert answer.seconds_to_first_byte < 0.3
    assert answer.seconds > 0.5


def test_slow_headers_delay_the_first_byte(sandbox: SandboxServer) -> None:
    answer = post_with_fault(sandbox, "slow_headers", seconds=0.6)
    assert answer.seconds_to_first_byte > 0.5
    assert json.loads(answer.body)["call_id"]


def test_a_response_without_an_id_has_all_other_fields(sandbox: SandboxServer) -> None:
    answer = json.loads(post_with_fault(sandbox, "no_id").body)
    assert answer.keys() == {"status", "to", "created_at"}


def test_an_html_response_is_a_web_page(sandbox: SandboxServer) -> None:
    answer = post_with_fault(sandbox, "html")
    assert (answer.read_header("Content-Type") or "").startswith("text/html")


def test_requests_to_the_target_of_a_redirect_are_counted(sandbox: SandboxServer) -> None:
    location = post_with_fault(sandbox, "redirect").read_header("Location") or ""
    assert sandbox.control("GET", "/sandbox/health")["followed_redirects"] == 0
    sandbox.control("POST", location)
    assert sandbox.control("GET", "/sandbox/health")["followed_redirects"] == 1


def test_a_huge_response_has_the_given_size(sandbox: SandboxServer) -> None:
    answer = post_with_fault(sandbox, "huge", megabytes=3)
    assert len(answer.body) > 3 * 2**20


def test_a_fault_applies_only_as_many_times_as_next_says(sandbox: SandboxServer) -> None:
    sandbox.faults({"kind": "error_503", "next": 2})
    statuses = [sandbox.api("POST", "/api/v1/calls", order_call(NUMBER)).status_code for _ in range(4)]
    assert statuses == [503, 503, 201, 201]


def test_a_fault_applies_only_to_its_numbers(sandbox: SandboxServer) -> None:
    sandbox.faults({"kind": "error_503", "numbers": ["+12125550123"]})
    assert sandbox.api("POST", "/api/v1/calls", order_call(NUMBER)).status_code == 201
    assert sandbox.api("POST", "/api/v1/calls", order_call("+12125550123")).status_code == 503
    numbers = [NUMBER, "+12125550123"]
    assert sandbox.api("POST", "/api/v1/campaigns", order_campaign(numbers)).status_code == 503


def test_a_fault_applies_only_to_its_endpoint(sandbox: SandboxServer) -> None:
    sandbox.faults({"kind": "error_503", "endpoint": "sms"})
    assert sandbox.api("POST", "/api/v1/calls", order_call(NUMBER)).status_code == 201
    assert sandbox.api("POST", "/api/v1/sms", order_sms(NUMBER)).status_code == 503


def test_a_fault_with_the_method_get_applies_to_get_requests(sandbox: SandboxServer) -> None:
    call_id = sandbox.api("POST", "/api/v1/calls", order_call(NUMBER)).json()["call_id"]
    sandbox.faults({"kind": "error_500_before", "method": "GET"})
    assert sandbox.api("GET", f"/api/v1/calls/{call_id}").status_code == 500


def test_a_fault_with_a_probability_applies_to_some_requests(sandbox: SandboxServer) -> None:
    sandbox.faults({"kind": "error_503", "probability": 0.5})
    statuses = [sandbox.api("POST", "/api/v1/calls", order_call(NUMBER)).status_code for _ in range(40)]
    assert set(statuses) == {201, 503}


def test_requests_succeed_after_the_faults_are_cleared(sandbox: SandboxServer) -> None:
    sandbox.faults({"kind": "drop_before"})
    sandbox.control("DELETE", "/sandbox/faults")
    assert sandbox.api("POST", "/api/v1/calls", order_call(NUMBER)).status_code == 201


@pytest.mark.parametrize(
    "rule",
    [{"kind": "mischief"}, {"kind": "lost", "colour": "red"}, {"kind": "html", "endpoint": "fax"}, 7],
)
def test_an_invalid_fault_rule_is_refused(sandbox: SandboxServer, rule: Any) -> None:
    with pytest.raises(requests.HTTPError, match="400"):
        sandbox.faults(rule)
