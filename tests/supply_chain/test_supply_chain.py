"""What Callboard is made of may be used, can be listed, and is asked about honestly."""

import json
from pathlib import Path

import pytest

from tests.supply_chain.audit import read_pip_audit
from tests.supply_chain.licences import ALLOWED, list_packages, write_page
from tests.supply_chain.sbom import write_sboms


def test_every_package_of_the_image_has_a_licence_that_allows_this() -> None:
    packages = list_packages()
    assert {"django", "celery", "htmx.org"} <= {one.name for one in packages}
    assert [one for one in packages if not ALLOWED.search(one.licence)] == []
    assert [one for one in packages if "AGPL" in one.licence or "Affero" in one.licence] == []
    assert "| django | " in write_page(packages)


def test_the_list_of_parts_has_what_the_image_runs_and_not_what_tests_need(tmp_path: Path) -> None:
    names = {
        part["name"] for file in write_sboms(tmp_path) for part in json.loads(file.read_text())["components"]
    }
    assert {"django", "psycopg", "htmx.org"} <= names
    assert not names & {"pytest", "playwright", "mypy"}


@pytest.mark.parametrize(
    ("report", "known"),
    [
        ("", None),
        ('{"dependencies": [{"name": "a", "skip_reason": "not found on PyPI"}]}', None),
        ('{"dependencies": [{"name": "a", "version": "1", "vulns": []}]}', []),
        (
            '{"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "X-1", "fix_versions": []}]}]}',
            ["a 1: X-1, mended in no version yet"],
        ),
    ],
)
def test_what_could_not_be_asked_is_no_good_news(report: str, known: list[str] | None) -> None:
    assert read_pip_audit(report) == known
