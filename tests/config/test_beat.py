"""When beat's ticks are due, also when the clock is set (product rule 28), and when beat is ended."""

import subprocess
import sys
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from celery.beat import ScheduleEntry

from config.beat import HeartbeatScheduler
from config.celery import app

OURS = set(app.conf.beat_schedule)
HOURLY = {"retention", "pull", "forget", "import-files", "old-lists"}
ROOT = Path(__file__).resolve().parent.parent.parent
STANDS_STILL = """
import sys, threading
from celery.beat import Service
from config import beat
from config.celery import app
beat.STUCK_AFTER, beat.HEARTBEAT_EVERY = 0.3, 0.1
class StuckScheduler(beat.HeartbeatScheduler):
    def tick(self, *args, **kwargs):
        threading.Event().wait()
Service(app, scheduler_cls=StuckScheduler, schedule_filename=sys.argv[1]).start()
"""
NOON = datetime(2026, 7, 14, 12, 1, tzinfo=UTC)


def start_beat(folder: Path) -> HeartbeatScheduler:
    return HeartbeatScheduler(app, schedule_filename=str(folder / "schedule"))


def list_due(beat: HeartbeatScheduler) -> set[str]:
    return {name for name in OURS if beat.schedule[name].is_due()[0]}


def test_every_tick_is_due_when_beat_starts_for_the_first_time(tmp_path: Path) -> None:
    with closing(start_beat(tmp_path)) as beat:
        assert list_due(beat) == OURS


def test_a_restarted_beat_continues_its_schedule(tmp_path: Path) -> None:
    with closing(start_beat(tmp_path)) as beat:
        beat.reserve(beat.schedule["plan"])
    with closing(start_beat(tmp_path)) as beat:
        assert list_due(beat) == OURS - {"plan"}


class Beat:
    """A beat whose ticks are collected instead of sent, by a clock that the test sets."""

    def __init__(self, folder: Path, clock: time_machine.Traveller) -> None:
        self.scheduler = start_beat(folder)
        self.sent: list[str] = []
        self._clock = clock
        vars(self.scheduler).update(producer=None, apply_entry=self._collect)  # no broker is needed

    def _collect(self, entry: ScheduleEntry, producer: object = None) -> None:
        self.sent.append(str(entry.name))

    def run(self, seconds: float) -> set[str]:
        """Run for this long; which ticks were sent."""
        self.sent.clear()
        while seconds > 0:
            pause = min(max(self.scheduler.tick(), 0) + 0.02, seconds)
            self._clock.shift(pause)
            seconds -= pause
        return set(self.sent)


@pytest.mark.parametrize("back", [timedelta(seconds=70), timedelta(hours=1), timedelta(days=30)], ids=str)
def test_ticks_go_on_within_seconds_when_the_clock_is_set_back(tmp_path: Path, back: timedelta) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        beat = Beat(tmp_path, clock)
        with closing(beat.scheduler):
            beat.run(200)
            clock.shift(-back)
            assert beat.run(4) >= OURS - HOURLY, "each was last sent in the future"
            beat.run(60)
            assert beat.sent.count("dispatch") == pytest.approx(20, abs=2), "and then as often as ever"


def test_ticks_go_on_when_beat_is_started_again_after_the_clock_was_set_back(tmp_path: Path) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        beat = Beat(tmp_path, clock)
        with closing(beat.scheduler):
            beat.run(200)
        clock.shift(-timedelta(hours=1))
        restarted = Beat(tmp_path, clock)
        with closing(restarted.scheduler):
            assert restarted.run(4) == OURS


def test_no_tick_is_sent_twice_while_the_clock_only_goes_on(tmp_path: Path) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        beat = Beat(tmp_path, clock)
        with closing(beat.scheduler):
            beat.run(60)
            beat.run(60)
            assert beat.sent.count("plan") == 1
            assert beat.sent.count("dispatch") == pytest.approx(20, abs=1)


def test_a_beat_that_stands_still_ends_so_that_it_is_started_again(tmp_path: Path) -> None:
    command = [sys.executable, "-c", STANDS_STILL, str(tmp_path / "schedule")]
    ended = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 1
    assert "beat has stood still" in ended.stderr


def test_only_the_process_of_beat_is_ended(tmp_path: Path) -> None:
    with closing(start_beat(tmp_path)):
        assert "beat watchdog" not in {thread.name for thread in threading.enumerate()}
