"""Facts that must stand in two places, because one may not import the other: they are held equal here."""

from pathlib import Path

import yaml

from contacts.numbers import E164_PATTERN
from reminders.robotalker import payloads
from reminders.sandbox import requests

ROOT = Path(__file__).resolve().parent.parent


def test_the_app_robotalkers_client_and_the_sandbox_take_the_same_numbers() -> None:
    assert payloads.E164_PATTERN == E164_PATTERN
    assert orders.E164.pattern == E164_PATTERN


def test_the_description_of_robotalkers_api_takes_the_same_numbers() -> None:
    description = yaml.safe_load((ROOT / "docs/robotalker-openapi.yaml").read_text())
    patterns = [schema.get("pattern", "") for schema in description["components"]["schemas"].values()]
    assert f"^{E164_PATTERN}$" in patterns
