"""The README's table of settings has exactly the settings that the code reads, with their defaults."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
# Settings that config/settings.py doesn't read, and the file that does.
READ_ELSEWHERE = {
    "PORT": "config/local/run.py",
    "SANDBOX_PORT": "config/local/run.py",
    "CALLBOARD_VAR": "config/local/environment.py",
    "CHROME": "config/local/browser.py",
    "TEST_DATABASE_URL": "tests/local_services.py",
    "TEST_REDIS_URL": "tests/local_services.py",
    "POSTGRES_PASSWORD": "docker-compose.yml",
}


def read_table() -> dict[str, str]:
    """Each setting of the README's table with the cell "default"."""
    section = (ROOT / "README.md").read_text().split("## Settings")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `([A-Z_0-9]+)` \| (.*?) \|", section, re.MULTILINE)
    assert len(rows) == len(dict(rows)), "a setting is in the table twice"
    return dict(rows)


def find_calls() -> Iterator[tuple[str, ast.Call]]:
    """Each call in config/settings.py that reads the environment, with the setting's name."""
    for node in ast.walk(ast.parse((ROOT / "config/settings.py").read_text())):
        if isinstance(node, ast.Call) and _reads_environment(node.func):
            name = node.args[0]
            if isinstance(name, ast.Constant):  # else it is within required_in_production() itself
                yield str(name.value), node


def _reads_environment(function: ast.expr) -> bool:
    if isinstance(function, ast.Attribute):
        return isinstance(function.value, ast.Name) and function.value.id == "env"
    return isinstance(function, ast.Name) and function.id == "required_in_production"


def find_defaults() -> Iterator[tuple[str, object]]:
    """Each setting whose default is a constant; the table describes the others in words."""
    for name, call in find_calls():
        for keyword in call.keywords:
            if isinstance(keyword.value, ast.Constant):
                yield name, keyword.value.value


def test_the_table_lists_exactly_the_settings_that_are_read() -> None:
    assert set(read_table()) == {name for name, _ in find_calls()} | set(READ_ELSEWHERE)


@pytest.mark.parametrize(("name", "default"), list(find_defaults()))
def test_the_table_has_the_default_of_each_setting(name: str, default: object) -> None:
    values = re.findall(r"`([^`]+)`", read_table()[name])
    expected = f"{default:g}" if isinstance(default, float) else str(default)
    assert values
    assert values[-1] == (expected.lower() if isinstance(default, bool) else expected)


@pytest.mark.parametrize(("name", "file"), list(READ_ELSEWHERE.items()))
def test_the_other_settings_are_read_in_their_files(name: str, file: str) -> None:
    assert re.search(rf"\b{name}\b", (ROOT / file).read_text())
