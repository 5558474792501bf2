"""The page of phones, as the sandbox serves it."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import pytest
import requests

from reminders.sandbox.command_line import add_options, read_settings
from reminders.sandbox.sandbox import Settings
from tests.sandbox_server import SandboxServer


def test_the_page_may_load_its_own_files_only(sandbox: SandboxServer) -> None:
    answer = requests.get(f"{sandbox.url}/", timeout=5)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "<style" not in answer.text
    assert " style=" not in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_the_page_has_the_clinics_clock_and_country(sandbox: SandboxServer) -> None:
    """Its script shows times by them, not by the browser's (product rule 55)."""
    assert 'data-zone="" data-region="US"' in requests.get(f"{sandbox.url}/", timeout=5).text


def test_the_clinics_zone_and_country_are_options() -> None:
    parser = ArgumentParser()
    add_options(parser)
    settings = read_settings(vars(parser.parse_args(["--zone", "Europe/London", "--region", "GB"])))
    assert (settings.zone, settings.region) == ("Europe/London", "GB")


@pytest.mark.parametrize(
    "wrong", [{"zone": "Mars/Base"}, {"zone": "../etc"}, {"region": "us"}, {"region": ""}]
)
def test_a_zone_or_country_that_does_not_exist_is_refused(wrong: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no time zone|not the code"):
        Settings(tmp_path / "ledger.jsonl", **wrong)
