"""Files of other kinds than text are parsed in a process of their own.

A workbook of 9 kB can name a cell in its last row and column: the parser then asks for 512 GB, and ends the
whole process. So a bomb, a hang or a crash takes the parser's process only, which has limits of memory and
time, and the web server goes on.
"""

import json
import os
import subprocess
import sys
import threading
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from contacts.imports.reading.parsed import ParsedSheet, ParserRefusal

ROOT = Path(__file__).resolve().parents[3]
WAIT = 120  # seconds of the clock; parser_main.py counts the processor's
MAIN = "contacts.imports.reading.parser_main"


def parse_apart(kind: str, data: bytes, now: datetime | None = None) -> list[ParsedSheet]:
    """Return the tables of a file of one kind: workbook, web_page, calendar, fhir. Raises ParserRefusal."""
    command = [sys.executable, "-m", MAIN, kind, (now or datetime.now(UTC)).isoformat()]
    took_too_much = ParserRefusal("slow_calendar" if kind == "calendar" else "too_large")
    with subprocess.Popen(  # noqa: S603 - our own program with two of our own words
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
        env={"PATH": os.environ.get("PATH", ""), "PYTHONTZPATH": "", "PYTHONUTF8": "1"},
    ) as parser:
        too_late = threading.Timer(WAIT, parser.kill)
        too_late.start()
        try:
            sheets, refusal = _exchange(parser, data), None
        except ParserRefusal as refused:
            sheets, refusal = [], refused
        finally:
            too_late.cancel()
    if parser.returncode < 0:  # ended by a signal: out of memory or out of time
        raise took_too_much
    if refusal:
        raise refusal
    return sheets


def _exchange(parser: "subprocess.Popen[bytes]", data: bytes) -> list[ParsedSheet]:
    """Write the file to the parser, which reads all of it first; then read its answer.

    Raises ParserRefusal.
    """
    assert parser.stdin is not None  # noqa: S101 - both are pipes
    assert parser.stdout is not None  # noqa: S101
    with suppress(BrokenPipeError):  # it has ended; why, its answer or its end will say
        parser.stdin.write(data)
    with suppress(BrokenPipeError):
        parser.stdin.close()
    try:
        answer = json.loads(parser.stdout.readline())
        if refused := answer.get("refused"):
            raise ParserRefusal(str(refused))
        return [_read_sheet(parser.stdout) for _ in range(answer["sheets"])]
    except ValueError:
        raise ParserRefusal("broken") from None


def _read_sheet(lines: IO[bytes]) -> ParsedSheet:
    """Read one sheet, row by row, so that not all of its text is in memory. Raises ValueError."""
    head = json.loads(lines.readline())
    skipped = [(line, text, why) for line, text, why in head["skipped"]]
    sheet = ParsedSheet(head["name"], skipped=skipped, notes=head["notes"])
    for _ in range(head["rows"]):
        line, cells = json.loads(lines.readline())
        sheet.rows.append((line, cells))
    sheet.rows.pack()
    return sheet
