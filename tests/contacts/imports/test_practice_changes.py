"""Locations and providers that somebody adds or corrects while a list is imported (product rule 27)."""

from typing import Any

import pytest
from django.db import IntegrityError

from contacts.imports import runs
from contacts.imports.runs import ImportRun
from contacts.models import Location, Provider
from tests.contacts.imports.example_lists import (
    AISHA,
    NOAH,
    make_downtown,
    only_appointment,
    run_waiting_imports,
)
from tests.contacts.imports.test_import_runs import queue
from tests.contacts.imports.test_stale_rows import write_after

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def downtown() -> Location:
    return make_downtown()


@pytest.mark.parametrize("name", ["Harbour", "HARBOUR"])
def test_a_location_that_somebody_adds_meanwhile_lets_the_file_be_read_again(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def add() -> None:
        make_downtown(name=name, time_zone="America/Denver")

    batch = queue(AISHA | {"location": "Harbour"}, zones={"Harbour": "America/New_York"})
    write_after(monkeypatch, add)
    run_waiting_imports()
    batch.refresh_from_db()
    assert (batch.counts["added"], batch.counts["rejected"]) == (1, 0)
    visit = only_appointment()
    assert (visit.location.name, visit.time_zone) == (name, "America/Denver")
    assert Location.objects.count() == 2


def test_a_provider_that_somebody_adds_at_the_same_moment_lets_the_file_be_read_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Here after the import has looked: the database refuses the second one of the name."""

    def add() -> None:
        Provider.objects.create(name="Dr. New")
        raise IntegrityError("duplicate key")

    write_after(monkeypatch, add)
    batch = queue(AISHA | {"provider": "Dr. New"})
    run_waiting_imports()
    batch.refresh_from_db()
    assert (batch.counts["added"], batch.counts["rejected"]) == (1, 0)
    assert Provider.objects.count() == 1


def test_the_zone_of_a_location_that_this_list_added_may_be_corrected_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runs, "PART_ROWS", 1)
    original, count = ImportRun._end_part, iter(range(9))

    def end_part(*args: Any) -> None:
        original(*args)
        if next(count) == 0:
            Location.objects.filter(name="Harbour").update(time_zone="America/Denver")

    monkeypatch.setattr(ImportRun, "_end_part", end_part)
    queue(
        AISHA | {"location": "Harbour"},
        NOAH | {"location": "Harbour"},
        zones={"Harbour": "America/New_York"},
    )
    run_waiting_imports()
    assert only_appointment("A2").time_zone == "America/Denver"
