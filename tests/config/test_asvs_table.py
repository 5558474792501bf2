"""The table of OWASP ASVS 5 in docs/security.md: at least thirty items, and the tests that it names exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
ROW = re.compile(r"^\| (\d+\.\d+\.\d+) \| ([123]) \| ([^|]+) \| `([^`|]+)::(test_\w+)` \|$", re.MULTILINE)
SECTION = (ROOT / "docs/security.md").read_text().split("## ASVS")[1]
ROWS = ROW.findall(SECTION)
LEAST_ITEMS = 30


def test_it_has_enough_items_of_the_first_two_levels_each_once_and_in_order() -> None:
    numbers = [tuple(map(int, number.split("."))) for number, *_ in ROWS]
    assert len(ROWS) == len(re.findall(r"^\| \d", SECTION, re.MULTILINE)), "a row can't be read"
    assert len(ROWS) >= LEAST_ITEMS
    assert numbers == sorted(set(numbers))
    assert {level for _, level, *_ in ROWS} == {"1", "2"}


@pytest.mark.parametrize(("file", "test"), sorted({(row[3], row[4]) for row in ROWS}))
def test_the_test_that_it_names_exists(file: str, test: str) -> None:
    assert re.search(rf"^def {test}\(", (ROOT / file).read_text(), re.MULTILINE)
