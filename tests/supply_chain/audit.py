"""Known weaknesses of the packages in the lock files, asked of PyPI and npm by whoever is online.

pip-audit and npm ask; they are run by uv and npm and are no part of Callboard. Where the advisories can't be
reached it says so, and that nothing is known: silence would read as good news.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BIN = Path(sys.executable).parent
PIP_AUDIT = "pip-audit==2.10.1"
UNREACHABLE = 2  # the status of the command then; 1: weaknesses are known


def audit() -> int:
    """Ask both; 0 if nothing is known, 1 if something is, 2 if one could not be asked."""
    return max(_tell("Python packages", ask_pypi()), _tell("front-end packages", ask_npm()))


def ask_pypi() -> list[str] | None:
    """What is known, a line each; None if PyPI's advisories can't be reached."""
    with tempfile.TemporaryDirectory() as folder:
        locked, report = Path(folder, "locked.txt"), Path(folder, "report.json")
        export = ["export", "--locked", "--all-groups", "--no-hashes", "--no-emit-project", "--quiet"]
        _run([str(BIN / "uv"), *export, "--output-file", str(locked)])
        options = ["--disable-pip", "--no-deps", "--format", "json", "--output", str(report)]
        _run([str(BIN / "uv"), "tool", "run", "--from", PIP_AUDIT, "pip-audit", *options, "-r", str(locked)])
        return read_pip_audit(report.read_text() if report.exists() else "")


def read_pip_audit(report: str) -> list[str] | None:
    """Of pip-audit's JSON. A package that it skipped wasn't looked up, so all skipped means: not reached."""
    try:
        packages = json.loads(report)["dependencies"]
    except (ValueError, KeyError):
        return None
    if not any("vulns" in one for one in packages):
        return None
    return [
        f"{one['name']} {one['version']}: {weakness['id']}, "
        f"mended in {', '.join(weakness['fix_versions']) or 'no version yet'}"
        for one in packages
        for weakness in one.get("vulns", [])
    ]


def ask_npm() -> list[str] | None:
    """The same of npm's."""
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}
    said = _run([str(BIN / "npm"), "audit", "--json"], environment)
    try:
        found = json.loads(said)["vulnerabilities"]
    except (ValueError, KeyError):
        return None
    return [f"{name}: {one['severity']}, in {one['range']}" for name, one in sorted(found.items())]


def _run(command: list[str], environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=600
    )
    return done.stdout


def _tell(what: str, known: list[str] | None) -> int:
    if known is None:
        print(f"{what}: NOT CHECKED. The advisories can't be reached from here, so nothing is known.")  # noqa: T201 - a command's output
        return UNREACHABLE
    print(f"{what}: {len(known)} known weaknesses." if known else f"{what}: no known weakness.")  # noqa: T201 - a command's output
    for line in known:
        print(f"  {line}")  # noqa: T201 - a command's output
    return 1 if known else 0
