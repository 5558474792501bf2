"""Finds Chromium or Chrome for the tests, or installs it; browser tests are never skipped.

`python -m config.local.browser` prints its path.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"]
ON_MAC = [
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
]


def main() -> int:
    """Print the path of a browser that starts; returns 1 with advice if there is none."""
    browser = find_browser() or install_browser()
    if not browser:
        print(  # noqa: T201
            "No Chromium or Chrome was found, and none could be installed.\n"
            "Install one, or name it: CHROME=/path/to/chrome make test",
            file=sys.stderr,
        )
        return 1
    print(browser)  # noqa: T201
    return 0


def find_browser() -> str:
    """The first browser that starts, `CHROME` and `CALLBOARD_BROWSER` first; "" if there is none."""
    named = [os.environ.get("CHROME"), os.environ.get("CALLBOARD_BROWSER")]
    candidates = [name for name in named if name] or [*NAMES, *ON_MAC, _find_playwrights_own()]
    found = (shutil.which(name) for name in candidates if name)
    return next((path for path in found if path and _starts(path)), "")


def install_browser() -> str:
    """Install a browser: with apt as root on Debian or Ubuntu, else Playwright's. Its path, or ""."""
    if os.environ.get("CHROME"):
        return ""  # the user named one; using another would hide that it doesn't start
    if os.geteuid() == 0 and shutil.which("apt-get"):
        _run("apt-get", "update", "-qq")
        _run("apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium")
    browser = find_browser()
    if not browser:
        _run(sys.executable, "-m", "playwright", "install", "chromium")
        browser = find_browser()
    return browser


def _find_playwrights_own() -> str:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else ""


def _starts(path: str) -> bool:
    command = [path, "--version"]
    try:
        return subprocess.run(command, capture_output=True, timeout=30, check=False).returncode == 0  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return False


def _run(*command: str) -> None:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    # Its output goes to stderr: stdout has the path only.
    subprocess.run(command, stdout=sys.stderr, check=False, env=environment)  # noqa: S603


if __name__ == "__main__":
    sys.exit(main())
