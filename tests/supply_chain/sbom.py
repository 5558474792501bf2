"""A list of all parts in CycloneDX, as uv and npm write it from the lock files."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BIN = Path(sys.executable).parent


def write_sboms(folder: Path) -> list[Path]:
    """sbom-python.json and sbom-front-end.json, of what the image runs."""
    folder.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}
    uv = ["uv", "export", "--locked", "--no-default-groups", "--format", "cyclonedx1.5", "--quiet"]
    npm = ["npm", "sbom", "--sbom-format", "cyclonedx", "--package-lock-only", "--omit", "dev"]
    written = []
    for name, command in (("sbom-python.json", uv), ("sbom-front-end.json", npm)):
        command = [str(BIN / command[0]), *command[1:]]
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=300
        )
        (folder / name).write_text(done.stdout)
        written.append(folder / name)
    return written
