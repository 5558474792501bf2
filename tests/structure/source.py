"""Names that are defined in two modules, and the lengths of functions, read from the source."""

import ast
import re
from collections import Counter, defaultdict
from pathlib import Path, PurePath
from statistics import median, quantiles

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("config", "contacts", "reminders", "webhooks")
SANDBOX, DEMO = PurePath("reminders/sandbox"), PurePath("reminders/demo")
# Views, forms and admins may share names; every program has its main().
ENTRY_POINT = "main"
ENTRY_POINTS = frozenset(
    {"views", "forms", "admin", "api", "management", "tasks", "urls", "apps", "templatetags"}
)
SHORT = 3  # lines

FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
Names = dict[str, list[str]]  # each with the modules that define it


def find_repeated_names() -> Names:
    """Classes and public functions on the top level of two modules or more, without ENTRY_POINTS.

    The sandbox is a separate program: it may define a name that our code defines, but none twice.
    """
    found = [*find_names(in_sandbox=False).items(), *find_names(in_sandbox=True).items()]
    return {name: modules for name, modules in sorted(found) if len(modules) > 1}


def find_names_shared_with_sandbox() -> Names:
    """Those that both our code and the sandbox define."""
    ours, sandbox = find_names(in_sandbox=False), find_names(in_sandbox=True)
    return {name: ours[name] + sandbox[name] for name in sorted(ours.keys() & sandbox.keys())}


def find_names(*, in_sandbox: bool) -> Names:
    """All classes and public functions on the top level: the sandbox's, or all others but ENTRY_POINTS."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for module in _find_modules():
        is_entry_point = not in_sandbox and ENTRY_POINTS.intersection(module.with_suffix("").parts)
        if is_entry_point or module.is_relative_to(SANDBOX) != in_sandbox:
            continue
        for node in ast.parse((ROOT / module).read_text()).body:
            if isinstance(node, ast.ClassDef) or (isinstance(node, FUNCTION) and _is_public(node.name)):
                found[node.name].append(str(module))
    return dict(found)


def _is_public(function: str) -> bool:
    return not function.startswith("_") and function != ENTRY_POINT


def measure_functions() -> dict[str, float]:
    """Lines from `def` to the end of all functions and methods but the sandbox's and the demo clinic's.

    A private one is named once when its module uses its name at one place besides the definition; it is short
    when its body, without the docstring, has at most SHORT lines.
    """
    lengths: list[int] = []
    private = once = short = 0
    for module in _find_modules():
        if module.is_relative_to(SANDBOX) or module.is_relative_to(DEMO):
            continue
        text = (ROOT / module).read_text()
        words = Counter(re.findall(r"\w+", text))
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, FUNCTION):
                continue
            end = node.end_lineno or node.lineno
            lengths.append(end - node.lineno + 1)
            if re.match("_(?!_)", node.name):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                private += 1
                once += words[node.name] == 2
                short += words[node.name] == 2 and (not body or end - body[0].lineno < SHORT)
    return {
        "functions": len(lengths),
        "lines of a function, median": median(lengths),
        "lines of a function, 90th percentile": quantiles(lengths, n=10)[-1],
        "private functions": private,
        "private functions named once": once,
        f"private functions named once, of at most {SHORT} lines": short,
    }


def _find_modules() -> list[PurePath]:
    """The modules of our packages as paths below the project's folder, without migrations."""
    paths = sorted(path.relative_to(ROOT) for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    return [path for path in paths if "migrations" not in path.parts]
