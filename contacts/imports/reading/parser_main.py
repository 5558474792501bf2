"""The parser process: a file on standard input, each row of it as a line of JSON on standard output.

It knows no Django.

python -m contacts.imports.reading.parser_main KIND NOW
"""

import json
import sys
from datetime import datetime

from contacts.imports.reading.parsed import ParsedSheet, ParserRefusal

MEMORY = 1536 * 1024**2  # bytes of address space
SECONDS = 20  # of processor time
SECONDS_OF_A_CALENDAR = 60  # icalendar takes half a millisecond an event


def main() -> None:
    """Read, write and end; what goes wrong is one code."""
    kind, now = sys.argv[1], datetime.fromisoformat(sys.argv[2])
    _limit_resources(SECONDS_OF_A_CALENDAR if kind == "calendar" else SECONDS)
    try:
        sheets = parse_data(kind, sys.stdin.buffer.read(), now)
    except ParserRefusal as refusal:
        _write_line({"refused": refusal.code})
    except (MemoryError, RecursionError):
        _write_line({"refused": "too_large"})
    else:
        _write_line({"sheets": len(sheets)})
        for sheet in sheets:
            for value in sheet.list_values():
                _write_line(value)


def _write_line(value: object) -> None:
    sys.stdout.buffer.write(json.dumps(value).encode() + b"\n")


def parse_data(kind: str, data: bytes, now: datetime) -> list[ParsedSheet]:
    """Return the tables of a file of one kind. Each parser is imported only when it is needed."""
    if kind == "workbook":
        from contacts.imports.reading.workbooks import parse_workbook

        return parse_workbook(data)
    if kind == "web_page":
        from contacts.imports.reading.web_pages import parse_web_page

        return parse_web_page(data)
    if kind == "calendar":
        from contacts.imports.reading.calendars import parse_calendar

        return [parse_calendar(data, now)]
    from contacts.imports.reading.fhir import parse_fhir

    return [parse_fhir(data, now)]


def _limit_resources(seconds: int) -> None:
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    except (ImportError, ValueError, OSError):  # a system without this limit, such as macOS for RLIMIT_AS
        return


if __name__ == "__main__":
    main()
