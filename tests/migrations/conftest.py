"""A database as it was at an earlier release, for one test; and a machine with rules of zones of then."""

import shutil
import sysconfig
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path

import pytest
from django.apps.registry import Apps
from pytest_django.plugin import DjangoDbBlocker

from tests.migrations.stages import Stages, Targets


@pytest.fixture(scope="session")
def stages(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Stages]:
    with django_db_blocker.unblock():
        made = Stages()
    yield made
    with django_db_blocker.unblock():
        made.drop()


@pytest.fixture
def go_back_to(stages: Stages, django_db_blocker: DjangoDbBlocker) -> Iterator[Callable[[Targets], Apps]]:
    """Make this test's database one of an earlier release; its models are returned."""
    with django_db_blocker.unblock():
        yield stages.enter
        stages.leave()


@pytest.fixture
def old_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose files still have the rules that Vancouver shared with Los Angeles."""
    zones = resources.files("tzdata.zoneinfo.America")
    (tmp_path / "America").mkdir()
    for name, rules in [("Vancouver", "Los_Angeles"), ("New_York", "New_York")]:
        with resources.as_file(zones / rules) as file:
            shutil.copy(file, tmp_path / "America" / name)
    real = sysconfig.get_config_var
    monkeypatch.setattr(
        sysconfig, "get_config_var", lambda name: f"/nowhere:{tmp_path}" if name == "TZPATH" else real(name)
    )
    return tmp_path
