"""docs/rules.md lists the product rules with the tests that name them, and is up to date."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from config.product_rules import PRODUCT_RULES
from config.rule_page import UnclearRule, build_rule_page, find_rules, read_tests_by_rule

ROOT = Path(__file__).resolve().parent.parent.parent
BUILT = {*range(1, 42), 50, 57, 60, 61, 63}

DOCSTRINGS = [
    ("An opt-out is heard (product rule 32).", [32]),
    ("Product rule 31.", [31]),
    ("What was due before is not sent (product rules 5, 6 and 29).", [5, 6, 29]),
    ("It is one part, in the patient's language (product\n    rules 32 and 40), at any time.", [32, 40]),
    ("An answer (product rule 12) and a key (product rules 23, and 38).", [12, 23, 38]),
    ("A table of rules, 12 rows.", []),
    ("", []),
]
UNCLEAR = [
    ("A text is one part (rule 40).", "write"),
    ("A machine (product rule 36) and a bad number (rule 37).", "write"),
    ("Something new (product rule 66).", "there is no product rule 66"),
    ("Nothing (product rules 1 and 0).", "there is no product rule 0"),
]


@pytest.mark.parametrize(("docstring", "numbers"), DOCSTRINGS)
def test_a_docstring_names_its_product_rules(docstring: str, numbers: list[int]) -> None:
    assert find_rules(docstring) == numbers


@pytest.mark.parametrize(("docstring", "says"), UNCLEAR)
def test_a_rule_that_does_not_exist_or_is_named_in_another_way_is_refused(docstring: str, says: str) -> None:
    with pytest.raises(UnclearRule, match=says):
        find_rules(docstring)


TEST_FILE = '''
"""All of it (product rule 8)."""

def test_a_call_waits_for_the_morning() -> None:
    """(product rules 8 and 9)"""
    """Product rule 1: a second text is no docstring."""

class TestKeys:
    """(product rule 23)"""

    def test_the_last_one_counts(self) -> None:
        """(product rule 38)"""
'''


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one file of tests, and a file beside it that is none."""
    for folder in ("docs", "tests/rules"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "tests/rules/test_calls.py").write_text(TEST_FILE)
    (tmp_path / "tests/rules/people.py").write_text('"""No test (product rule 2)."""')
    return tmp_path


def test_the_tests_of_each_rule_are_listed_and_a_rule_without_any_is_not_there_yet(repository: Path) -> None:
    link = "[tests/rules/test_calls.py](../tests/rules/test_calls.py)"
    assert read_tests_by_rule(repository) == {
        8: [link],
        9: [f"{link}: `test_a_call_waits_for_the_morning`"],
        23: [f"{link}: `TestKeys`"],
        38: [f"{link}: `test_the_last_one_counts`"],
    }
    page = build_rule_page(repository)
    assert f"| 8 | {PRODUCT_RULES[8]} | {link} |\n" in page
    assert page.count("*not yet*") == len(PRODUCT_RULES) - 4


def test_a_page_that_is_not_up_to_date_is_an_error_until_it_is_written(repository: Path) -> None:
    page = repository / "docs/rules.md"
    with pytest.raises(CommandError, match="run manage"):
        call_command("write_rules", check=True, root=repository)
    assert not page.exists()
    call_command("write_rules", root=repository)
    call_command("write_rules", check=True, root=repository)
    page.write_text(page.read_text().replace("| 8 |", "| 88 |"))
    with pytest.raises(CommandError, match="not up to date"):
        call_command("write_rules", check=True, root=repository)


def test_an_unclear_rule_and_a_folder_without_tests_are_errors_in_one_line(repository: Path) -> None:
    (repository / "tests/test_texts.py").write_text('"""One part (rule 40)."""')
    with pytest.raises(CommandError, match=r"^tests/test_texts.py: write "):
        call_command("write_rules", root=repository)
    with pytest.raises(CommandError, match="no tests in"):
        call_command("write_rules", root=repository / "docs", stdout=StringIO())


def test_the_page_in_the_docs_is_up_to_date() -> None:
    call_command("write_rules", check=True)


def test_every_rule_that_is_built_has_a_test_that_names_it() -> None:
    assert list(PRODUCT_RULES) == list(range(1, 66))
    assert BUILT - set(read_tests_by_rule(ROOT)) == set()
