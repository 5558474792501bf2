"""The short form of `make torture`: the same program with fewer reminders and kills.

It runs Callboard's dispatch alone. That the oracle would find a broken rule is held by test_oracle.py, and by
the two naive strategies in `make torture`.
"""

import os
import subprocess
import sys

import pytest

from tests.sandbox_server import ROOT

SHORT = {"TORTURE_REMINDERS": "80", "TORTURE_KILLS": "6", "TORTURE_SEED": "7"}
OF_PYTEST = {"DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE"}
WITHIN_SECONDS = 600  # on a busy machine; usually about one minute


@pytest.mark.torture
def test_killed_workers_lost_answers_and_outages_double_and_lose_no_call() -> None:
    environment = {name: value for name, value in os.environ.items() if name not in OF_PYTEST} | SHORT
    command = [sys.executable, "-m", "tests.torture", "ours"]
    torture = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        output, _ = torture.communicate(timeout=WITHIN_SECONDS)
    finally:
        torture.terminate()
        torture.wait(60)
    assert torture.returncode == 0, output
