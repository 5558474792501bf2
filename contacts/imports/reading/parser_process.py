"""Files of other kinds than text are parsed in a process of their own.

A workbook of 9 kB can name a cell in its last row and column: the parser then asks for 512 GB, and ends the
whole process. So a bomb, a hang or a crash takes the parser's process only, which has limits of memory and
time, and the web server goes on.
"""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from contacts.imports.reading.parsed import ParsedSheet, ParserRefusal

ROOT = Path(__file__).resolve().parents[3]
WAIT = 120  # seconds of the clock; parser_main.py counts the processor's
MAIN = "contacts.imports.reading.parser_main"


def parse_apart(kind: str, data: bytes, now: datetime | None = None) -> list[ParsedSheet]:
    """Return the tables of a file of one kind: workbook, web_page, calendar, fhir. Raises ParserRefusal."""
    command = [sys.executable, "-m", MAIN, kind, (now or datetime.now(UTC)).isoformat()]
    took_too_much = ParserRefusal("slow_calendar" if kind == "calendar" else "too_large")
    try:
        ended = subprocess.run(  # noqa: S603 - our own program with two of our own words
            command,
            input=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
            env={"PATH": os.environ.get("PATH", ""), "PYTHONTZPATH": "", "PYTHONUTF8": "1"},
            timeout=WAIT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise took_too_much from None
    if ended.returncode < 0:  # ended by a signal: out of memory or out of time
        raise took_too_much
    try:
        answer = json.loads(ended.stdout)
    except ValueError:
        raise ParserRefusal("broken") from None
    if isinstance(answer, dict):
        raise ParserRefusal(str(answer.get("refused")))
    return [
        ParsedSheet(
            sheet["name"],
            [(line, cells) for line, cells in sheet["rows"]],
            [(line, text, why) for line, text, why in sheet["skipped"]],
            sheet["notes"],
        )
        for sheet in answer
    ]
