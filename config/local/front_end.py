"""The styles and icons of pages, built from the front-end packages: front_end/build.mjs."""

import subprocess
import sys
from pathlib import Path

from config.local.environment import BASE_DIR
from config.local.errors import LocalServiceError

NODE = Path(sys.executable).with_name("node")


def build_front_end() -> None:
    """Write built/ anew if anything it is made of has changed.

    Raises LocalServiceError with what node says.
    """
    command = [str(NODE), "front_end/build.mjs"]
    done = subprocess.run(command, cwd=BASE_DIR, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise LocalServiceError(f"the styles can't be built.\n{done.stderr}")
