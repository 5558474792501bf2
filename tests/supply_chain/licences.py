"""docs/licences.md: the packages that the image runs, with the licence that each names itself."""

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs" / "licences.md"
# What may be used in a product under the MIT licence that is not changed and sold as closed: permissive ones,
# and those that only ask for changes of the library itself (MPL, LGPL).
ALLOWED = re.compile(
    r"MIT|MIT License|BSD|Apache|ISC|PSF|Python Software Foundation|MPL|Mozilla Public|LGPL|Lesser General|"
    r"Unlicense|CC0|Zlib|0BSD|HPND|Public Domain|Zope Public",
    re.IGNORECASE,
)
HEAD = """# Licences

The packages that the image runs, and the licence that each names itself. Made by `make licences`. `make lint`
holds that it is up to date, and a test that every licence allows this use.
"""


@dataclass(frozen=True)
class Package:
    name: str
    version: str
    licence: str
    kind: str  # "Python" or "front end"


def list_packages() -> list[Package]:
    """Those of the lock files that the image has, by name."""
    found = {*_list_python(), *_list_front_end()}
    return sorted(found, key=lambda one: (one.kind, one.name.lower(), one.version))


def write_page(packages: list[Package]) -> str:
    lines = [HEAD]
    for kind in sorted({package.kind for package in packages}, reverse=True):
        lines += [f"## {kind}", "", "| package | version | licence |", "| --- | --- | --- |"]
        lines += [
            f"| {one.name} | {one.version} | {one.licence} |" for one in packages if one.kind == kind
        ] + [""]
    return "\n".join(lines)


def _list_python() -> list[Package]:
    command = [str(Path(sys.executable).with_name("uv")), "export", "--locked", "--no-default-groups"]
    options = ["--no-hashes", "--no-emit-project", "--no-annotate", "--no-header", "--quiet"]
    done = subprocess.run([*command, *options], cwd=ROOT, capture_output=True, text=True, check=True)
    found = []
    for line in done.stdout.splitlines():
        pinned = re.match(r"([\w.-]+)==([^ ;]+)", line)
        if pinned and (licence := _read_licence(pinned[1])):
            found.append(Package(pinned[1], pinned[2], licence, "Python"))
    return found


def _read_licence(name: str) -> str:
    """As the installed package says; "" for one that is for another system and isn't installed here."""
    try:
        told = metadata(name)
    except PackageNotFoundError:
        return ""
    if expression := told["License-Expression"]:
        return str(expression)
    classes = [
        value.rpartition(" :: ")[2]
        for value in told.get_all("Classifier") or []
        if value.startswith("License :: ") and not value.endswith("OSI Approved")
    ]
    written = str(told["License"] or "").strip().splitlines()
    return ", ".join(classes) or (written[0][:60] if written else "not stated")


def _list_front_end() -> list[Package]:
    locked = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    return [
        Package(
            path.rpartition("node_modules/")[2],
            one["version"],
            str(one.get("license", "not stated")),
            "front end",
        )
        for path, one in locked.items()
        if path and not one.get("dev") and not one.get("optional")
    ]
