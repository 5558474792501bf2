"""manage.py import_appointments FILE: import an appointment list that another system exported."""

import json
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext

from contacts.imports.errors import ImportRefused, QuestionsOpen, UnreadableFile
from contacts.imports.files import describe_too_large
from contacts.imports.importing import import_file, preview_file
from contacts.imports.mending import RowsToMend, write_rows_to_mend
from contacts.imports.practice import DEFAULT_SOURCE, ImportOptions
from contacts.imports.questions import Question
from contacts.imports.reading.cells import clean_source_name
from contacts.imports.reading_options import OPTION_NAMES, READING_OPTIONS, choose_reading
from contacts.imports.report import ImportReport, questions_as_lines, report_as_json, report_as_text

# Options that can be repeated: their value is a pair.
PAIRS = {
    "--location-zone": ("LOCATION=ZONE", 'time zone of a new location, such as "Eastside=America/New_York"'),
    "--column": ("MEANING=HEADER", 'column with an unknown header, such as "first_name=Vorname"'),
    "--location-name": (
        "LOCATION=NAME",
        'what calls say for a new location, such as "Eastside=Harbor Clinic"',
    ),
    "--location-number": (
        "LOCATION=NUMBER",
        'number to call back for a new location, such as "Eastside=+12025550199"',
    ),
    "--answer": (
        "QUESTION=ANSWER",
        "answer to a question about the file, as the command prints it; remembered for the source",
    ),
}


class Command(BaseCommand):
    help = (
        "Imports an appointment list (CSV, XLSX, XLS, XLSB, ODS, ICS, FHIR). Rows with errors are reported "
        "with what to do, the others are imported. Importing the same file again changes nothing. "
        "See docs/importing.md."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="the exported list")
        parser.add_argument(
            "--dry-run", action="store_true", help="show what would change, without changing anything"
        )
        parser.add_argument(
            "--rejected",
            type=Path,
            metavar="FILE",
            help="write the rows that aren't imported to this CSV file, to be mended and imported again",
        )
        parser.add_argument("--json", action="store_true", help="print the report as JSON")
        parser.add_argument(
            "--source",
            default=DEFAULT_SOURCE,
            help=f"name of the system that exported the file (default: {DEFAULT_SOURCE})",
        )
        for option in READING_OPTIONS:
            parser.add_argument(
                *option.flags,
                dest=option.name,
                metavar=option.metavar,
                help=gettext("%(meaning)s; “auto” takes back what is remembered of the source")
                % {"meaning": option.help},
            )
        for name, (pair, meaning) in PAIRS.items():
            parser.add_argument(
                name, action="append", default=[], metavar=pair, help=f"{meaning}; can be repeated"
            )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = _run(options)
        except QuestionsOpen as refused:
            self._print_questions(refused.questions, as_json=options["json"])
            raise CommandError(f"{refused} {gettext('Nothing was imported.')}") from None
        except ImportRefused as refused:
            if options["json"]:
                self.stdout.write(json.dumps({"error": str(refused)}, ensure_ascii=False))
            raise CommandError(str(refused)) from None
        if options["rejected"] and report.to_mend:
            _write_rejected(options["rejected"], report.to_mend)
        if options["json"]:
            self.stdout.write(json.dumps(report_as_json(report), ensure_ascii=False, indent=2))
        else:
            self.stdout.write(report_as_text(report))
        if report.open_questions:
            error = QuestionsOpen(report.open_questions)
            raise CommandError(f"{error} {gettext('The questions are above.')}")
        if not report.took_something:
            raise CommandError(
                gettext("No row of the file could be imported. The report above says what to do.")
            )

    def _print_questions(self, questions: Sequence[Question], *, as_json: bool) -> None:
        if as_json:
            error = {
                "error": str(QuestionsOpen(questions)),
                "questions": [asdict(each) for each in questions],
            }
            self.stdout.write(json.dumps(error, ensure_ascii=False, indent=2))
        else:
            self.stdout.write("\n".join(questions_as_lines(questions, {})))


def _run(options: dict[str, Any]) -> ImportReport:
    chosen = ImportOptions(
        source=clean_source_name(options["source"]),
        zones=_split_pairs(options["location_zone"], "--location-zone"),
        columns=_split_pairs(options["column"], "--column"),
        spoken_names=_split_pairs(options["location_name"], "--location-name"),
        callback_numbers=_split_pairs(options["location_number"], "--location-number"),
        answers=_split_pairs(options["answer"], "--answer"),
    )
    given = {name: options[name] for name in OPTION_NAMES if options.get(name) is not None}
    chosen = choose_reading(chosen, given)
    path: Path = options["file"]
    run = preview_file if options["dry_run"] else import_file
    return run(_read_bytes(path), path.name, chosen)


def _write_rejected(path: Path, to_mend: RowsToMend) -> None:
    """Write the rows to mend; only the user who runs this can read them. Raises CommandError."""
    try:
        path.touch(mode=0o600)
        path.write_text(f"\ufeff{write_rows_to_mend(to_mend)}", encoding="utf-8", newline="")
    except OSError as error:
        raise CommandError(f"{path} can't be written: {error.strerror}.") from None


def _split_pairs(pairs: list[str], option: str) -> dict[str, str]:
    """Split "name=value" pairs at the last "=", because a name may contain one."""
    split = [pair.rpartition("=") for pair in pairs]
    for pair, (name, _, value) in zip(pairs, split, strict=True):
        if not name or not value:
            text = gettext("“%(pair)s” is wrong for %(option)s. Write a name, an equals sign and a value.")
            raise ImportRefused(text % {"pair": pair, "option": option})
    return {name.strip(): value.strip() for name, _, value in split}


def _read_bytes(path: Path) -> bytes:
    """Return the file's content. Raises UnreadableFile; a file that is too large isn't read at all."""
    try:
        if path.stat().st_size > settings.IMPORT_MAX_BYTES:
            raise UnreadableFile(describe_too_large(settings.IMPORT_MAX_BYTES))
        return path.read_bytes()
    except OSError as error:
        text = gettext("The file %(path)s can't be read: %(why)s.")
        raise UnreadableFile(text % {"path": path, "why": error.strerror}) from None
