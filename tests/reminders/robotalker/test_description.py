"""The client against docs/robotalker-openapi.yaml, which the sandbox is held to as well."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from reminders.robotalker.events import EventKind, parse_event
from reminders.robotalker.payloads import (
    CallPayload,
    Recipient,
    build_campaign,
    build_contact,
    build_sms,
    build_sms_batch,
)
from tests.reminders.robotalker.conftest import MESSAGE, SARAH, VARIABLES
from tests.reminders.robotalker.guide import CALL_ANSWER, CALL_COMPLETED, CALL_REQUEST

DESCRIPTION = Path(__file__).resolve().parents[3] / "docs" / "robotalker-openapi.yaml"
SENDER = {"from_number": "+18005550199", "message": MESSAGE, "status_url": "https://yourapp.com/s"}
KEYS = {"1": "https://yourapp.com/confirm", "*": "https://yourapp.com/again"}
ANN = Recipient("+12125550101", VARIABLES)


@cache
def read_description() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(DESCRIPTION.read_text())
    return found


def check(name: str, body: dict[str, Any]) -> None:
    """Fails when the body isn't as described, or has a field the description doesn't know."""
    components = read_description()["components"]
    schema = {"$ref": f"#/components/schemas/{name}", "components": components}
    Draft202012Validator(schema).validate(body)
    assert body.keys() <= components["schemas"][name]["properties"].keys()


def test_a_call_is_as_described(sarahs_call: CallPayload) -> None:
    check("CallOrder", sarahs_call.as_json())


def test_a_campaign_is_as_described() -> None:
    recipients = [Recipient(SARAH, VARIABLES), ANN]
    campaign = build_campaign(recipients=recipients, voice="en-US-Neural-F", key_urls=KEYS, **SENDER)
    check("CampaignOrder", campaign.as_json())
    for recipient in campaign.as_json()["recipients"]:
        check("Recipient", recipient)


def test_text_messages_are_as_described() -> None:
    check("SmsOrder", build_sms(to=SARAH, variables=VARIABLES, **SENDER).as_json())
    check("SmsBatchOrder", build_sms_batch(recipients=[ANN], **SENDER).as_json())


@pytest.mark.parametrize("flags", [(True, None), (None, False), (True, True), (None, None)])
def test_a_contact_is_as_described(flags: tuple[bool | None, bool | None]) -> None:
    check("ContactOrder", build_contact(to=SARAH, voice_opted_out=flags[0], sms_opted_out=flags[1]).as_json())


@pytest.mark.parametrize(
    ("name", "example"),
    [("CallOrder", CALL_REQUEST), ("CallAccepted", CALL_ANSWER), ("CallEvent", CALL_COMPLETED)],
)
def test_the_guides_examples_are_as_described(name: str, example: str) -> None:
    check(name, json.loads(example))


def test_the_check_itself_refuses_what_is_not_described(sarahs_call: CallPayload) -> None:
    with pytest.raises(AssertionError):
        check("CallOrder", sarahs_call.as_json() | {"surprise": 1})


def test_every_event_described_is_one_we_know() -> None:
    names: set[str] = set()
    for schema in read_description()["components"]["schemas"]["Event"]["oneOf"]:
        event = read_description()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]["properties"][
            "event"
        ]
        names |= set(event.get("enum", [event.get("const")]))
    assert names == set(EventKind) - {EventKind.UNKNOWN}
    for name in names:
        assert parse_event(json.dumps({"event": name}).encode()).kind == name
