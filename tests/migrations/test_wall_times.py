"""Appointments that exist get the wall time that was booked, and lose nothing on the way back (product rule 27)."""

import shutil
import sysconfig
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from django.apps.registry import Apps

from reminders.planning.shifts import rederive_times
from tests.migrations.stages import BEFORE_WALL_TIMES, Targets, bring_up_to_date, migrate

AFTER = [("contacts", "0005_wall_times")]
# Zone of the location, the stored moment, and the wall time, fold and zone that it was booked for.
BOOKED = [
    ("America/New_York", (2026, 12, 15, 14, 0), (2026, 12, 15, 9, 0), 0),
    ("America/New_York", (2026, 11, 1, 5, 30), (2026, 11, 1, 1, 30), 0),
    ("America/New_York", (2026, 11, 1, 6, 30), (2026, 11, 1, 1, 30), 1),
    ("America/Vancouver", (2026, 12, 15, 17, 0), (2026, 12, 15, 9, 0), 0),  # by the machine's old rules
    ("Asia/Kolkata", (2026, 12, 15, 3, 30), (2026, 12, 15, 9, 0), 0),  # a zone that the machine lacks
    ("Mars/Olympus_Mons", (2026, 12, 15, 9, 0), (2026, 12, 15, 9, 0), 0),
]


@pytest.fixture
def old_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose files still have the rules that Vancouver shared with Los Angeles."""
    zones = resources.files("tzdata.zoneinfo.America")
    (tmp_path / "America").mkdir()
    for name, rules in [("Vancouver", "Los_Angeles"), ("New_York", "New_York")]:
        with resources.as_file(zones / rules) as file:
            shutil.copy(file, tmp_path / "America" / name)
    real = sysconfig.get_config_var
    monkeypatch.setattr(
        sysconfig, "get_config_var", lambda name: f"/nowhere:{tmp_path}" if name == "TZPATH" else real(name)
    )
    return tmp_path


@pytest.fixture
def before(go_back_to: Callable[[Targets], Apps]) -> Apps:
    return go_back_to(BEFORE_WALL_TIMES)


def book(apps: Any, index: int, zone: str, moment: datetime) -> int:
    location = apps.get_model("contacts", "Location").objects.create(
        name=f"Location {index}", spoken_name="Harbor Clinic", time_zone=zone, callback_number="+12025550199"
    )
    appointment = apps.get_model("contacts", "Appointment").objects.create(
        contact=apps.get_model("contacts", "Contact").objects.create(first_name="Sarah"),
        location=location,
        starts_at=moment,
        ends_at=moment + timedelta(minutes=30),
        revised_at=moment,
    )
    apps.get_model("contacts", "AppointmentChange").objects.create(
        appointment=appointment,
        what="moved",
        revision=1,
        starts_before=moment - timedelta(days=1),
        starts_after=moment,
        at=moment,
    )
    return int(appointment.pk)


def test_the_wall_time_is_what_was_booked_by_the_machine_s_rules(before: Any, old_machine: Path) -> None:
    keys = [
        book(before, index, zone, datetime(*moment, tzinfo=UTC))  # type: ignore[arg-type, misc]
        for index, (zone, moment, _, _) in enumerate(BOOKED)
    ]
    after = migrate(AFTER)
    for key, (zone, moment, wall, fold) in zip(keys, BOOKED, strict=True):
        appointment = after.get_model("contacts", "Appointment").objects.get(pk=key)
        local = datetime(*wall)  # type: ignore[arg-type, misc] # noqa: DTZ001 - a wall time
        assert (appointment.local_start, appointment.fold, appointment.time_zone) == (local, fold, zone)
        assert appointment.starts_at == datetime(*moment, tzinfo=UTC)  # type: ignore[arg-type, misc]
        [change] = appointment.changes.all()
        assert change.local_after == local
        assert change.local_before is not None

    back = migrate(BEFORE_WALL_TIMES[:1])
    moments = (
        back.get_model("contacts", "Appointment").objects.order_by("pk").values_list("starts_at", flat=True)
    )
    assert list(moments) == [datetime(*moment, tzinfo=UTC) for _, moment, _, _ in BOOKED]  # type: ignore[arg-type, misc]


def test_deriving_the_moments_again_then_gives_what_is_ahead_its_right_moment(
    before: Any, old_machine: Path
) -> None:
    year = datetime.now(UTC).year + 1
    key = book(before, 1, "America/Vancouver", datetime(year, 12, 15, 17, tzinfo=UTC))
    after = migrate(AFTER)
    bring_up_to_date()
    assert rederive_times() == 1
    appointment = after.get_model("contacts", "Appointment").objects.get(pk=key)
    assert appointment.starts_at == datetime(year, 12, 15, 16, tzinfo=UTC)
    assert rederive_times() == 0
