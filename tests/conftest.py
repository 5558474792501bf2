"""For all tests: which files run first, and a superuser with a logged-in client for the admin."""

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.office import make_colleague

# Folders whose files take longest. They begin first, so that no core is left alone with one at the end.
LONG = ("torture", "nine_rules", "browser", "flows", "config")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: _rank(item.path))


def _rank(file: Path) -> int:
    folder = file.relative_to(Path(__file__).parent).parts[0]
    return LONG.index(folder) if folder in LONG else len(LONG)


@pytest.fixture
def sam() -> User:
    return make_colleague("sam", is_staff=True, is_superuser=True)


@pytest.fixture
def office(sam: User) -> Client:
    client = Client()
    client.force_login(sam)
    return client
