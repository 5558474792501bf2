"""docs/architecture.md shows the folders and the rules as the code has them."""

import re
import tomllib
from pathlib import Path

from reminders.rules.decide import RULES

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = (ROOT / "docs/architecture.md").read_text()


def test_the_page_lists_the_folders_of_reminders_in_the_layers_that_import_linter_enforces() -> None:
    lines: list[set[str]] = []
    for number, name in re.findall(r"^\| ?(\d*) ?\| `reminders/(\w+)(?:/|\.py)` \|", PAGE, re.MULTILINE):
        if number:
            lines.append(set())
        lines[-1].add(name)
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    [enforced] = [contract for contract in contracts if contract.get("containers") == ["reminders"]]
    assert lines == [set(layer.split(" | ")) for layer in enforced["layers"]]


def test_the_rules_of_decide_are_named_in_their_order() -> None:
    table = PAGE.split("| rule | decision |")[1].split("\n\n")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == [rule.__name__ for rule in RULES]
