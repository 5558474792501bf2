"""Measure imports of lists: reading, planning and writing, beside a bare read of the same file; and memory.

As a program (`python -m tests.bench.imports preview|import|again FILE`) it does that with the file, and
prints the highest memory of its process in MB: Callboard's own, without the parser's process of a workbook or
calendar.
"""

import csv
import hashlib
import io
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from tests.bench.lists import LOCATION, make_rows, write_csv, write_ics, write_xlsx
from tests.bench.measure import Line, compare, stopwatch
from tests.sandbox_server import ROOT

SIZES = (1_000, 10_000, 100_000)
MEMORY_SIZES = (10_000, 30_000, 100_000)
OTHER_SIZE = 10_000  # rows of a workbook or a calendar
LARGE = 50_000  # from here on, one round
ROUNDS = 3
KILOBYTE, MEGABYTE = 1024, 1024  # bytes; kB
WRITERS = {"CSV": write_csv, "XLSX": write_xlsx, "ICS": write_ics}
BARE = {"CSV": "csv.reader", "XLSX": "python-calamine", "ICS": "icalendar"}


def bench_imports() -> Iterator[Line]:
    """Lists of several lengths and kinds; each round of an import is of people who weren't here before."""
    from tests.people import make_location

    make_location(name=LOCATION, time_zone="America/New_York")  # the calendars say 13:00 to 22:45 UTC
    starts = iter(range(1_000_000, 10_000_000, max(SIZES)))
    for kind, size in [*(("CSV", size) for size in SIZES), ("XLSX", OTHER_SIZE), ("ICS", OTHER_SIZE)]:
        yield from _measure_speed(kind, size, starts)
    yield from _measure_memory(starts)


def _measure_speed(kind: str, size: int, starts: Iterator[int]) -> Iterator[Line]:
    rounds = 1 if size >= LARGE else ROUNDS
    data = WRITERS[kind](make_rows(size, next(starts)))
    lists = [WRITERS[kind](make_rows(size, next(starts))) for _ in range(rounds)]
    new = iter(lists)
    deeds: dict[str, Callable[[], None]] = {
        "read": lambda: _read(data),
        "previewed": lambda: _run("preview", data, size),
        "imported": lambda: _run("import", next(new), size),
    }
    for deed, run in deeds.items():
        yield from compare(
            f"list {deed}: {size:,} rows of {kind}",
            _rate(run, size),
            {BARE[kind]: _rate(lambda: _read_bare(kind, data), size)},
            unit="rows/s",
            rounds=rounds,
        )
    yield from compare(
        f"the same list imported again: {size:,} rows of {kind}",
        _rate(lambda: _run("import", lists[-1], size, added=0), size),
        {BARE[kind]: _rate(lambda: _read_bare(kind, lists[-1]), size)},
        unit="rows/s",
        rounds=rounds,
    )


def _rate(run: Callable[[], None], size: int) -> Callable[[], float]:
    """Measure the rows per second of one run."""

    def measure() -> float:
        with stopwatch() as watch:
            run()
        return watch.rate(size)

    return measure


def _read_bare(kind: str, data: bytes) -> None:
    """What a program would do that only wants the cells."""
    if kind == "CSV":
        list(csv.reader(io.StringIO(data.decode(), newline="")))
    elif kind == "XLSX":
        from python_calamine import CalamineWorkbook

        CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python()
    else:
        from icalendar import Calendar

        Calendar.from_ical(data.decode())


def _read(data: bytes) -> None:
    from django.conf import settings

    from contacts.imports.file_content import pack_file
    from contacts.imports.files import read_table
    from contacts.imports.list_reading import READERS

    read_table("list", pack_file(data), largest=settings.IMPORT_MAX_BYTES, readers=READERS)


def _run(deed: str, data: bytes, size: int, *, added: int | None = None) -> None:
    """Preview or import, and check that all rows are taken. `added`: how many are new, all if None."""
    from contacts.imports.importing import import_file, preview_file
    from contacts.imports.practice import ImportOptions

    run = preview_file if deed == "preview" else import_file
    source = hashlib.sha256(data).hexdigest()[:12]  # of its own, so that no question is asked
    given = [data]
    del data  # as where a list is kept in the database, nothing but the run has its bytes
    counts = run(given.pop(), "list", ImportOptions(source=source)).counts
    if (counts["rows"], counts["added"]) != (size, size if added is None else added):
        raise RuntimeError(f"{size} rows, but {counts}")


def _measure_memory(starts: Iterator[int]) -> Iterator[Line]:
    """The highest memory of a new process, by the number of rows; beside that for a list of one row.

    First of people who aren't here, then of the same list once more, when all of them are.
    """
    used: dict[str, list[float]] = {"preview": [], "import": [], "again": []}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list.csv"
        for size in (1, *MEMORY_SIZES):
            path.write_bytes(write_csv(make_rows(size, next(starts))))
            for deed, found in used.items():
                found.append(_measure_process(deed, path))
    deeds = {"preview": "preview new people", "import": "import them", "again": "import them again"}
    for deed, (base, *found) in used.items():
        growth = (found[-1] - found[0]) * KILOBYTE * MEGABYTE / (MEMORY_SIZES[-1] - MEMORY_SIZES[0])
        yield Line(
            f"memory to {deeds[deed]}: {_join(f'{size:,}' for size in MEMORY_SIZES)} rows",
            f"{_join(f'{each:.0f}' for each in found)} MB",
            f"a list of 1 row: {base:.0f} MB",
            f"{growth:,.0f} bytes for each further row",
        )


def _join(parts: Iterable[str]) -> str:
    *most, last = parts
    return f"{', '.join(most)} and {last}"


def _measure_process(deed: str, path: Path) -> float:
    command = [sys.executable, "-m", "tests.bench.imports", deed, str(path)]
    return float(subprocess.check_output(command, cwd=ROOT))


def _main(deed: str, path: Path) -> None:
    import django

    django.setup()
    with path.open("rb") as lines:
        size = sum(1 for _line in lines) - 1
    _run(deed, path.read_bytes(), size, added=0 if deed == "again" else None)
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    sys.stdout.write(f"{int(fields['VmHWM'].split()[0]) / MEGABYTE:.2f}\n")


if __name__ == "__main__":
    _main(sys.argv[1], Path(sys.argv[2]))
