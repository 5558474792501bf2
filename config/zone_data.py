"""Where time zones come from: always the package `tzdata`, whose version uv.lock pins (product rule 26).

Python prefers the machine's files, and those can be years older than the rules of a country that has changed
its clocks. `config/__init__.py` calls use_package() before anything else, so every process has passed here
before it asks for a zone: web, workers, beat, commands and tests.
"""

import os
import zoneinfo
from importlib import import_module

OLDEST = "2026f"  # IANA's name of the oldest data that this release may run with; as in pyproject.toml


def use_package() -> None:
    """Look for zones in the package only, in this process and in those that it starts."""
    os.environ["PYTHONTZPATH"] = ""
    zoneinfo.reset_tzpath(to=())
    zoneinfo.ZoneInfo.clear_cache()


def read_version() -> str:
    """IANA's name of the package's data, such as "2026f"; "" if the package is missing."""
    try:
        return str(import_module("tzdata").IANA_VERSION)
    except ImportError:
        return ""
