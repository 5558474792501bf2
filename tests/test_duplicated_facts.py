"""Facts that are written in two places because one may not import the other: the tests keep them equal."""

import os
import re
from argparse import ArgumentParser
from pathlib import Path

import phonenumbers
import pytest
import yaml

from config import checks
from config.local.environment import set_laptop_defaults
from contacts.models.practice import OUTER_HOURS
from contacts.numbers import E164_PATTERN, UNKNOWN_ZONE, mask
from reminders.models import CallBatch, CallRecord, ScriptText
from reminders.robotalker import events, fields, payloads, vocabulary
from reminders.robotalker.masking import mask_number, mask_numbers_in
from reminders.rules import calling_hours, keys
from reminders.sandbox import requests
from reminders.sandbox.command_line import add_options
from reminders.wording.default_scripts import VOICES

ROOT = Path(__file__).resolve().parent.parent
DESCRIPTION = yaml.safe_load((ROOT / "docs/robotalker-openapi.yaml").read_text())


def test_the_app_the_robotalker_client_and_the_sandbox_accept_the_same_numbers() -> None:
    assert payloads.E164_PATTERN == E164_PATTERN
    assert requests.E164.pattern == E164_PATTERN


def test_the_description_of_robotalkers_api_accepts_the_same_numbers() -> None:
    assert DESCRIPTION["components"]["schemas"]["Number"]["pattern"] == f"^{E164_PATTERN}$"


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_both_masks_show_the_last_two_digits_and_no_others_of_a_number(region: str) -> None:
    number = phonenumbers.example_number(region)
    assert number
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    ours = mask(e164).removeprefix(f"+{number.country_code} ")
    assert find_digits(ours) == e164[-2:]
    assert find_digits(mask_number(e164)) == e164[-2:]
    assert find_digits(mask_numbers_in(f"to {e164}: busy")) == e164[-2:]


def find_digits(text: str) -> str:
    return "".join(re.findall(r"[0-9]", text))


def test_the_outer_calling_hours_of_a_location_are_those_of_the_rules() -> None:
    assert OUTER_HOURS == calling_hours.OUTER


def test_an_unknown_time_zone_of_a_number_has_one_name() -> None:
    assert UNKNOWN_ZONE == calling_hours.UNKNOWN_ZONE


def test_the_opt_out_key_is_the_one_sent_to_robotalker() -> None:
    call = payloads.build_call(
        to="+12025550100",
        from_number="+12025550199",
        message="Hello",
        voice="en-US",
        variables={},
        status_url="https://callboard.example/",
        key_urls={},
    )
    assert call.as_json()["dtmf"] == {keys.OPT_OUT: {"action": "optout"}}


def test_what_robotalker_sends_fits_its_column() -> None:
    for model in (CallRecord, CallBatch):
        assert model._meta.get_field("robotalker_id").max_length == fields.MAX_ID
    event = events.parse_event(
        b'{"event": "call.failed", "reason": "' + b"a" * 900 + b'"}', "application/json"
    )
    assert len(event.reason or "") == CallRecord._meta.get_field("detail").max_length
    longest = max(map(len, vocabulary.AmdResult))
    assert longest <= (CallRecord._meta.get_field("amd_result").max_length or 0)


def test_the_default_voice_of_a_script_is_the_english_one() -> None:
    assert ScriptText._meta.get_field("voice").default == VOICES["en"]


def test_production_refuses_the_sandboxs_default_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ROBOTALKER_API_KEY")
    parser = ArgumentParser()
    add_options(parser)
    assert parser.parse_args([]).api_key == checks.SANDBOX_KEY
    set_laptop_defaults()
    assert os.environ["ROBOTALKER_API_KEY"] == checks.SANDBOX_KEY


def test_the_sandbox_accepts_as_many_recipients_as_the_api_description_says() -> None:
    recipients = DESCRIPTION["components"]["schemas"]["Recipients"]
    assert recipients["maxItems"] == requests.MOST_RECIPIENTS >= payloads.MAX_RECIPIENTS
