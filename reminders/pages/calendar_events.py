"""What the calendar's script draws: visits, crowded times of a week, and when a location is closed."""

from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contacts.clock_habits import write_clock
from contacts.templatetags.chips import VISIT_LOOKS
from reminders.pages.calendar import CalendarView, CalendarVisit
from reminders.pages.calendar_crowds import CrowdedTime, count_beside, fold_crowded
from reminders.pages.provider_day import A_DAY

NO_PROVIDER = "none"


def list_events(
    view: CalendarView, find_day: Callable[[date], str], *, shows_names: bool, may_move: bool
) -> list[dict[str, Any]]:
    """Everything that the calendar draws, as its script takes it: visits and times that are closed.

    `find_day`: the address of a day's own calendar, where a crowded time of a week is shown in full.
    """
    columns = [str(one.pk) for one in view.columns] + ([NO_PROVIDER] if view.has_visits_of_nobody else [])
    events = list[dict[str, Any]]()
    for shown in view.days:
        for entry in shown.visits if len(view.days) == 1 else fold_crowded(shown.visits):
            if isinstance(entry, CrowdedTime):
                events.append(_describe_crowd(entry, find_day(shown.day)))
            else:
                events.append(_describe_visit(entry, shows_names=shows_names, may_move=may_move))
        for begin, end in _list_closed(view, shown.day):
            events.append(
                {
                    "start": _write(begin),
                    "end": _write(end),
                    "display": "background",
                    "resourceIds": columns,
                    "className": "closed-time",
                }
            )
    return events


def count_beside_in_columns(view: CalendarView) -> int:
    """How many visits stand beside each other in one column of a day, at most."""
    columns: dict[int | None, list[CalendarVisit]] = {}
    for visit in view.visits:
        if not visit.elsewhere:
            columns.setdefault(visit.provider_id, []).append(visit)
    return max(map(count_beside, columns.values()), default=0)


def _list_closed(view: CalendarView, day: date) -> Iterator[tuple[datetime, datetime]]:
    """What is greyed on that day: before, between and after its opening hours; all of a closed day."""
    midnight = datetime.combine(day, time.min)
    closed_from = midnight
    for begin, end in view.open_times.spans_of(day):
        opens, closes = begin.replace(tzinfo=None), end.replace(tzinfo=None)
        if opens > closed_from:
            yield closed_from, opens
        closed_from = closes
    yield closed_from, midnight + A_DAY


def _describe_visit(visit: CalendarVisit, *, shows_names: bool, may_move: bool) -> dict[str, Any]:
    times = {
        "id": visit.pk,
        "start": _write(visit.starts_at),
        "end": _write(visit.drawn_until),
        "resourceIds": [str(visit.provider_id) if visit.provider_id else NO_PROVIDER],
    }
    if visit.elsewhere:
        words = _("At %(place)s") % {"place": visit.elsewhere}
        return times | {"display": "background", "className": "elsewhere", "title": words}
    return times | {
        "title": visit.name if shows_names else _("A patient"),
        "className": f"visit visit-{visit.state}",
        "editable": may_move and visit.can_move,
        "extendedProps": {
            "address": visit.href,
            "move": f"{visit.href}move/",
            "clock": write_clock(visit.starts_at),
            "kind": visit.kind,
            "provider": visit.provider,
            "state": visit.state,
            "word": visit.word,
            "minutes": int((visit.ends_at - visit.starts_at).total_seconds() // 60),
            "wall": _write(visit.starts_at),
        },
    }


def _describe_crowd(crowd: CrowdedTime, address: str) -> dict[str, Any]:
    count = len(crowd.visits)
    states = [(state, str(VISIT_LOOKS[state].word), number) for state, number in crowd.states.most_common()]
    return {
        "id": f"crowd-{_write(crowd.starts_at)}",
        "start": _write(crowd.starts_at),
        "end": _write(crowd.ends_at),
        "title": ngettext("%(count)d visit", "%(count)d visits", count) % {"count": count},
        "className": "visit crowd",
        "editable": False,
        "extendedProps": {
            "address": address,
            "clock": write_clock(crowd.starts_at),
            "states": states,
            "minutes": int((crowd.ends_at - crowd.starts_at).total_seconds() // 60),
        },
    }


def _write(wall: datetime) -> str:
    return wall.isoformat(timespec="minutes")
