"""The page docs/rules.md: each product rule, and the tests that name it.

A test names its rules in a docstring, of itself or of its class or module: "(product rule 32)" or "(product
rules 5, 6 and 29)". A module's docstring speaks for all its tests. Only files test_*.py are read.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from config.product_rules import PRODUCT_RULES

NAMED = re.compile(r"\bproduct rules? (\d+(?:(?:,|,? and) \d+)*)", re.IGNORECASE)
NUMBERED = re.compile(r"\brules? \d", re.IGNORECASE)  # also without "product"

INTRODUCTION = """\
# The product rules and their tests

What a practice relies on, and the tests that hold it. `manage.py write_rules` writes this page from \
`config/product_rules.py` and the docstrings of the tests ([how a test names its \
rule](../CONTRIBUTING.md#tests)); `make lint` fails when it isn't up to date. *Not yet*: no test names it.

| # | rule | tests |
| --- | --- | --- |
"""


class UnclearRule(ValueError):
    """A docstring names a rule that doesn't exist, or names it in another way."""


def build_rule_page(root: Path) -> str:
    """The text of the page, for the tests of the repository at `root`.

    Raises UnclearRule, and FileNotFoundError if there are no tests.
    """
    tests = read_tests_by_rule(root)
    rows = [
        f"| {number} | {sentence} | {'<br>'.join(tests[number]) or '*not yet*'} |\n"
        for number, sentence in PRODUCT_RULES.items()
    ]
    return INTRODUCTION + "".join(rows)


def read_tests_by_rule(root: Path) -> defaultdict[int, list[str]]:
    """By rule, a link to each file that names it, followed by its tests unless the whole file does."""
    files = sorted((root / "tests").rglob("test_*.py"))
    if not files:
        raise FileNotFoundError(f"There are no tests in {root / 'tests'}.")
    by_rule: defaultdict[int, list[str]] = defaultdict(list)
    for file in files:
        path = file.relative_to(root).as_posix()
        for number, names in _read_names_by_rule(file, path).items():
            tests = "" if "" in names else ": " + ", ".join(f"`{name}`" for name in names)
            by_rule[number].append(f"[{path}](../{path}){tests}")
    return by_rule


def find_rules(docstring: str) -> list[int]:
    """The rules that a docstring names. Raises UnclearRule."""
    text = " ".join(docstring.split())
    named = NAMED.findall(text)
    if len(named) != len(NUMBERED.findall(text)):
        raise UnclearRule(f'write "(product rule 32)" or "(product rules 5, 6 and 29)" in: {text}')
    numbers = [int(number) for numbers in named for number in re.findall(r"\d+", numbers)]
    if unknown := set(numbers) - set(PRODUCT_RULES):
        raise UnclearRule(f"there is no product rule {min(unknown)}: {text}")
    return numbers


def _read_names_by_rule(file: Path, path: str) -> dict[int, list[str]]:
    """By rule, the names of the tests and classes that name it; "" for the module."""
    by_rule: defaultdict[int, list[str]] = defaultdict(list)
    try:
        for name, docstring in _read_docstrings(ast.parse(file.read_text())):
            for number in find_rules(docstring):
                by_rule[number].append(name)
    except UnclearRule as error:
        raise UnclearRule(f"{path}: {error}") from None
    return by_rule


def _read_docstrings(node: ast.AST, name: str = "") -> Iterator[tuple[str, str]]:
    """The docstrings of a module and of all classes and functions in it, with their names."""
    if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
        yield name, ast.get_docstring(node) or ""
        for child in node.body:
            yield from _read_docstrings(child, getattr(child, "name", ""))
