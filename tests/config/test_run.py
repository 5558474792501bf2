"""The checks and messages of `make run`."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.local.environment import is_laptop, set_laptop_defaults
from config.local.readiness import Addresses, describe_ready
from config.local.run import CannotRunError, check_port_free, is_local, read_port

ROOT = Path(__file__).resolve().parent.parent.parent
INTERRUPTED_IN_A_CLEANUP = """
import os, signal, sys, threading
from config.local import run

class Cleaned:
    def __del__(self):
        print("cleaned up", flush=True)
        os.kill(os.getpid(), signal.SIGINT)

def prepare():
    cleaned = Cleaned()
    del cleaned
    threading.Event().wait(50)
    return 1

run.run = prepare
sys.exit(run.main())
"""


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.mark.parametrize("name", ["PORT", "SANDBOX_PORT"])
def test_a_port_in_use_is_reported_with_the_variable_to_change(name: str, taken_port: int) -> None:
    with pytest.raises(CannotRunError, match=rf"port {taken_port} is in use.*{name}=\d+ make run"):
        check_port_free(name, taken_port)


def test_make_run_ends_with_one_line_if_a_port_is_in_use(taken_port: int) -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "config.local.run"],
        cwd=ROOT,
        env=os.environ | {"PORT": str(taken_port)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 1
    assert answer.stderr.strip().startswith(f"Callboard can't start: port {taken_port} is in use.")
    assert len(answer.stderr.strip().splitlines()) == 1


def test_ctrl_c_while_python_cleans_up_an_object_still_ends_it() -> None:
    """Python drops an exception that is raised there."""
    answer = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_IN_A_CLEANUP],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "cleaned up\n", "")


@pytest.mark.parametrize("value", ["http", "0", "65536", "-1", "80.5"])
def test_an_invalid_port_is_refused(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", value)
    with pytest.raises(CannotRunError, match="is not a port"):
        read_port("PORT", 8000)


def test_ports_have_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PORT", raising=False)
    assert read_port("PORT", 8000) == 8000
    monkeypatch.setenv("PORT", "9000")
    assert read_port("PORT", 8000) == 9000


@pytest.mark.parametrize(
    ("environment", "laptop"),
    [
        ({}, True),
        ({"DEBUG": "true"}, True),
        ({"DEBUG": "true", "SECRET_KEY": "x", "DATABASE_URL": "postgresql:///x"}, True),
        ({"DEBUG": "false"}, False),
        ({"SECRET_KEY": "x"}, False),
        ({"DATABASE_URL": "postgresql:///x"}, False),
    ],
)
def test_a_machine_without_production_settings_is_a_laptop(
    environment: dict[str, str], laptop: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DEBUG", "SECRET_KEY", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert is_laptop() is laptop


def test_variables_that_are_already_set_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBLIC_BASE_URL", "https://tunnel.example")
    monkeypatch.delenv("ROBOTALKER_BASE_URL")
    set_laptop_defaults(port=9000, sandbox_port=9001)
    assert os.environ["PUBLIC_BASE_URL"] == "https://tunnel.example"
    assert os.environ["ROBOTALKER_BASE_URL"] == "http://127.0.0.1:9001"


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://127.0.0.1:8765", True),
        ("http://localhost:8765", True),
        ("https://api.robotalker.example", False),
        ("http://10.0.0.5:8765", False),
        ("", False),
    ],
)
def test_only_a_url_on_this_machine_is_local(url: str, local: bool) -> None:
    assert is_local(url) is local


def test_the_ready_message_says_where_to_go_and_how_to_log_in() -> None:
    message = describe_ready(Addresses(web="http://127.0.0.1:8001", sandbox="http://127.0.0.1:8766"))
    addresses = ["http://127.0.0.1:8001/", "http://127.0.0.1:8766/"]
    for text in [*addresses, "frontdesk", "callboard", "press 1", "Ctrl-C"]:
        assert text in message


def test_the_ready_message_does_not_mention_phones_without_the_sandbox() -> None:
    addresses = Addresses(
        web="http://127.0.0.1:8001", sandbox="", robotalker="https://api.robotalker.example"
    )
    message = describe_ready(addresses)
    assert "phones" not in message
    assert "https://api.robotalker.example" in message
