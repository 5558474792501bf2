"""The client conforms to docs/robotalker-openapi.yaml, as the sandbox does."""

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
    """Fails if the body doesn't match the schema, or has a field that the schema doesn't list."""
    components = read_description()["components"]
    schema = {"$ref": f"#/components/schemas/{name}", "components": components}
    Draft202012Validator(schema).validate(body)
    assert body.keys() <= components["schemas"][name]["properties"].keys()


def test_the_body_of_a_call_matches_the_description(sarahs_call: CallPayload) -> None:
    check("CallOrder", sarahs_call.as_json())


def test_the_body_of_a_campaign_matches_the_description() -> None:
    recipients = [Recipient(SARAH, VARIABLES), ANN]
    campaign = build_campaign(recipients=recipients, voice="en-US-Neural-F", key_urls=KEYS, **SENDER)
    check("CampaignOrder", campaign.as_json())
    for recipient in campaign.as_json()["recipients"]:
        check("Recipient", recipient)


def test_the_bodies_of_text_messages_match_the_description() -> None:
    check("SmsOrder", build_sms(to=SARAH, variables=VARIABLES, **SENDER).as_json())
    check("SmsBatchOrder", build_sms_batch(recipients=[ANN], **SENDER).as_json())


@pytest.mark.parametrize("flags", [(True, None), (None, False), (True, True), (None, None)])
def test_the_body_of_a_contact_matches_the_description(flags: tuple[bool | None, bool | None]) -> None:
    check("ContactOrder", build_contact(to=SARAH, voice_opted_out=flags[0], sms_opted_out=flags[1]).as_json())


@pytest.mark.parametrize(
    ("name", "example"),
    [("CallOrder", CALL_REQUEST), ("CallAccepted", CALL_ANSWER), ("CallEvent", CALL_COMPLETED)],
)
def test_the_guides_examples_match_the_description(name: str, example: str) -> None:
    check(name, json.loads(example))


def test_the_check_fails_for_a_field_that_is_not_described(sarahs_call: CallPayload) -> None:
    with pytest.raises(AssertionError):
        check("CallOrder", sarahs_call.as_json() | {"surprise": 1})


def test_every_described_event_has_an_event_kind() -> None:
    names: set[str] = set()
    for schema in read_description()["components"]["schemas"]["Event"]["oneOf"]:
        event = read_description()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]["properties"][
            "event"
        ]
        names |= set(event.get("enum", [event.get("const")]))
    assert names == set(EventKind) - {EventKind.UNKNOWN}
    for name in names:
        assert parse_event(json.dumps({"event": name}).encode()).kind == name
