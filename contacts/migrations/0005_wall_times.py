"""An appointment keeps the wall time that was booked, and the zone it was booked in (product rule 27).

For appointments that exist, the wall time is what their moment is on the clocks of their location. It is read
by the zone files of this machine, where it has any, and not by the package `tzdata`: until now Python took
moments and spoken times from the machine's files, so they give back what was entered and what patients were
told. (This assumes that these files are still as old as when the appointments were booked. Where they were
updated in between and a country had changed its rules, the wall time of its appointments is an hour off.)
`manage.py rederive_times`, which is run after each migration, then gives what is ahead the right moment.
"""

import sysconfig
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from django.apps.registry import Apps
from django.db import connection, migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

import contacts.models.local_times

CHUNK = 5_000
FILL_APPOINTMENTS = """
    UPDATE contacts_appointment AS appointment
    SET local_start = booked.local_start, fold = booked.fold, time_zone = booked.zone
    FROM unnest(%s::bigint[], %s::timestamp[], %s::smallint[], %s::text[])
        AS booked (id, local_start, fold, zone)
    WHERE appointment.id = booked.id
"""
FILL_CHANGES = """
    UPDATE contacts_appointmentchange AS change
    SET local_before = booked.local_before, local_after = booked.local_after
    FROM unnest(%s::bigint[], %s::timestamp[], %s::timestamp[]) AS booked (id, local_before, local_after)
    WHERE change.id = booked.id
"""


def fill(apps: Apps, _editor: BaseDatabaseSchemaEditor) -> None:
    zones: dict[str, ZoneInfo] = {}
    appointments = apps.get_model("contacts", "Appointment").objects.order_by("pk")
    for chunk in _read(appointments, "pk", "starts_at", "location__time_zone"):
        shown = [(pk, _show(moment, zone, zones), zone) for pk, moment, zone in chunk]
        _execute(
            FILL_APPOINTMENTS,
            [pk for pk, _, _ in shown],
            [local.replace(tzinfo=None, fold=0) for _, local, _ in shown],
            [local.fold for _, local, _ in shown],
            [zone for _, _, zone in shown],
        )
    changes = apps.get_model("contacts", "AppointmentChange").objects.order_by("pk")
    for chunk in _read(changes, "pk", "starts_before", "starts_after", "appointment__location__time_zone"):
        told = [
            (pk, *(moment and _show(moment, zone, zones).replace(tzinfo=None, fold=0) for moment in moments))
            for pk, *moments, zone in chunk
        ]
        _execute(FILL_CHANGES, *map(list, zip(*told, strict=True)))


def _read(rows: models.QuerySet, *columns: str) -> Iterator[list[tuple]]:
    last = 0
    while chunk := list(rows.filter(pk__gt=last).values_list(*columns)[:CHUNK]):
        yield chunk
        last = chunk[-1][0]


def _show(moment: datetime, zone: str, zones: dict[str, ZoneInfo]) -> datetime:
    if zone not in zones:
        zones[zone] = _load_old_zone(zone)
    return moment.astimezone(zones[zone])


def _load_old_zone(name: str) -> ZoneInfo:
    """The zone as Python has found it until now: the machine's file, else the package's; UTC for neither."""
    for folder in (sysconfig.get_config_var("TZPATH") or "").split(":"):
        file = Path(folder) / name
        if folder and file.is_file():
            with file.open("rb") as content:
                return ZoneInfo.from_file(content, key=name)
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")


def _execute(statement: str, *columns: list) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, columns)


def local_times(**options: object) -> models.Field:
    return contacts.models.local_times.LocalDateTimeField(**options)


class Migration(migrations.Migration):
    dependencies = [("contacts", "0004_unusable_codes")]

    operations = [
        migrations.AddField("appointment", "local_start", local_times(editable=False, null=True)),
        migrations.AddField(
            "appointment",
            "fold",
            models.PositiveSmallIntegerField(
                default=0,
                editable=False,
                help_text="1: the later of two equal times, when clocks go back.",
            ),
        ),
        migrations.AddField(
            "appointment", "time_zone", models.CharField(default="UTC", editable=False, max_length=64)
        ),
        migrations.AddField(
            "appointmentchange",
            "local_before",
            local_times(
                blank=True,
                help_text="The time that was booked before, by the location's clock.",
                null=True,
            ),
        ),
        migrations.AddField(
            "appointmentchange",
            "local_after",
            local_times(blank=True, help_text="The time that is booked, by the location's clock.", null=True),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.AlterField(
            "appointment",
            "local_start",
            local_times(editable=False, help_text="The date and time that were booked."),
        ),
        migrations.AlterField(
            "appointment",
            "time_zone",
            models.CharField(editable=False, help_text="The time zone that it was booked in.", max_length=64),
        ),
        migrations.AlterField(
            "appointmentchange",
            "what",
            models.CharField(
                choices=[
                    ("booked", "booked"),
                    ("imported", "imported"),
                    ("moved", "moved"),
                    ("cancelled", "cancelled"),
                    ("reinstated", "booked again"),
                    ("confirmed", "confirmed"),
                    ("wants_another_time", "asked for another time"),
                    ("arrived", "arrived"),
                    ("no_show", "did not come"),
                    ("corrected", "put back to booked"),
                    ("call_ordered", "ordered a call now"),
                    ("step_skipped", "skipped a reminder"),
                    ("zone_corrected", "time zone corrected"),
                    ("rules_changed", "clock rules changed"),
                ],
                max_length=20,
            ),
        ),
        migrations.RemoveIndex("appointment", "appointment_day_of_location"),
        migrations.AddIndex(
            "appointment",
            models.Index(fields=["location", "local_start"], name="appointment_local_day"),
        ),
    ]
