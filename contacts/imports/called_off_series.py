"""A calendar that calls off a whole series by its UID alone, without the rule that says when its visits are.

Each visit of it that is booked here and still to come is cancelled (product rule 44).
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from contacts.database.arrays import is_any_external_id
from contacts.imports.reading.event_ids import (
    KEPT_OF_ID,
    OF_A_SERIES,
    find_beginning,
    is_of_series,
    is_on_day,
)
from contacts.imports.rows import RowResult
from contacts.models import Appointment


def replace_series(cancelling: Sequence[RowResult], source: str) -> Iterator[RowResult]:
    """These rows of a calendar, which cancel; one that means a series as a result for each of its visits.

    Where a single event has become a series, a visit of the past may still have the UID alone. It stays.
    """
    ids = {each.appointment_id for each in cancelling if each.appointment_id}
    here = Appointment.objects.filter(source=source)
    known = dict(here.filter(is_any_external_id(ids)).values_list("external_id", "starts_at"))
    now = timezone.now()
    visits = _read_visits_of_series(here) if ids else {}
    for each in cancelling:
        uid = each.appointment_id
        beginnings = {uid, uid[:KEPT_OF_ID], uid.rpartition("/")[0]}
        alike = [visit for beginning in beginnings for visit in visits.get(beginning, ())]
        of_series = [
            visit.external_id for visit in alike if is_of_series(visit.external_id, uid, visit.wall_start)
        ]
        of_day = [visit for visit in alike if is_on_day(visit.external_id, uid, visit.wall_start)]
        if of_series:
            if uid in known and known[uid] > now:
                of_series.append(uid)
            for visit_id in of_series:
                yield RowResult(each.line, visit_id, None, (), cancels=True, version=each.version)
        elif uid not in known and len(of_day) == 1:
            yield replace(each, appointment_id=of_day[0].external_id)
        else:
            yield each


def _read_visits_of_series(here: "QuerySet[Appointment]") -> dict[str, list[Appointment]]:
    """Visits in series, booked and to come, by what their ids begin with."""
    coming = here.filter(
        status=Appointment.Status.BOOKED, starts_at__gt=Now(), external_id__regex=OF_A_SERIES
    )
    visits: defaultdict[str, list[Appointment]] = defaultdict(list)
    for visit in coming.only("external_id", "local_start", "time_zone", "fold"):
        visits[find_beginning(visit.external_id)].append(visit)
    return visits
