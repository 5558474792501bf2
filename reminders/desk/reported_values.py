"""What another system says of a visit, beside what it said before and what is booked here (product rule 45).

Kept where lists keep it (contacts/imports/three_way.py), so that a list and the API of one source compare
with what that source said last, by whichever door. A list stands for itself: where staff and the list changed
a value, staff's stays and both are listed. A report of the API is answered, so here the newer statement
counts, and the answer names what was kept.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from contacts.appointments import keep_said
from contacts.imports.known_visits import recall_said
from contacts.imports.rows import location_key
from contacts.imports.three_way import REPORTED, Said, read_appointment_values, read_memory, say_slot
from contacts.models import Appointment, Location, Provider
from contacts.wall_times import read_clock

Status = Appointment.Status
TIMED = frozenset({"slot", "minutes", "provider"})


class KeptCorrection(TextChoices):
    """What staff changed here and the system says as before. The value is a field of the API."""

    SLOT = "starts_at", _("Staff changed the time or the place here. Your system says what it said before.")
    MINUTES = "ends_at", _("Staff changed the length here. Your system says what it said before.")
    PROVIDER = "provider", _("Staff changed the provider here. Your system says what it said before.")
    KIND = "kind", _("Staff changed the kind here. Your system says what it said before.")
    STATUS = "status", _("Staff changed the status here. Your system says what it said before.")


CORRECTIONS = {
    "slot": KeptCorrection.SLOT,
    "minutes": KeptCorrection.MINUTES,
    "provider": KeptCorrection.PROVIDER,
    "kind": KeptCorrection.KIND,
    "status": KeptCorrection.STATUS,
}


@dataclass(frozen=True)
class ReportedBooking:
    """What a visit is to be; None is as it is. Times are aware; `starts_at` alone keeps the length."""

    location: Location | None = None
    provider: Provider | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    kind: str | None = None
    status: str | None = None


def read_said(appointment: Appointment, wanted: ReportedBooking) -> Said:
    """What a report says of the fields that it names, as lists keep it."""
    said: Said = {}
    if wanted.starts_at:
        location = wanted.location or appointment.location
        local_start, _fold = read_clock(wanted.starts_at, location.time_zone)
        said["slot"] = say_slot(local_start, location.name)
        if wanted.ends_at:
            said["minutes"] = str(int((wanted.ends_at - wanted.starts_at).total_seconds() // 60))
    if wanted.provider:
        said["provider"] = location_key(wanted.provider.name)
    if wanted.kind is not None:
        said["kind"] = wanted.kind
    if wanted.status:
        said["status"] = wanted.status
    return said


def read_said_before(appointment: Appointment) -> Said:
    """What the appointment's source said last; from its history if that was before such values were kept."""
    if not appointment.source:
        return {}
    kept = read_memory(appointment, appointment.source)
    return recall_said([appointment.pk]).get(appointment.pk, {}) if kept is None else kept


def find_corrections(
    said: Said, before: Said, appointment: Appointment, *, books_again: bool = False
) -> Collection[str]:
    """The fields of `said` in which staff's value stays: the source says what it said before.

    A visit that staff cancelled stays cancelled only if its time, too, is as before; another time is another
    visit. `books_again`: the report says that it is meant.
    """
    held = read_appointment_values(appointment)
    # the source says that a visit takes place by saying nothing else
    known = {**before, "status": before.get("status") or Status.BOOKED}
    kept = {name for name, value in said.items() if value != held[name] and value == known.get(name)}
    is_new_visit = any(said[name] not in (held[name], known.get(name)) for name in TIMED & said.keys())
    if appointment.status == Status.CANCELLED and (books_again or is_new_visit):
        kept.discard("status")
    return kept


def leave_out(wanted: ReportedBooking, kept: Collection[str], appointment: Appointment) -> ReportedBooking:
    """The report without what stays as staff have it. A new length counts from the time that stays."""
    if "slot" in kept and wanted.starts_at:
        length = wanted.ends_at - wanted.starts_at if wanted.ends_at else None
        ends_at = appointment.wall_start + length if length else None
        wanted = replace(wanted, starts_at=None, location=None, ends_at=ends_at)
    return replace(
        wanted,
        ends_at=None if "minutes" in kept else wanted.ends_at,
        provider=None if "provider" in kept else wanted.provider,
        kind=None if "kind" in kept else wanted.kind,
        status=None if "status" in kept else wanted.status,
    )


def remember_said(appointment: Appointment, said: Said, before: Said) -> None:
    """Keep what the source said now, and that it came by the API, so that no undo of a list removes it.

    An appointment that was booked here has none.
    """
    if appointment.source and said:
        keep_said(appointment.pk, appointment.source, {**before, **said, REPORTED: "yes"})
