"""The guide's API: what it accepts, what it refuses, and what the ledger records."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.reminders.sandbox.raw_client import post_raw
from tests.reminders.sandbox.requests import SENDER, order_call, order_campaign, order_sms
from tests.sandbox_server import SandboxServer, run_sandbox

NUMBER = "+12125557703"


def test_the_response_to_a_call_is_as_in_the_guide(sandbox: SandboxServer) -> None:
    answer = sandbox.api("POST", "/api/v1/calls", order_call(NUMBER))
    body = answer.json()
    assert answer.status_code == 201
    assert list(body) == ["call_id", "status", "to", "created_at"]
    assert re.fullmatch(r"cal_[a-z0-9]{8}", body["call_id"])
    assert (body["status"], body["to"]) == ("queued", NUMBER)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", body["created_at"])


def test_the_ledger_has_the_message_with_its_variables_filled_in(sandbox: SandboxServer) -> None:
    call_id = sandbox.api("POST", "/api/v1/calls", order_call(NUMBER)).json()["call_id"]
    (entry,) = sandbox.ledger()
    assert entry["message"] == "Hello Sarah, your appointment is on Tuesday, April 15th. Press 1 to confirm."
    assert (entry["id"], entry["kind"], entry["to"], entry["from"]) == (call_id, "call", NUMBER, SENDER)
    assert (entry["fault"], entry["opted_out_at_acceptance"], entry["campaign_id"]) == (None, False, None)


def test_a_variable_without_a_value_is_not_replaced(sandbox: SandboxServer) -> None:
    sandbox.api("POST", "/api/v1/calls", order_call(NUMBER) | {"variables": {"FIRST_NAME": "{APPT_DATE}"}})
    assert sandbox.ledger()[0]["message"].startswith("Hello {APPT_DATE}, your appointment is on {APPT_DATE}.")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"to": None}, "to"),
        ({"to": "2125550100"}, "to"),
        ({"to": "+1 212 555 0100"}, "to"),
        ({"to": "+02125550100"}, "to"),
        ({"to": "+12125550100\n"}, "to"),
        ({"to": "+١٢١٢٥٥٥٠١٠٠"}, "to"),
        ({"to": ["+12125550100"]}, "to"),
        ({"from": None}, "from"),
        ({"from": "callboard"}, "from"),
        ({"message": None}, "message"),
        ({"message": "  "}, "message"),
        ({"variables": {"AGE": 7}}, "variables"),
        ({"dtmf": {"11": {"action": "optout"}}}, "dtmf"),
        ({"dtmf": {"1": {"action": "dance"}}}, "dtmf.1.action"),
        ({"dtmf": {"1": {"action": "webhook"}}}, "dtmf.1.url"),
        ({"webhook_url": "ftp://example.org"}, "webhook_url"),
    ],
)
def test_an_invalid_call_is_refused_with_the_name_of_the_field(
    sandbox: SandboxServer, change: dict[str, Any], field: str
) -> None:
    body = {name: value for name, value in (order_call(NUMBER) | change).items() if value is not None}
    answer = sandbox.api("POST", "/api/v1/calls", body)
    assert answer.status_code == 400
    assert answer.json()["error"]["field"] == field
    assert sandbox.ledger() == []


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'"x"', b'{"to": NaN}', b"\xff\xfe", b"[" * 100_000])
def test_a_body_that_is_not_a_json_object_is_refused(sandbox: SandboxServer, raw: bytes) -> None:
    answer = post_raw(sandbox, "/api/v1/calls", raw)
    assert answer.status == 400
    assert json.loads(answer.body)["error"]["code"] == "malformed_json"


@pytest.mark.parametrize("key", ["wrong", "", "test-key2"])
def test_a_request_without_the_right_api_key_is_refused(sandbox: SandboxServer, key: str) -> None:
    answer = sandbox.api("POST", "/api/v1/calls", order_call(NUMBER), Authorization=f"Bearer {key}")
    assert answer.status_code == 401
    assert sandbox.ledger() == []


def test_the_status_of_a_call_can_be_read(sandbox: SandboxServer) -> None:
    call_id = sandbox.api("POST", "/api/v1/calls", order_call(NUMBER)).json()["call_id"]
    sandbox.wait_for_call(NUMBER, "ended")
    body = sandbox.api("GET", f"/api/v1/calls/{call_id}").json()
    assert (body["call_id"], body["status"], body["duration_seconds"]) == (call_id, "no_answer", 0)


@pytest.mark.parametrize(
    "path", ["/api/v1/calls/cal_unknown1", "/api/v1/campaigns/cmp_unknown1", "/api/v1/x"]
)
def test_an_unknown_id_or_path_is_a_404_in_json(sandbox: SandboxServer, path: str) -> None:
    answer = sandbox.api("GET", path)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"


def test_a_campaign_calls_each_recipient_and_counts_the_outcomes(sandbox: SandboxServer) -> None:
    numbers = ["+12125557701", "+12125557706", "+12125557704"]
    body = sandbox.api("POST", "/api/v1/campaigns", order_campaign(numbers)).json()
    assert list(body) == ["campaign_id", "status", "created_at"]
    for number in numbers:
        sandbox.wait_for_call(number, "ended")
    found = sandbox.api("GET", f"/api/v1/campaigns/{body['campaign_id']}").json()
    assert (found["status"], found["recipients"]) == ("completed", 3)
    assert found["stats"] == {"answered": 1, "voicemail": 1, "failed": 1}
    kinds = {(entry["kind"], entry["campaign_id"]) for entry in sandbox.ledger()}
    assert kinds == {("campaign_call", body["campaign_id"])}


def test_a_campaign_with_one_invalid_number_is_refused(sandbox: SandboxServer) -> None:
    answer = sandbox.api("POST", "/api/v1/campaigns", order_campaign([NUMBER, "0800"]))
    assert answer.json()["error"]["field"] == "recipients[1].to"
    assert sandbox.ledger() == []


def test_the_response_to_a_batch_lists_each_message(sandbox: SandboxServer) -> None:
    body = order_sms(NUMBER)
    recipients = [{"to": body.pop("to"), "variables": body.pop("variables")}, {"to": "+12125557706"}]
    answer = sandbox.api("POST", "/api/v1/sms", body | {"recipients": recipients}).json()
    assert [item["to"] for item in answer["messages"]] == [NUMBER, "+12125557706"]
    assert [entry["kind"] for entry in sandbox.ledger()] == ["bulk_sms", "bulk_sms"]
    assert sandbox.ledger(NUMBER)[0]["message"] == "Hello Sarah, reply 1 to confirm."


def test_the_opt_outs_of_a_contact_can_be_set_per_channel(sandbox: SandboxServer) -> None:
    assert sandbox.api("POST", "/api/v1/contacts", {"to": NUMBER, "opted_out": True}).status_code == 201
    changed = sandbox.api("POST", "/api/v1/contacts", {"to": NUMBER, "opted_out": {"sms": False}})
    assert (changed.status_code, changed.json()["opted_out"]) == (200, {"voice": True, "sms": False})
    found = sandbox.api("GET", "/api/v1/contacts?opted_out=true").json()["contacts"]
    assert [contact["to"] for contact in found] == [NUMBER]
    assert sandbox.api("GET", "/api/v1/contacts?opted_out=false").json()["contacts"] == []


def test_a_call_to_an_opted_out_number_fails_and_is_marked_in_the_ledger(sandbox: SandboxServer) -> None:
    sandbox.api("POST", "/api/v1/contacts", {"to": "+12125557701", "opted_out": True})
    sandbox.api("POST", "/api/v1/calls", order_call("+12125557701"))
    call = sandbox.wait_for_call("+12125557701", "ended")
    assert (call["status"], call["reason"]) == ("failed", "opted_out")
    assert sandbox.ledger()[0]["opted_out_at_acceptance"] is True


def test_the_ledger_can_be_read_from_a_given_entry_on(sandbox: SandboxServer) -> None:
    sandbox.api("POST", "/api/v1/calls", order_call(NUMBER))
    mark = sandbox.control("GET", "/sandbox/ledger")["next"]
    second = sandbox.api("POST", "/api/v1/calls", order_call(NUMBER)).json()["call_id"]
    entries = sandbox.control("GET", f"/sandbox/ledger?since={mark}")["entries"]
    assert [entry["id"] for entry in entries] == [second]


def test_acknowledged_calls_are_in_the_ledger_after_a_kill() -> None:
    with run_sandbox() as server:
        with ThreadPoolExecutor(8) as pool:
            orders = pool.map(
                lambda _: server.api("POST", "/api/v1/calls", order_call(NUMBER)).json(), range(40)
            )
            acknowledged = {order["call_id"] for order in orders}
        server.kill()
        on_disk = {json.loads(line)["id"] for line in server.ledger_path.read_text().splitlines()}
        server.start()
        assert acknowledged == on_disk == {entry["id"] for entry in server.ledger()}


def test_a_ledger_line_cut_off_by_a_crash_is_removed() -> None:
    with run_sandbox() as server:
        server.api("POST", "/api/v1/calls", order_call(NUMBER))
        server.kill()
        with server.ledger_path.open("a") as ledger:
            ledger.write('{"at": "2026-')
        server.start()
        server.api("POST", "/api/v1/calls", order_call(NUMBER))
        assert len(server.ledger()) == 2
        assert len([json.loads(line) for line in server.ledger_path.read_text().splitlines()]) == 2
