"""Which addresses count as a sandbox's, for the frame, the system checks and `make run` alike."""

from pathlib import Path

import pytest
import yaml
from pytest_django import Settings

from config.checks import check_settings
from config.local.run import is_local
from reminders.deciding.sending_mode import leaves_this_machine
from reminders.rules.sandbox_hosts import SANDBOX_HOSTS, is_sandbox_address

ROOT = Path(__file__).resolve().parent.parent.parent.parent
HOSTS = [
    ("127.0.0.1", True),
    ("127.0.0.2", True),
    ("[::1]", True),
    ("0.0.0.0", True),  # noqa: S104 - an address to judge
    ("localhost", True),
    ("phones.localhost", True),
    ("sandbox", True),
    ("host.docker.internal", True),
    ("127.1", True),
    ("2130706433", True),
    ("ip6-localhost", True),
    ("localhost.localdomain", True),
    ("0x7f.0.0.1", True),
    ("0177.0.0.1", True),
    ("0", True),
    ("１２７．0。0.1", True),
    ("localhost.", True),
    ("LOCALHOST", True),
    ("phones.localhost.", True),
    ("[::ffff:127.0.0.1]", True),
    ("[::ffff:7f00:1]", True),
    ("[::]", True),
    ("10.1", False),
    ("127.example.org", False),
    ("10.0.0.5", False),
    ("api.robotalker.example", False),
    ("sandbox.robotalker.example", False),
    ("localhost.example", False),
]


@pytest.mark.parametrize(("host", "is_sandbox"), HOSTS)
def test_page_checks_and_make_run_agree_on_what_is_a_sandbox(
    settings: Settings, host: str, is_sandbox: bool
) -> None:
    settings.DEBUG = False
    settings.ROBOTALKER_BASE_URL = url = f"https://{host}:8765"
    assert is_sandbox_address(url) is is_sandbox
    assert leaves_this_machine() is not is_sandbox
    assert ("callboard.E005" in [fault.id for fault in check_settings(None)]) is is_sandbox
    assert is_local(url) is is_sandbox


def test_an_address_without_a_host_is_no_sandbox() -> None:
    assert not is_sandbox_address("")


def test_the_sandboxs_container_is_one_of_the_hosts() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    [name] = [name for name, service in services.items() if "reminders.sandbox" in service.get("command", "")]
    assert name in SANDBOX_HOSTS
