"""What the page says: each kind of data, how long it is kept, how much there is, and what was deleted."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.apps import apps
from django.db import connection
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext

from contacts.admin.history import read_practice_zone
from webhooks.models import RetentionRun
from webhooks.retention.table import KINDS, OTHERWISE, KeptOtherwise, RetentionKind

NIGHTS_SHOWN = 14


@dataclass(frozen=True)
class KindLine:
    """`kept`: how long, in words; `rows`: about how many there are, None if nobody has counted yet.

    `last`: how many went in the last night; `would_go`: as the last trial counted.
    """

    title: Promise
    kept: str
    stays: Promise | str
    rows: int | None
    last: int
    would_go: int | None


@dataclass(frozen=True)
class NightLine:
    """One night: when, by the practice's clock, whether all was done, and what went, the most first."""

    at: datetime
    is_done: bool
    deleted: tuple[tuple[Promise, int], ...]


@dataclass(frozen=True)
class Retention:
    kinds: tuple[KindLine, ...]
    otherwise: tuple[KeptOtherwise, ...]
    nights: tuple[NightLine, ...]
    tried_at: datetime | None


def read_retention() -> Retention:
    """Three queries; rows are counted by PostgreSQL's own estimate, since counting would take long."""
    zone = read_practice_zone()
    runs = list(RetentionRun.objects.filter(is_trial=False)[:NIGHTS_SHOWN])
    trial = RetentionRun.objects.filter(is_trial=True).first()
    sizes = _estimate_sizes(kind.tables[0] for kind in KINDS)
    last = runs[0].counts if runs else {}
    titles = {kind.code: kind.title for kind in KINDS}
    return Retention(
        kinds=tuple(
            KindLine(
                kind.title,
                _say_kept(kind),
                kind.stays,
                sizes.get(kind.tables[0]),
                last.get(kind.code, 0),
                trial.counts.get(kind.code, 0) if trial else None,
            )
            for kind in KINDS
        ),
        otherwise=OTHERWISE,
        nights=tuple(
            NightLine(
                run.begun_at.astimezone(zone),
                run.ended_at is not None,
                tuple(
                    (titles[code], count)
                    for code, count in sorted(run.counts.items(), key=lambda one: -one[1])
                    if code in titles
                ),
            )
            for run in runs
        ),
        tried_at=trial.begun_at.astimezone(zone) if trial else None,
    )


def _say_kept(kind: RetentionKind) -> str:
    if not kind.setting:
        return gettext("until it ends")
    if not kind.days:
        return gettext("for ever")
    years, rest = divmod(kind.days, 365)
    if years and rest <= years // 4 + 1:
        return ngettext("%(count)d year", "%(count)d years", years) % {"count": years}
    return ngettext("%(count)d day", "%(count)d days", kind.days) % {"count": kind.days}


def _estimate_sizes(labels: Iterable[str]) -> dict[str, int]:
    by_table = {apps.get_model(label)._meta.db_table: label for label in labels}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, reltuples::bigint FROM pg_class "
            "WHERE relname = ANY(%s) AND relkind = 'r' AND reltuples >= 0",
            [list(by_table)],
        )
        return {by_table[name]: rows for name, rows in cursor.fetchall()}
