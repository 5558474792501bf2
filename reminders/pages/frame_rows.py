"""What every page's frame is read from, in one query: the switch, the heartbeats, and the menu's numbers."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple, TypeVar

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import CharField, Count, JSONField, Model, Q, QuerySet, Value
from django.db.models.functions import JSONObject, Now

from contacts.models import Location
from contacts.watching.standing import find_what_needs_staff
from reminders.deciding.trial_use import find_sent_on_trial
from reminders.health.heartbeats import Heartbeats
from reminders.models import Campaign, Heartbeat, ReceivedText, SendingSwitch
from reminders.pages.worklist import find_awake

Row = TypeVar("Row", bound=Model)
NAMES = ("id", "username", "first_name", "last_name")


class RailCounts(NamedTuple):
    """Entries of the worklist, numbers with texts to read, lists that wait."""

    worklist: int
    texts: int
    imports: int


class FrameRows(NamedTuple):
    """The switch, not paused when there is no row yet; the heartbeats as read_heartbeats() gives them.

    `clock`: the database's time when they were read, None where there are neither. `paused_campaigns`: those
    that somebody paused and said why; `people`: who paused anything, by id, with their names alone.
    `sent_on_trial`: how many calls and texts the last 24 hours of a trial had.
    """

    switch: SendingSwitch
    beats: Heartbeats
    counts: RailCounts
    clock: datetime | None
    paused_campaigns: Sequence[Campaign] = ()
    people: Mapping[int, User] = {}
    sent_on_trial: int = 0


def read_frame_rows() -> FrameRows:
    """One query: each part of it gives the name of what it is, a number, and a row as JSON."""
    campaigns: list[Campaign] = []
    people: dict[int, User] = {}
    switch, beats, counts = SendingSwitch(), dict[str, Heartbeat](), Counter[str]()
    clock: datetime | None = None
    for what, count, row in _ask():
        if row and "clock" in row:
            clock = Heartbeat._meta.get_field("at").to_python(row["clock"])
        match what:
            case "beat":
                beat = _build(Heartbeat, row)
                beat.read_at = clock
                beats[beat.name] = beat
            case "switch":
                switch = _build(SendingSwitch, row)
            case "campaign":
                campaigns.append(_build(Campaign, row))
            case "person":
                people[row["id"]] = User(**{name: row[name] for name in NAMES})
            case _:
                counts[what] += count
    numbers = RailCounts(**{name: counts[name] for name in RailCounts._fields})
    campaigns.sort(key=lambda campaign: campaign.name)
    return FrameRows(switch, beats, numbers, clock, campaigns, people, counts["sent_on_trial"])


def _ask() -> list[tuple[str, int, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(*_write_statement(folders_are_watched=bool(settings.IMPORT_FOLDER)))
        return [(what, count, row and json.loads(row)) for what, count, row in cursor.fetchall()]


@cache
def _write_statement(*, folders_are_watched: bool) -> tuple[str, tuple[Any, ...]]:
    """The statement and its values, written once a process: it takes longer than asking, and is the same for
    every page, since its parts go by the database's clock.

    `folders_are_watched` is what find_what_needs_staff() goes by.
    """
    parts = [
        _count("worklist", find_awake(), Count("entry", distinct=True)),
        _count("texts", ReceivedText.objects.unread(), Count("number", distinct=True)),
        *(_count("imports", rows, Count("pk")) for rows in find_what_needs_staff()),
        _count("sent_on_trial", find_sent_on_trial(), Count("pk")),
        _give("beat", Heartbeat.objects.all()),
        _give("switch", SendingSwitch.objects.filter(pk=1)),
        _give("campaign", _find_paused_campaigns()),
        _give("person", _find_who_paused(), NAMES),
    ]
    written: tuple[str, tuple[Any, ...]] = parts[0].union(*parts[1:], all=True).query.sql_with_params()
    return written


def _find_paused_campaigns() -> "QuerySet[Campaign]":
    """The campaigns that somebody paused and said why."""
    return Campaign.objects.filter(state=Campaign.State.PAUSED).exclude(pause_reason="")


def _find_who_paused() -> "QuerySet[User]":
    """Whoever paused all sending, a campaign or a location."""
    return User.objects.filter(
        Q(pk__in=SendingSwitch.objects.exclude(paused_at=None).values("by"))
        | Q(pk__in=_find_paused_campaigns().values("paused_by"))
        | Q(pk__in=Location.objects.exclude(paused_at=None).values("paused_by"))
    )


def _count(what: str, rows: "QuerySet[Any]", count: Count) -> "QuerySet[Any, Any]":
    """One row: what was counted, and how many there are."""
    named = rows.order_by().values(what=Value(what, output_field=CharField()))
    counted = named.annotate(count=count, row=Value(None, output_field=JSONField()))
    part: QuerySet[Any, Any] = counted.values_list("what", "count", "row")
    return part


def _give(what: str, rows: "QuerySet[Any]", names: Sequence[str] = ()) -> "QuerySet[Any, Any]":
    """Each row with these columns, by default all, and the database's time of this moment as `clock`."""
    names = names or [field.attname for field in rows.model._meta.concrete_fields]
    columns = {name: name for name in names}
    found = rows.order_by().annotate(
        what=Value(what, output_field=CharField()),
        count=Value(0),
        row=JSONObject(**columns, clock=Now()),
    )
    part: QuerySet[Any, Any] = found.values_list("what", "count", "row")
    return part


def _build(model: type[Row], row: Mapping[str, Any]) -> Row:
    fields = model._meta.concrete_fields
    return model.from_db(
        "default", [one.attname for one in fields], [one.to_python(row[one.attname]) for one in fields]
    )
