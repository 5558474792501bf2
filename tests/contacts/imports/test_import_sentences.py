"""What staff read of an import or of a number is marked for translation (product rule 60). Pure."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
MODULES = [
    *sorted((ROOT / "contacts" / "imports").rglob("*.py")),
    ROOT / "contacts" / "number_faults.py",
    ROOT / "contacts" / "numbers.py",
]
MARKS = {"gettext", "gettext_lazy", "gettext_noop", "ngettext", "pgettext", "_"}
SENTENCE = re.compile(r"[A-Z“%][^\n]*[a-z” ,)]{3,}[.?!]")
UNNAMED = re.compile(r"%[sd]")


def list_unmarked(tree: ast.AST) -> Iterator[ast.Constant | ast.JoinedStr]:
    """Yield the strings outside docstrings and calls that mark them, and marked ones made up at run time."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MARKS:
            yield from (each for each in node.args if isinstance(each, ast.JoinedStr))
            continue
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if isinstance(node, ast.Constant | ast.JoinedStr):
            yield node
        yield from list_unmarked(node)


def is_sentence(node: ast.Constant | ast.JoinedStr) -> bool:
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    text = "".join(str(part.value) if isinstance(part, ast.Constant) else "%s" for part in parts)
    return bool(SENTENCE.fullmatch(text.strip())) and len(text.split()) > 2


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_every_sentence_of_an_import_or_a_number_is_marked_for_translation(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert [ast.unparse(node)[:90] for node in list_unmarked(tree) if is_sentence(node)] == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_sentence_with_two_values_names_them(path: Path) -> None:
    """Another language may need them in another order."""
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    marked = [node for node in calls if isinstance(node.func, ast.Name) and node.func.id in MARKS]
    texts = [arg.value for node in marked for arg in node.args if isinstance(arg, ast.Constant)]
    assert [text for text in texts if len(UNNAMED.findall(str(text))) > 1] == []


def test_a_sentence_that_is_not_marked_is_found() -> None:
    found = list_unmarked(ast.parse('x = "The file is empty."; y = gettext("The file is empty.")'))
    assert [is_sentence(node) for node in found] == [True]
    assert list(list_unmarked(ast.parse('gettext(f"There are {n} rows in it.")')))
    assert is_sentence(ast.parse('f"There are {n} rows in it."', mode="eval").body)  # type: ignore[arg-type]
