"""The sandbox has no password: only this machine's own names lead to it, and no page of another site."""

import stat

import pytest
import requests

from reminders.rules.sandbox_hosts import SANDBOX_HOSTS
from reminders.sandbox.callers import HOSTS
from tests.sandbox_server import SandboxServer


def ask(sandbox: SandboxServer, method: str = "POST", path: str = "/sandbox/reset", **headers: str) -> int:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.request(method, f"{sandbox.url}{path}", headers=named, timeout=10).status_code


@pytest.mark.parametrize("host", ["rebound.example.org", "127.0.0.1.example.org", "localhost.example.org:80"])
def test_a_name_of_somebody_else_that_leads_here_gets_nothing(sandbox: SandboxServer, host: str) -> None:
    for method, path in [("GET", "/sandbox/ledger"), ("GET", "/"), ("POST", "/sandbox/reset")]:
        assert ask(sandbox, method, path, Host=host) == 400


@pytest.mark.parametrize(
    "host", ["localhost:1", "phones.localhost", "127.0.0.1", "[::1]:8765", "sandbox:8765"]
)
def test_the_names_of_this_machine_and_of_the_container_are_answered(
    sandbox: SandboxServer, host: str
) -> None:
    assert ask(sandbox, "GET", "/sandbox/health", Host=host) == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://example.org"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"Sec_Fetch_Site": "cross-site"},
    ],
)
def test_a_page_of_another_site_changes_nothing(sandbox: SandboxServer, headers: dict[str, str]) -> None:
    assert ask(sandbox, **headers) == 403


def test_its_own_page_and_programs_are_answered(sandbox: SandboxServer) -> None:
    assert ask(sandbox, Origin=sandbox.url, Sec_Fetch_Site="same-origin") == 200
    assert ask(sandbox) == 200


def test_it_knows_the_same_names_as_callboard() -> None:
    """(the sandbox imports nothing of ours)"""
    assert set(HOSTS) >= SANDBOX_HOSTS


def test_only_this_user_may_read_the_ledger(sandbox: SandboxServer) -> None:
    assert stat.S_IMODE(sandbox.ledger_path.stat().st_mode) == 0o600
