"""The short form of `make torture`: the very same program, with less of everything."""

import os
import subprocess
import sys

import pytest

from tests.sandbox_server import ROOT

SHORT = {"TORTURE_REMINDERS": "120", "TORTURE_KILLS": "10", "TORTURE_SEED": "7"}
OF_PYTEST = {"DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE"}
WITHIN_SECONDS = 600  # on a machine that is busy with other things; usually about one minute


@pytest.mark.torture
def test_kills_lost_answers_and_lost_servers_double_and_lose_nothing_and_the_oracle_would_know() -> None:
    environment = {name: value for name, value in os.environ.items() if name not in OF_PYTEST} | SHORT
    command = [sys.executable, "-m", "tests.torture"]
    torture = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        told, _ = torture.communicate(timeout=WITHIN_SECONDS)
    finally:
        torture.terminate()
        torture.wait(60)
    assert torture.returncode == 0, told
