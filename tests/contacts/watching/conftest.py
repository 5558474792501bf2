"""Fixtures for tests of what is watched."""

from pathlib import Path

import pytest
from pytest_django import Settings


@pytest.fixture
def share(settings: Settings, tmp_path: Path) -> Path:
    """The watched folder; a file in it is whole as soon as it was the same for some rounds."""
    folder = tmp_path / "share"
    folder.mkdir()
    settings.IMPORT_FOLDER = str(folder)
    settings.IMPORT_FOLDER_SETTLE_SECONDS = 0.0
    return folder
