"""How `make run` handles a first and a second Ctrl-C and a process that ends, with real processes."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings

from config import health
from config.local.processes import WORKER_QUEUES, build_commands
from config.queues import ASKING_QUEUE, DISPATCH_QUEUE, EVENTS_QUEUE
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parent.parent.parent
# Runs the given commands as `make run` does, and prints how they ended.
SUPERVISOR = """
import json, sys
from config.local.processes import Processes
processes = Processes(json.loads(sys.argv[1]), when_started=lambda: None, stop_within=float(sys.argv[2]))
processes.loop()
print("BY HAND" if processes.stopped_by_hand else "ENDED " + processes.ended_first, flush=True)
"""


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


SLEEPS = python("import time; print('UP', flush=True); time.sleep(60)")
DIES = python("import sys; print('UP', flush=True); sys.exit(3)")
STUBBORN = python("""
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("UP", flush=True)
while True:
    signal.pause()
""")
# Its child, as a worker has some, does not stop when its parent does.
WITH_CHILD = python(f"""
import signal, subprocess, sys
child = subprocess.Popen({STUBBORN}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
child.stdout.readline()
print("UP child", child.pid, flush=True)
signal.pause()
""")


class Supervisor:
    """A small `make run`."""

    def __init__(self, commands: dict[str, list[str]], stop_within: float) -> None:
        self.count = len(commands)
        self.process = subprocess.Popen(
            [sys.executable, "-c", SUPERVISOR, json.dumps(commands), str(stop_within)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def read_until_up(self) -> str:
        return self.read_until("UP", times=self.count)

    def read_until(self, text: str, times: int = 1) -> str:
        assert self.process.stdout is not None
        seen = ""
        while seen.count(text) < times:
            line = self.process.stdout.readline()
            assert line, f"{text} wasn't printed; the output was: {seen}"
            seen += line
        return seen

    def press_ctrl_c(self) -> None:
        os.killpg(
            self.process.pid, signal.SIGINT
        )  # a terminal sends it to the whole foreground process group

    def wait(self) -> str:
        return self.process.communicate(timeout=20)[0]

    def clean_up(self) -> None:
        if self.process.poll() is None:  # the test failed before the end
            self.press_ctrl_c()
            self.press_ctrl_c()
            self.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


Supervise = Callable[..., Supervisor]


@pytest.fixture
def supervise() -> Iterator[Supervise]:
    started: list[Supervisor] = []

    def start(stop_within: float = 30, **commands: list[str]) -> Supervisor:
        started.append(Supervisor(commands, stop_within))
        return started[-1]

    yield start
    for supervisor in started:
        supervisor.clean_up()


def test_one_ctrl_c_stops_all_processes(supervise: Supervise) -> None:
    supervisor = supervise(web=SLEEPS, worker=SLEEPS)
    pids = find_pids(supervisor.read_until_up())
    supervisor.press_ctrl_c()
    assert "BY HAND" in supervisor.wait()
    assert not [pid for pid in pids if is_alive(pid)]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_sigterm_and_sighup_stop_all_processes(supervise: Supervise, number: signal.Signals) -> None:
    supervisor = supervise(web=SLEEPS, worker=SLEEPS)
    pids = find_pids(supervisor.read_until_up())
    supervisor.process.send_signal(number)
    assert "BY HAND" in supervisor.wait()
    assert not [pid for pid in pids if is_alive(pid)]


def test_a_second_ctrl_c_kills_a_process_that_does_not_stop(supervise: Supervise) -> None:
    supervisor = supervise(worker=STUBBORN)
    (pid,) = find_pids(supervisor.read_until_up())
    supervisor.press_ctrl_c()
    supervisor.read_until("sending SIGTERM")
    assert is_alive(pid)
    supervisor.press_ctrl_c()
    assert "BY HAND" in supervisor.wait()
    assert not is_alive(pid)


def test_a_process_that_does_not_stop_is_killed_after_a_time(supervise: Supervise) -> None:
    supervisor = supervise(stop_within=0.5, worker=STUBBORN)
    (pid,) = find_pids(supervisor.read_until_up())
    supervisor.press_ctrl_c()
    assert "sending SIGKILL to worker" in supervisor.wait()
    assert not is_alive(pid)


def test_a_process_that_is_killed_is_started_again_and_the_others_run_on(supervise: Supervise) -> None:
    supervisor = supervise(web=SLEEPS, worker=WITH_CHILD)
    output = supervisor.read_until_up()
    web, worker = (int(re.findall(rf"{name} started \(pid=(\d+)\)", output)[0]) for name in ("web", "worker"))
    child = int(output.rpartition("child ")[2].split()[0])
    os.kill(worker, signal.SIGKILL)
    output = supervisor.read_until("UP")
    assert "worker ended (exit code -9): it is started again in 0.5 s" in output
    wait_until_gone(child)
    assert is_alive(web)
    supervisor.press_ctrl_c()
    assert "BY HAND" in supervisor.wait()
    assert not [pid for pid in (web, *find_pids(output)) if is_alive(pid)]


def test_all_processes_end_if_make_run_itself_is_killed(supervise: Supervise) -> None:
    supervisor = supervise(web=SLEEPS, worker=WITH_CHILD)
    output = supervisor.read_until_up()
    supervisor.process.kill()
    for pid in (*find_pids(output), int(output.rpartition("child ")[2].split()[0])):
        wait_until_gone(pid)


def test_a_process_that_ends_at_each_start_is_named_and_stops_the_others(
    supervise: Supervise,
) -> None:
    supervisor = supervise(web=SLEEPS, worker=DIES)
    output = supervisor.wait()
    assert "ENDED worker (exit code 3)" in output
    assert not [pid for pid in find_pids(output) if is_alive(pid)]


def test_a_child_that_does_not_stop_is_killed_when_its_parent_has_ended(supervise: Supervise) -> None:
    supervisor = supervise(worker=WITH_CHILD)
    output = supervisor.read_until_up()
    supervisor.press_ctrl_c()
    assert "BY HAND" in supervisor.wait()
    wait_until_gone(int(output.rpartition("child ")[2]))


def test_every_queue_is_taken_by_exactly_one_worker() -> None:
    routed = {route["queue"] for route in settings.CELERY_TASK_ROUTES.values()}
    taken = [queue for queues in WORKER_QUEUES.values() for queue in queues.split(",")]
    assert sorted(taken) == sorted({*routed, settings.CELERY_TASK_DEFAULT_QUEUE})


def test_tasks_that_wait_for_robotalker_and_patients_answers_have_their_own_workers() -> None:
    commands = build_commands(port=8000, sandbox_port=None, var=Path("var"))
    taken = [
        set(command[command.index("-Q") + 1].split(",")) for command in commands.values() if "-Q" in command
    ]
    assert {DISPATCH_QUEUE, ASKING_QUEUE} in taken
    assert {EVENTS_QUEUE} in taken, "patients' answers wait for nothing else"
    assert set().union(*taken) == health.QUEUES


def test_the_sandbox_is_started_only_with_a_port() -> None:
    assert "sandbox" not in build_commands(port=8000, sandbox_port=None, var=Path("var"))
    commands = build_commands(port=8000, sandbox_port=8765, var=Path("var"), zone="America/Denver")
    assert commands["sandbox"][-2:] == ["--zone", "America/Denver"], "its phones go by the clinic's clock"


def find_pids(output: str) -> list[int]:
    return [int(pid) for pid in re.findall(r"started \(pid=(\d+)\)", output)]


def is_alive(pid: int) -> bool:
    """Whether the process runs; a zombie doesn't."""
    answer = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return answer.stdout.strip()[:1] not in ("", "Z")


def wait_until_gone(pid: int) -> None:
    wait_until(lambda: not is_alive(pid), f"process {pid} to end")
