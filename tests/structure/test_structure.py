"""The code must not become harder to follow; `make structure` prints what is counted here."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.bench.servers import NO_RINGING_SPEED
from tests.sandbox_server import SandboxServer, run_sandbox
from tests.structure.source import find_repeated_names
from tests.structure.ways import EVENT, OPENING, read_ways


class Ceiling(NamedTuple):
    """The most files and visits of a path, and files that it must lead through, else it was not followed."""

    files: int
    visits: int
    landmarks: set[str]


CEILINGS = {
    # The aim is 10 files. docs/architecture.md says which question each of them answers, and what binds.
    OPENING: Ceiling(40, 143, {"reminders/dispatch/opening.py", "reminders/robotalker/client.py"}),
    # The aim is 12 files and 35 visits. docs/architecture.md says what the others are: what every request,
    # every body and every change of a row goes through. Reading the fields of a body is 12 of the visits.
    EVENT: Ceiling(26, 85, {"webhooks/views.py", "contacts/appointments.py"}),
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxServer]:
    with run_sandbox(["--attended"], speed=NO_RINGING_SPEED) as server:
        yield server


def test_no_name_is_defined_in_two_modules() -> None:
    assert find_repeated_names() == {}


@pytest.mark.django_db(transaction=True)
def test_an_opening_and_an_event_lead_through_no_more_files_and_visits_than_before(
    sandbox: SandboxServer,
) -> None:
    for name, way in read_ways(sandbox).items():
        ceiling = CEILINGS[name]
        assert ceiling.landmarks <= set(way.files), f"{name} wasn't followed: {way.files}"
        assert len(way.files) <= ceiling.files, f"{name} leads through {way.files}"
        assert len(way.visits) <= ceiling.visits, f"{name} visits {way.visits}"
