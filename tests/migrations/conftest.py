"""A database as it was at an earlier release, for one test."""

from collections.abc import Callable, Iterator

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
