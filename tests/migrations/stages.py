"""The databases of earlier releases: each is made once, by migrating a copy of the one before it forward.

A test works on a copy, which costs a tenth of a second, and drops it. They are few migrations away from an
empty database, and many from the newest one.
"""

from typing import Any

from django.apps import apps
from django.apps.registry import Apps
from django.contrib.contenttypes.models import ContentType
from django.core.management.sql import emit_post_migrate_signal
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import load_backend

Targets = list[tuple[str, str]]

BEFORE_DEEDS: Targets = [("reminders", "0026_report_counts")]
BEFORE_SCRIPTS: Targets = [("reminders", "0016_after_booking")]
BEFORE_HOLIDAYS: Targets = [("contacts", "0009_details_at"), ("reminders", "0015_evidence")]
BEFORE_WALL_TIMES: Targets = [("contacts", "0004_unusable_codes"), ("reminders", "0005_help_texts")]
BEFORE_NAMES: Targets = [("contacts", "0003_ways"), ("reminders", "0003_codes")]
BEFORE_CODES: Targets = [
    ("contacts", "0002_holding_under_faults"),
    ("reminders", "0002_holding_under_faults"),
]
STAGES = [
    BEFORE_CODES,
    BEFORE_NAMES,
    BEFORE_WALL_TIMES,
    BEFORE_HOLIDAYS,
    BEFORE_SCRIPTS,
    BEFORE_DEEDS,
]
OURS = ("contacts", "reminders", "webhooks")


class Stages:
    """The databases made so far. While one is entered, Django's connection is to a copy of it."""

    def __init__(self) -> None:
        self._newest = str(connection.settings_dict["NAME"])
        self._made: list[str] = []
        self._copy = f"{self._newest}_copy"

    def enter(self, stage: Targets) -> Apps:
        """Connect to a new copy of the database at this stage, one of STAGES; the models of that time."""
        which = STAGES.index(stage)
        while len(self._made) <= which:
            self._make_next()
        self._copy_database(self._made[which], self._copy)
        self._connect_to(self._copy)
        return find_models(stage)

    def leave(self) -> None:
        """Connect to the newest database again and drop the copy."""
        self._connect_to(self._newest)
        ContentType.objects.clear_cache()
        self._execute(f'DROP DATABASE IF EXISTS "{self._copy}" WITH (FORCE)')

    def drop(self) -> None:
        """Drop all databases made here."""
        for name in self._made:
            self._execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    def _make_next(self) -> None:
        name = f"{self._newest}_stage{len(self._made)}"
        self._copy_database(self._made[-1] if self._made else "template1", name)
        self._connect_to(name)
        executor = MigrationExecutor(connection)
        django = [leaf for leaf in executor.loader.graph.leaf_nodes() if leaf[0] not in OURS]
        stage = STAGES[len(self._made)]
        executor.migrate([*django, *stage])
        make_permissions(find_models([*django, *stage]))
        self._connect_to(self._newest)
        self._made.append(name)

    def _copy_database(self, source: str, name: str) -> None:
        self._connect_to(self._newest)
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{source}"')

    def _connect_to(self, name: str) -> None:
        connection.close()
        connection.settings_dict["NAME"] = name

    def _execute(self, statement: str) -> None:
        server: Any = load_backend(connection.settings_dict["ENGINE"]).DatabaseWrapper(
            {**connection.settings_dict, "NAME": "postgres"}
        )
        with server.cursor() as cursor:
            cursor.execute(statement)
        server.close()


def migrate(to: Targets) -> Apps:
    """Migrate forward or back; the models of then."""
    MigrationExecutor(connection).migrate(to)
    return find_models(to)


def find_models(at: Targets) -> Apps:
    """The models as they were at these migrations."""
    models: Apps = MigrationExecutor(connection).loader.project_state(at).apps
    return models


def bring_up_to_date() -> None:
    """Migrate to the newest release."""
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())
    make_permissions(apps)


def make_permissions(models: Apps) -> None:
    """What `manage.py migrate` does at its end, for the models of then."""
    ContentType.objects.clear_cache()
    emit_post_migrate_signal(verbosity=0, interactive=False, db=connection.alias, apps=models, plan=[])
