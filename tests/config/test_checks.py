"""Each invalid setting is refused with an error that names it and a hint."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django.fixtures import Settings

from config.checks import check_settings, refuse_unsafe_start

ROOT = Path(__file__).resolve().parent.parent.parent
RANDOM = "Zk3v-9QmW2x_Lr7TnB4yHc8dSfG1pJ6uEaX0oVtYiRqKwNbMzC5"
PRODUCTION: dict[str, Any] = {
    "DEBUG": False,
    "SECRET_KEY": RANDOM,
    "ERASED_NUMBERS_KEYS": [RANDOM],
    "WEBHOOK_KEYS": [RANDOM[::-1]],
    "ALLOWED_HOSTS": ["callboard.example.org"],
    "PUBLIC_BASE_URL": "https://callboard.example.org",
    "ROBOTALKER_BASE_URL": "https://api.robotalker.example",
    "ROBOTALKER_API_KEY": "key-of-the-practice",
    "ROBOTALKER_FROM_NUMBER": "+12125550100",
    "ROBOTALKER_TOTAL_DEADLINE": 20.0,
    "ROBOTALKER_ON_500": "retry",
    "DISPATCH_LEASE": 60.0,
}
INVALID = [
    ("SECRET_KEY", "short", "E001"),
    ("SECRET_KEY", "only-for-a-laptop-never-for-production" + RANDOM, "E001"),
    ("SECRET_KEY", "x" * 60, "E001"),
    ("SECRET_KEY_FALLBACKS", [RANDOM, "only-for-a-laptop-never-for-production"], "E042"),
    ("ERASED_NUMBERS_KEYS", ["short"], "E043"),
    ("MONITORING_TOKEN", "guess me", "E044"),
    ("WEBHOOK_KEYS", [], "E002"),
    ("WEBHOOK_KEYS", [""], "E002"),
    ("WEBHOOK_KEYS", [RANDOM, "short"], "E002"),
    ("PUBLIC_BASE_URL", "", "E003"),
    ("PUBLIC_BASE_URL", "http://callboard.example.org", "E003"),
    ("PUBLIC_BASE_URL", "https://localhost:8000", "E003"),
    ("ROBOTALKER_BASE_URL", "", "E004"),
    ("ROBOTALKER_BASE_URL", "http://api.robotalker.example", "E004"),
    ("ROBOTALKER_BASE_URL", "https://", "E004"),
    ("ROBOTALKER_BASE_URL", "https://127.0.0.1:8765", "E005"),
    ("ROBOTALKER_BASE_URL", "https://[::1]:8765", "E005"),
    ("ROBOTALKER_BASE_URL", "https://0.0.0.0:8765", "E005"),
    ("ROBOTALKER_BASE_URL", "https://LOCALHOST", "E005"),
    ("ROBOTALKER_BASE_URL", "https://phones.localhost", "E005"),
    ("ROBOTALKER_BASE_URL", "https://sandbox:8765", "E005"),
    ("ROBOTALKER_API_KEY", "", "E006"),
    ("ROBOTALKER_API_KEY", " ", "E006"),
    ("ROBOTALKER_API_KEY", "two words", "E006"),
    ("ROBOTALKER_API_KEY", "sandbox-key", "E006"),
    ("ROBOTALKER_FROM_NUMBER", "", "E007"),
    ("ROBOTALKER_FROM_NUMBER", "212-555-0100", "E007"),
    ("ROBOTALKER_FROM_NUMBER", "+0125550100", "E007"),
    ("ROBOTALKER_FROM_NUMBER", "+12125550100\n", "E007"),
    ("CAP_PER_DAY", -1, "E014"),
    ("CAP_PER_WEEK", -1, "E014"),
    ("OPT_OUT_SCOPE", "", "E018"),
    ("OPT_OUT_SCOPE", "voice", "E018"),
    ("DISPATCH_LEASE", 20.0, "E008"),
    ("DISPATCH_LEASE", 19.0, "E008"),
    ("ROBOTALKER_ON_500", "Retry", "E009"),
    ("ROBOTALKER_RATE", "20", "E012"),
    ("ROBOTALKER_RATE", "0/second", "E012"),
    ("ROBOTALKER_BREAKER", 0, "E013"),
    ("ROBOTALKER_ASK_BUDGET", -1, "E015"),
    ("ALLOWED_HOSTS", [], "E010"),
    ("ALLOWED_HOSTS", ["callboard.example.org", "*"], "E010"),
    ("WEBHOOK_TOKEN_DAYS", 0, "E011"),
    ("WEBHOOK_TOKEN_DAYS", 366, "E011"),
]


@pytest.fixture
def production(settings: Settings) -> Settings:
    for name, value in PRODUCTION.items():
        setattr(settings, name, value)
    return settings


def test_valid_settings_for_production_are_accepted(production: Settings) -> None:
    assert check_settings(None) == []
    refuse_unsafe_start()


@pytest.mark.parametrize(("name", "value", "error_id"), INVALID)
def test_an_invalid_setting_is_refused_in_production(
    production: Settings, name: str, value: object, error_id: str
) -> None:
    setattr(production, name, value)
    found = check_settings(None)
    assert [message.id for message in found] == [f"callboard.{error_id}"]
    assert name in found[0].msg
    assert found[0].hint
    with pytest.raises(ImproperlyConfigured, match=name):
        refuse_unsafe_start()


def test_an_error_message_never_contains_a_secret(production: Settings) -> None:
    production.SECRET_KEY = "hunter2"
    production.WEBHOOK_KEYS = ["hunter3"]
    with pytest.raises(ImproperlyConfigured) as refusal:
        refuse_unsafe_start()
    assert "hunter" not in str(refusal.value)


def test_a_laptop_can_use_the_sandbox_over_http(production: Settings) -> None:
    production.DEBUG = True
    production.SECRET_KEY = "short"
    production.PUBLIC_BASE_URL = "http://127.0.0.1:8000"
    production.ROBOTALKER_BASE_URL = "http://127.0.0.1:8765"
    production.ROBOTALKER_API_KEY = "sandbox-key"
    assert check_settings(None) == []


def test_a_lease_that_is_too_short_is_also_refused_on_a_laptop(production: Settings) -> None:
    production.DEBUG = True
    production.DISPATCH_LEASE = 5.0
    assert [message.id for message in check_settings(None)] == ["callboard.E008"]


def test_manage_py_check_lists_the_errors_and_fails() -> None:
    environment = os.environ | {"DEBUG": "false", "SECRET_KEY": "short", "ROBOTALKER_API_KEY": "sandbox-key"}
    command = [sys.executable, "manage.py", "check"]
    answer = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert answer.returncode == 1
    assert "(callboard.E001)" in answer.stderr
    assert "HINT: Copy it from your Robotalker account" in answer.stderr
