"""`make run` as a whole: stopped at any second, started twice in one folder, and again after kill -9."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.sandbox_server import ROOT, run_sandbox
from tests.waiting import find_free_port
from tests.weather.stack import KINDS, STOP_WITHIN, RunningCallboard

# As the Makefile starts it: Ctrl-C while Python loads the code ends it at once.
AS_MAKE_DOES = (
    "import signal; signal.signal(signal.SIGINT, signal.SIG_DFL); from runpy import run_module;"
    " run_module('config.local.run', run_name='__main__')"
)
# Seconds: while it loads, makes the data of PostgreSQL, migrates, starts its processes, and works.
MOMENTS = (0.1, 0.6, 1.5, 3.0, 6.0, 12.0)


@pytest.fixture(scope="module")
def callboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCallboard]:
    with run_sandbox() as sandbox:
        callboard = RunningCallboard(tmp_path_factory.mktemp("whole"), sandbox)
        try:
            yield callboard
        finally:
            callboard.clean_up()


def test_ctrl_c_at_any_second_ends_it_without_a_traceback_and_leaves_no_process(
    callboard: RunningCallboard,
) -> None:
    for moment in MOMENTS:
        process = subprocess.Popen(
            [sys.executable, "-c", AS_MAKE_DOES],
            cwd=ROOT,
            env=callboard.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        with suppress(subprocess.TimeoutExpired):
            process.wait(moment)
        process.send_signal(signal.SIGINT)
        output = process.communicate(timeout=STOP_WITHIN)[0]
        assert process.returncode in (0, -signal.SIGINT), (moment, output)
        assert "Traceback" not in output, (moment, output)
        assert not callboard.find_pids(*KINDS), moment


def test_a_second_one_in_the_same_folder_is_refused_in_a_line_and_the_first_goes_on(
    callboard: RunningCallboard,
) -> None:
    callboard.start()
    second = subprocess.run(
        [sys.executable, "-m", "config.local.run"],
        cwd=ROOT,
        env=callboard.environment | {"PORT": str(find_free_port()), "SANDBOX_PORT": str(find_free_port())},
        capture_output=True,
        text=True,
        check=False,
    )
    assert second.returncode == 1
    [line] = second.stderr.strip().splitlines()
    assert f"it runs already on the data in {callboard.var}, at port {callboard.port}." in line
    assert callboard.is_ready()
    callboard.stop()
    assert not callboard.find_pids(*KINDS)


def test_it_starts_again_after_everything_was_killed(callboard: RunningCallboard) -> None:
    callboard.start()
    callboard.kill_everything()
    assert not callboard.find_pids(*KINDS, "postgres", "valkey")
    callboard.start()
    callboard.stop()
    assert not callboard.find_pids(*KINDS)
