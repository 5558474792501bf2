"""Find appointments that the file should have but doesn't. They are listed for review, never cancelled."""

from collections.abc import Container
from datetime import datetime

from django.utils.translation import gettext_noop

from contacts.database.arrays import is_any
from contacts.imports.changes import describe_appointment
from contacts.imports.problems import NOT_IN_THE_FILE, Problem, clip, translate
from contacts.models import Appointment, ImportBatch

MISSING = gettext_noop("This appointment is booked here but isn't in the file.")
REVIEW = gettext_noop(
    "If it was cancelled, cancel it here. An import never cancels an appointment that isn't in the file."
)


def find_missing(
    days: tuple[datetime, datetime],
    *,
    ids: Container[str],
    matched: Container[int],
    source: str,
    id_header: str,
    added_by: ImportBatch | None = None,
) -> list[Problem]:
    """Return a note for each booked appointment that no row of the file is about, not even a rejected one.

    Only appointments of `source` count, at all locations, on the `days` of the file (product rule 54).
    `ids`: of the file's appointments; `matched`: appointments (ids here) that rows are about all the same;
    `added_by`: the batch of the file, if its new appointments are written already.
    """
    booked = Appointment.objects.filter(
        source=source, status=Appointment.Status.BOOKED, local_start__range=days
    )
    if added_by:
        booked = booked.exclude(batch=added_by)
    missing = [
        pk
        for pk, external_id in booked.values_list("pk", "external_id").iterator()
        if pk not in matched and external_id not in ids
    ]
    found = Appointment.objects.select_related("location", "contact").filter(is_any("pk", missing))
    return [
        Problem(NOT_IN_THE_FILE, id_header, clip(_describe(each)), *translate((MISSING, REVIEW)))
        for each in found.order_by("local_start", "pk")
    ]


def _describe(appointment: Appointment) -> str:
    where_and_when = describe_appointment(appointment)
    return f"{appointment.external_id}: {where_and_when}" if appointment.external_id else where_and_when
