"""The Dockerfile's build steps, run by hand in a folder: there is no Docker where the tests run.

Its RUN and COPY lines are carried out in their order, as far as they need no other image and no root, with
two paths of the image (/npm, /tmp/locked.txt) in the folder. Packages come from the cache of `make`, so that
it takes seconds; a step that fails here fails in the image too.
"""

import fnmatch
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
IGNORED = (ROOT / ".dockerignore").read_text().split()
TIME_LIMIT = 300  # seconds for one step, on a busy machine
# Packages of this environment stand for what these steps install, which needs root or another image.
# Compiling takes half a minute, and copies of files from the cache as long.
SLOW = ("PATH", "UV_COMPILE_BYTECODE", "UV_LINK_MODE")
NEEDS_ANOTHER_IMAGE = re.compile(r"pip install .*uv==|useradd|apt-get")


def read_steps() -> list[tuple[str, str]]:
    """Each instruction with its text, without comments, with its continued lines in one."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = [line for line in text.replace("\\\n", " ").splitlines() if line.strip()]
    return [(word, " ".join(rest.split())) for word, _, rest in (line.partition(" ") for line in lines)]


def copy_context(app: Path) -> None:
    """`COPY . .`: what .dockerignore leaves."""

    def leave_out(folder: str, names: list[str]) -> set[str]:
        inside = Path(folder).relative_to(ROOT)
        return {
            name
            for name in names
            for pattern in IGNORED
            if fnmatch.fnmatch(
                name if pattern.startswith("**/") else str(inside / name), pattern.removeprefix("**/")
            )
        }

    shutil.copytree(ROOT, app, ignore=leave_out, dirs_exist_ok=True, symlinks=True)


class Image:
    """The folder that stands for the image. `app`: what is its /app."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.app = folder, folder / "app"
        self.app.mkdir()
        (folder / "tmp").mkdir()
        network = (
            "uv_",
            "pip_",
            "ssl_",
            "requests_",
            "node_",
            "npm_",
            "http_proxy",
            "https_proxy",
            "no_proxy",
        )
        self.env = {name: value for name, value in os.environ.items() if name.lower().startswith(network)}
        self.env |= {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": os.environ.get("HOME", str(folder)),
            "PYTHONTZPATH": "",
        }
        self.done: list[str] = []

    def carry_out(self, word: str, text: str) -> None:
        if word == "ENV":
            for name, value in (pair.split("=", 1) for pair in shlex.split(text)):
                if name not in SLOW:
                    self.env[name] = value
        elif word == "COPY":
            *sources, target = text.split()
            if sources == ["."]:
                copy_context(self.app)
            elif not sources[0].startswith("--from"):
                for source in sources:
                    shutil.copy(ROOT / source, self.app / target / source)
        elif word == "RUN" and not NEEDS_ANOTHER_IMAGE.search(text):
            self._run(text)

    def _run(self, text: str) -> None:
        command = re.sub(r"(?<![\w.])/(?=(npm|tmp)\b)", f"{self.folder}/", text)
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=self.app,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=TIME_LIMIT,
            check=False,
        )
        assert done.returncode == 0, f"{text}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        self.done.append(text)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    folder = tmp_path_factory.mktemp("image")
    made = Image(folder)
    for word, text in read_steps():
        if word in ("ENV", "COPY", "RUN"):
            made.carry_out(word, text)
    yield made
    shutil.rmtree(folder, ignore_errors=True)


def test_every_step_runs_and_what_the_image_needs_is_there(image: Image) -> None:
    assert len([step for step in image.done if "uv sync" in step]) == 1
    assert any("npm ci" in step for step in image.done)
    for place in ("config/wsgi.py", "built/tabler.css", "staticfiles/staticfiles.json", ".venv/bin/celery"):
        assert (image.app / place).exists(), place
    left_out = [".env", ".git", "tests", "docs", "var", "backups"]
    assert [name for name in left_out if (image.app / name).exists()] == []
    assert not list(image.app.glob(".venv/lib/python*/site-packages/pytest"))


def test_what_the_image_starts_is_installed_in_it(image: Image) -> None:
    starts = [json.loads(text) for word, text in read_steps() if word == "CMD"]
    assert len(starts) == 1
    for program in (starts[0][0], "celery", "python"):
        assert (image.app / ".venv/bin" / program).exists(), program
    settings = {
        "SECRET_KEY": "unused", "DATABASE_URL": "postgresql:///unused", "REDIS_URL": "redis://unused",
        "WEBHOOK_KEYS": "unused", "PUBLIC_BASE_URL": "https://unused", "ROBOTALKER_API_KEY": "unused",
        "ROBOTALKER_BASE_URL": "https://unused", "ROBOTALKER_FROM_NUMBER": "unused",
    }  # fmt: skip
    code = "import django; django.setup(); import config.urls; print(django.VERSION[0])"
    done = subprocess.run(
        [image.app / ".venv/bin/python", "-c", code],
        cwd=image.app,
        env={**image.env, **settings, "DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
        timeout=TIME_LIMIT,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_the_image_ends_as_a_user_without_rights_and_asks_for_the_version_of_uv_that_make_has() -> None:
    steps = read_steps()
    assert [text for word, text in steps if word == "USER"][-1] not in ("root", "0")
    [version] = re.findall(r"^UV_VERSION := (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert any(f"uv=={version}" in text for word, text in steps if word == "RUN")
