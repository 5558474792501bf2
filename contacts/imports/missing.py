"""Find appointments that the file should have but doesn't. They are listed for review, never cancelled."""

from collections.abc import Sequence

from contacts.imports.planning import Plan
from contacts.imports.practice import KnownPractice
from contacts.imports.problems import NOT_IN_THE_FILE, Problem, clip
from contacts.imports.rows import RowResult, location_key
from contacts.models import Appointment

MISSING = "This appointment is booked here but isn't in the file."
REVIEW = "If it was cancelled, cancel it here. An import never cancels an appointment that isn't in the file."


def find_missing(
    results: Sequence[RowResult], plan: Plan, practice: KnownPractice, *, source: str, id_header: str
) -> list[Problem]:
    """Return a note for each booked appointment that no row of the file is about, not even a rejected one.

    Only appointments of `source` count, at the file's locations and between its first and last start.
    """
    rows = [each.row for each in plan.rows]
    keys = {location_key(row.location) for row in rows}
    locations = [location for key, location in practice.locations.items() if key in keys]
    if not rows or not locations:
        return []
    missing = (
        Appointment.objects.filter(
            source=source,
            status=Appointment.Status.BOOKED,
            location__in=locations,
            local_start__range=(min(row.local_start for row in rows), max(row.local_start for row in rows)),
        )
        .exclude(pk__in={each.appointment.pk for each in plan.rows if each.appointment})
        .exclude(external_id__in={each.appointment_id for each in results if each.appointment_id})
        .select_related("location", "contact")
        .order_by("local_start", "pk")
    )
    return [Problem(NOT_IN_THE_FILE, id_header, clip(_describe(each)), MISSING, REVIEW) for each in missing]


def _describe(appointment: Appointment) -> str:
    person, location = appointment.contact.full_name, appointment.location.name
    when = f"{appointment.local_start:%Y-%m-%d %H:%M}, {person}, {location}"
    return f"{appointment.external_id}: {when}" if appointment.external_id else when
