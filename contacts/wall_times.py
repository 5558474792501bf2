"""Wall times: what the clocks at a location show, and the moment that they stand for. Pure.

A visit is booked for a wall time in a zone (product rule 27). The moment follows from them by the rules of
the zone that are known today; when the rules change, the wall time stays and the moment moves.
"""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo


def find_moment(local: datetime, zone: str, fold: int = 0) -> datetime:
    """The moment (aware UTC) at which clocks in `zone` show `local` (naive).

    Of a time that occurs twice, the later one with `fold` 1. A time that the clocks skip is read as if they
    went forward a little later (2:30 in a gap from 2:00 to 3:00 is the moment at which they show 3:30).
    Raises KeyError or ValueError if no zone has that name.
    """
    return local.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


def read_clock(moment: datetime, zone: str) -> tuple[datetime, int]:
    """What clocks in `zone` show at `moment` (aware): a naive datetime, and 1 for the later of two, else 0.

    A moment that is given in that very zone keeps its wall time as it is.
    """
    shown = moment.astimezone(ZoneInfo(zone))
    return shown.replace(tzinfo=None, fold=0), shown.fold


def is_skipped(local: datetime, zone: str) -> bool:
    """Whether the clocks in `zone` never show `local` (naive)."""
    return read_clock(find_moment(local, zone), zone)[0] != local
