"""Every path, function, command and link that the docs name exists."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from django.core.management import get_commands

ROOT = Path(__file__).resolve().parent.parent.parent
DOCS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
PACKAGES = ("config", "contacts", "reminders", "webhooks", "tests")
FOLDERS = (*PACKAGES, "templates", "static", "docs", r"\.ci")

PATH = re.compile(rf"(?<![\w/.-])(?:{'|'.join(FOLDERS)})/[\w./-]*[\w/]")
MODULE = re.compile(r"(?<![\w/.-])\w+\.py\b")
MEMBER = re.compile(r"((?:[\w-]+/)*\w+\.py): (\w+(?:\.\w+)*)")
CLASS = re.compile(r"`([A-Z]\w*[a-z]\w*)(?:\.\w+)?`")
FUNCTION = re.compile(r"`(?:\w+\.)*(\w+)\([^`]*\)`")
DOTTED = re.compile(rf"(?<![\w/.-])(?:{'|'.join(PACKAGES)})(?:\.[a-z_]\w*)+(?!\w)(?!\()")
COMMAND = re.compile(r"manage\.py (\w+)")
TARGET = re.compile(r"`make ([a-z-]+)")
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([\w-]+))?\)")

NOT_PATHS = {"reminders/s"}  # a rate per second
NOT_OURS = {"save", "retry", "on_commit"}  # of Django and Celery


def in_each_doc() -> pytest.MarkDecorator:
    names = [str(doc.relative_to(ROOT)) for doc in DOCS]
    return pytest.mark.parametrize("text", [doc.read_text() for doc in DOCS], ids=names)


@cache
def find_modules() -> list[Path]:
    """Every Python file of ours, relative to the repository."""
    found = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    return [path.relative_to(ROOT) for path in [ROOT / "manage.py", *found]]


@cache
def read_names(module: Path) -> frozenset[str]:
    """What a module defines: functions, classes, constants, and the members of its classes."""
    return frozenset(_find_names(ast.parse((ROOT / module).read_text()).body))


def _find_names(body: list[ast.stmt]) -> Iterator[str]:
    for statement in body:
        match statement:
            case ast.FunctionDef(name=name):
                yield name
            case ast.ClassDef(name=name, body=members):
                yield name
                yield from _find_names(members)
            case ast.Assign(targets=targets):
                yield from (target.id for target in targets if isinstance(target, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name


def is_defined(path: str, dotted_name: str) -> bool:
    """Whether a module whose path ends so defines all parts of the name."""
    modules = [module for module in find_modules() if f"/{module}".endswith(f"/{path}")]
    return any(set(dotted_name.split(".")) <= read_names(module) for module in modules)


def is_importable(dotted: str) -> bool:
    """Whether it is a package, a module, or something that a module defines."""
    path = Path(*dotted.split("."))
    if (ROOT / path).is_dir() or (ROOT / path.with_suffix(".py")).is_file():
        return True
    return is_defined(f"{path.parent}.py", path.name) or is_defined(f"{path.parent}/__init__.py", path.name)


def read_anchors(doc: Path) -> set[str]:
    """The anchors that GitHub makes of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", doc.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@in_each_doc()
def test_every_path_in_the_docs_exists(text: str) -> None:
    paths = set(PATH.findall(text)) - NOT_PATHS
    assert [path for path in sorted(paths) if not (ROOT / path).exists()] == []


@in_each_doc()
def test_every_module_in_the_docs_exists(text: str) -> None:
    names = {module.name for module in find_modules()}
    assert set(MODULE.findall(text)) - names == set()


@in_each_doc()
def test_every_member_of_a_module_in_the_docs_exists(text: str) -> None:
    assert [member for member in MEMBER.findall(text) if not is_defined(*member)] == []


@in_each_doc()
def test_every_function_in_the_docs_exists(text: str) -> None:
    ours = {name for module in find_modules() for name in read_names(module)}
    assert set(FUNCTION.findall(text)) - ours - NOT_OURS == set()


@in_each_doc()
def test_every_class_in_the_docs_exists(text: str) -> None:
    ours = {name for module in find_modules() for name in read_names(module)}
    assert set(CLASS.findall(text)) - ours == set()


@in_each_doc()
def test_every_dotted_name_in_the_docs_exists(text: str) -> None:
    assert [name for name in DOTTED.findall(text) if not is_importable(name)] == []


@in_each_doc()
def test_every_command_in_the_docs_exists(text: str) -> None:
    assert set(COMMAND.findall(text)) - set(get_commands()) == set()


@in_each_doc()
def test_every_make_target_in_the_docs_exists(text: str) -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(TARGET.findall(text)) - set(targets) == set()


@pytest.mark.parametrize("doc", DOCS, ids=lambda doc: str(doc.relative_to(ROOT)))
def test_every_link_in_the_docs_leads_somewhere(doc: Path) -> None:
    broken = []
    for path, anchor in LINK.findall(doc.read_text()):
        target = (doc.parent / path).resolve() if path else doc
        if not target.exists() or (anchor and anchor not in read_anchors(target)):
            broken.append(f"{path}#{anchor}")
    assert broken == []


def test_the_word_list_has_each_word_once() -> None:
    section = (ROOT / "CONTRIBUTING.md").read_text().split("\n## Words\n")[1].split("\n## ")[0]
    cells = re.findall(r"^\| ([^|*]+) \|[^|]+\|[^|]+\|$", section, re.MULTILINE)
    words = [word for cell in cells for word in cell.split(", ")]
    assert len(words) > 50
    assert [word for word in words if words.count(word) > 1] == []
