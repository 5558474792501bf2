"""The default settings on a laptop, where none are set."""

import os
from pathlib import Path

import environ

BASE_DIR = Path(__file__).resolve().parent.parent.parent
VAR = Path(os.environ.get("CALLBOARD_VAR") or BASE_DIR / "var")  # data kept between runs


def is_laptop() -> bool:
    """Whether this isn't production: DEBUG is on, or neither SECRET_KEY nor DATABASE_URL is set.

    Reads the file `.env` as the settings do.
    """
    environ.Env.read_env(BASE_DIR / ".env")
    debug = os.environ.get("DEBUG", "")
    if debug:
        return debug.lower() in environ.Env.BOOLEAN_TRUE_STRINGS
    return not (os.environ.get("SECRET_KEY") or os.environ.get("DATABASE_URL"))


def set_laptop_defaults(*, port: int = 8000, sandbox_port: int = 8765) -> None:
    """Set what `make run` and its processes share; variables that are already set stay."""
    environ.Env.read_env(BASE_DIR / ".env")
    defaults = {
        "DEBUG": "true",
        "PUBLIC_BASE_URL": f"http://127.0.0.1:{port}",
        "ROBOTALKER_BASE_URL": f"http://127.0.0.1:{sandbox_port}",
        "ROBOTALKER_API_KEY": "sandbox-key",
    }
    for name, value in defaults.items():
        os.environ.setdefault(name, value)
