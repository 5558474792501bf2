"""When beat's ticks are due after a start."""

from contextlib import closing
from pathlib import Path

from config.beat import HeartbeatScheduler
from config.celery import app

OURS = set(app.conf.beat_schedule)


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
