"""With invalid settings no process starts in production."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
SAFE = {
    "DEBUG": "false",
    "DATABASE_URL": os.environ["DATABASE_URL"],
    "REDIS_URL": os.environ["REDIS_URL"],
    "SECRET_KEY": "Zk3v-9QmW2x_Lr7TnB4yHc8dSfG1pJ6uEaX0oVtYiRqKwNbMzC5",
    "WEBHOOK_KEYS": "5CzMbNwKqRiYtVo0XaEu6Jp1GfSd8cHy4BnT7rL_x2WmQ9-v3kZ",
    "ALLOWED_HOSTS": "callboard.example.org",
    "PUBLIC_BASE_URL": "https://callboard.example.org",
    "ROBOTALKER_BASE_URL": "https://api.robotalker.example",
    "ROBOTALKER_API_KEY": "not-a-key",
    "ROBOTALKER_FROM_NUMBER": "+12125550100",
    "PATH": os.environ["PATH"],
}
NO_DEMO_LOGINS = """
from django.conf import settings
assert not [name for name in settings.TEMPLATES[0]["OPTIONS"]["context_processors"] if "demo" in name]
"""
STARTS = {
    "web": "import config.wsgi",
    "worker": "from celery import signals; import config.celery; signals.worker_init.send(None)",
    "beat": "from celery import signals; import config.celery; signals.beat_init.send(None)",
}


@pytest.mark.parametrize("process", STARTS)
def test_no_process_starts_with_an_http_public_url(process: str) -> None:
    started = start(process, PUBLIC_BASE_URL="http://callboard.example.org")
    assert started.returncode != 0
    assert "PUBLIC_BASE_URL" in started.stderr


@pytest.mark.parametrize("process", STARTS)
def test_each_process_starts_with_valid_settings(process: str) -> None:
    started = start(process)
    assert started.returncode == 0, started.stderr


def test_production_has_no_context_processor_for_demo_logins() -> None:
    environment = SAFE | {"DJANGO_SETTINGS_MODULE": "config.settings"}
    subprocess.run([sys.executable, "-c", NO_DEMO_LOGINS], cwd=ROOT, env=environment, check=True)


def start(process: str, **changes: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", STARTS[process]],
        cwd=ROOT,
        env=SAFE | changes,
        capture_output=True,
        text=True,
        check=False,
    )
