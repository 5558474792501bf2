"""Find appointments that the file should have but doesn't. They are listed for review, never cancelled."""

from collections.abc import Sequence
from datetime import datetime, time

from contacts.database.arrays import is_any
from contacts.imports.changes import describe_appointment
from contacts.imports.plans import Plan
from contacts.imports.problems import NOT_IN_THE_FILE, Problem, clip
from contacts.imports.rows import RowResult
from contacts.models import Appointment, ImportBatch

MISSING = "This appointment is booked here but isn't in the file."
REVIEW = "If it was cancelled, cancel it here. An import never cancels an appointment that isn't in the file."


def find_missing(
    results: Sequence[RowResult],
    plan: Plan,
    *,
    source: str,
    id_header: str,
    added_by: ImportBatch | None = None,
) -> list[Problem]:
    """Return a note for each booked appointment that no row of the file is about, not even a rejected one.

    Only appointments of `source` count, at all locations, from the file's first day to its last (product
    rule 54). `added_by`: the batch of the file, if its new appointments are written already.
    """
    starts = [each.row.local_start for each in plan.rows]
    if not starts:
        return []
    first, last = min(starts), max(starts)
    days = (datetime.combine(first, time.min), datetime.combine(last, time.max))
    in_the_file = {appointment.pk for appointment in plan.known_appointments}
    ids = {each.appointment_id for each in results if each.appointment_id}
    booked = Appointment.objects.filter(
        source=source, status=Appointment.Status.BOOKED, local_start__range=days
    )
    if added_by:
        booked = booked.exclude(batch=added_by)
    missing = [
        pk
        for pk, external_id in booked.values_list("pk", "external_id")
        if pk not in in_the_file and external_id not in ids
    ]
    found = Appointment.objects.select_related("location", "contact").filter(is_any("pk", missing))
    return [
        Problem(NOT_IN_THE_FILE, id_header, clip(_describe(each)), MISSING, REVIEW)
        for each in found.order_by("local_start", "pk")
    ]


def _describe(appointment: Appointment) -> str:
    where_and_when = describe_appointment(appointment)
    return f"{appointment.external_id}: {where_and_when}" if appointment.external_id else where_and_when
