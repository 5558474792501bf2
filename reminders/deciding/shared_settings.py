"""The practice's settings for pages, read again only when one of them has changed.

A day of 360 visits asks about 1,000 reminders, and all of them share a few steps, scripts, locations and
providers. One query says whether any of those rows was written since they were read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import connection

from contacts.database.row_versions import ROW_VERSION
from contacts.models import ClosedDay, Location, Provider
from reminders.deciding.coverage import read_unplanned_campaigns
from reminders.deciding.situations import PracticeConfig, read_practice_config
from reminders.models import Campaign, Pronunciation, Script, ScriptText, Step

SETTINGS = (Location, ClosedDay, Provider, Campaign, Step, Script, ScriptText, Pronunciation)
LISTS = (Campaign.locations.through, Campaign.providers.through)
_ROWS = f"SELECT coalesce(sum({ROW_VERSION}), 0), count(*) FROM {{}}"  # noqa: S608 - tables of ours


@dataclass(frozen=True)
class SharedSettings:
    """The settings, the campaigns that planning hasn't gone through yet, and which versions of rows they are.

    `scripts`: all of them by name, with their texts. The rows are shared by all requests of a process: nobody
    changes them.
    """

    config: PracticeConfig
    unplanned: Sequence[Campaign]
    scripts: Mapping[int, Script]
    version: tuple[object, ...]


_known: SharedSettings | None = None


def read_shared_settings() -> SharedSettings:
    """The settings as they are now: one query, and about ten more after a change."""
    global _known
    version = _read_version()
    if _known is None or _known.version != version:
        scripts = Script.objects.prefetch_related("texts").order_by("name")
        _known = SharedSettings(
            read_practice_config(),
            read_unplanned_campaigns(),
            {script.pk: script for script in scripts},
            version,
        )
    return _known


def _read_version() -> tuple[object, ...]:
    tables = [connection.ops.quote_name(model._meta.db_table) for model in (*SETTINGS, *LISTS)]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(_ROWS.format(table) for table in tables))
        return tuple(cursor.fetchall())
