"""Appointments that exist get the wall time that was booked, and lose nothing on the way back (product rule 27)."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.apps.registry import Apps

from tests.migrations.stages import BEFORE_WALL_TIMES, Targets, migrate

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
