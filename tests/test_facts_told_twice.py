"""Facts that must stand in two places, because one may not import the other: they are held equal here."""

import re
from pathlib import Path

import phonenumbers
import pytest
import yaml

from contacts.numbers import E164_PATTERN, mask
from reminders.robotalker import payloads
from reminders.robotalker.masking import mask_number, mask_numbers_in
from reminders.sandbox import requests

ROOT = Path(__file__).resolve().parent.parent


def test_the_app_robotalkers_client_and_the_sandbox_take_the_same_numbers() -> None:
    assert payloads.E164_PATTERN == E164_PATTERN
    assert orders.E164.pattern == E164_PATTERN


def test_the_description_of_robotalkers_api_takes_the_same_numbers() -> None:
    description = yaml.safe_load((ROOT / "docs/robotalker-openapi.yaml").read_text())
    patterns = [schema.get("pattern", "") for schema in description["components"]["schemas"].values()]
    assert f"^{E164_PATTERN}$" in patterns


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
