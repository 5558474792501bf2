"""Cells of a workbook that show an error, or a formula that was never worked out. Knows no Django.

calamine gives both as empty. An empty status means that the visit takes place, so `#N/A` must not be one
(product rule 43).
"""

import io
import re
import struct
import zipfile
from collections.abc import Iterator, Sequence
from itertools import product
from typing import IO
from xml.etree import ElementTree

from contacts.imports.reading.binary_errors import (
    OLE,
    Broken,
    list_xlsb_parts,
    read_broken_of_xls,
    read_broken_of_xlsb,
)
from contacts.imports.reading.parsed import ParserRefusal

ERROR = "#N/A"  # as whatever error it is shown; it is no id, no name, no number, no date and no status
BROKEN_CELL = re.compile(
    rb"<(?:\w{1,9}:)?c\s(?P<marks>[^<>]{0,200})>"
    rb"(?:(?P<formula><(?:\w{1,9}:)?f\b[^<>]{0,300}(?:/>|>[^<]{0,8192}</(?:\w{1,9}:)?f>)"
    rb"(?:<(?:\w{1,9}:)?v\s?/>|<(?:\w{1,9}:)?v></(?:\w{1,9}:)?v>)?</(?:\w{1,9}:)?c>))?"
)
IS_ERROR = re.compile(rb'\bt="e"')
PLACE = re.compile(rb'\br="([A-Z]{1,3})(\d{1,7})"')
CHUNK, OVERLAP = 1024 * 1024, 16 * 1024  # bytes of a sheet that are looked at together
LARGEST_INDEX = 32 * 1024 * 1024  # bytes of the parts that list the sheets
XLSB_INDEX, XLSB_RELATIONS = "xl/workbook.bin", "xl/_rels/workbook.bin.rels"
ODS_CONTENT = "content.xml"
TABLE, OFFICE = (f"{{urn:oasis:names:tc:opendocument:xmlns:{part}:1.0}}" for part in ("table", "office"))
CALC = "{urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0}"
SHOWN_ERROR = re.compile(r"#(?:N/A|REF!|VALUE!|DIV/0!|NAME\?|NUM!|NULL!)|(?:Err|Error|Fehler):?\s?5\d\d")
MOST_BROKEN = 100_000  # cells of a sheet, or columns: with more it is no list


def find_broken_cells(data: bytes, sheets: Sequence[str]) -> dict[str, Broken]:
    """Sheet -> its broken cells. `sheets`: the names of all, in the order of the file.

    Raises ParserRefusal, also where a file can't be followed: then it isn't known which are broken.
    """
    try:
        if data.startswith(OLE):
            return dict(zip(sheets, read_broken_of_xls(data), strict=True))
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if ODS_CONTENT in archive.namelist():
                with archive.open(ODS_CONTENT) as content:
                    return _read_broken_of_ods(content)
            if XLSB_INDEX in archive.namelist():
                targets = _list_targets(archive, XLSB_RELATIONS)
                parts = list_xlsb_parts(archive.read(XLSB_INDEX), targets)
                return {name: read_broken_of_xlsb(archive.read(part)) for name, part in parts}
            return {name: _read_broken(archive, part) for name, part in list_parts(archive)}
    except (
        zipfile.BadZipFile,
        ElementTree.ParseError,
        KeyError,
        ValueError,
        OSError,
        RuntimeError,
        EOFError,
        struct.error,
        StopIteration,
    ):
        raise ParserRefusal("broken_workbook") from None


def list_parts(archive: zipfile.ZipFile) -> Iterator[tuple[str, str]]:
    """Yield the name of each sheet and the part of the file that it is in."""
    targets = _list_targets(archive, "xl/_rels/workbook.xml.rels")
    for each in _read_index(archive, "xl/workbook.xml"):
        if each.tag.rpartition("}")[2] == "sheet":
            ids = [value for key, value in each.attrib.items() if key.rpartition("}")[2] == "id"]
            if target := targets.get(ids[0] if ids else "", ""):
                yield str(each.get("name", "")), target


def _list_targets(archive: zipfile.ZipFile, relations: str) -> dict[str, str]:
    """The part of each relation, by its id."""
    found = {}
    for each in _read_index(archive, relations):
        target = str(each.get("Target", "")).replace("\\", "/")
        path = target[1:] if target.startswith("/") else f"xl/{target}"
        found[str(each.get("Id"))] = _find_part(archive, path) if target else ""
    return found


def _find_part(archive: zipfile.ZipFile, path: str) -> str:
    """The name of a part as the archive has it: some programs write it in capitals, or with backslashes."""
    names = archive.namelist()
    if path in names:
        return path
    return next((each for each in names if each.replace("\\", "/").casefold() == path.casefold()), path)


def _read_index(archive: zipfile.ZipFile, part: str) -> Iterator[ElementTree.Element]:
    name = _find_part(archive, part)
    if archive.getinfo(name).file_size > LARGEST_INDEX:
        raise ValueError(part)
    return ElementTree.fromstring(archive.read(name)).iter()  # noqa: S314 - the process has limits


def _read_broken(archive: zipfile.ZipFile, part: str) -> Broken:
    found: set[tuple[int, int]] = set()
    with archive.open(part) as sheet:
        kept = b""
        while chunk := sheet.read(CHUNK):
            text = kept + chunk
            for cell in BROKEN_CELL.finditer(text):
                place = PLACE.search(cell["marks"])
                if place and (cell["formula"] or IS_ERROR.search(cell["marks"])):
                    found.add((int(place[2]) - 1, _number_column(place[1])))
            kept = text[-OVERLAP:]
    return found


def _read_broken_of_ods(content: IO[bytes]) -> dict[str, Broken]:
    found: dict[str, Broken] = {}
    name, row, broken = "", 0, set[tuple[int, int]]()
    for event, element in ElementTree.iterparse(content, ("start", "end")):  # noqa: S314 - as above
        if event == "start":
            if element.tag == f"{TABLE}table":
                name, row, broken = element.get(f"{TABLE}name", ""), 0, set()
                found[name] = broken
        elif element.tag == f"{TABLE}table-row":
            rows, columns = _repeats(element, "rows"), _list_broken_columns(element)
            if len(broken) + rows * len(columns) > MOST_BROKEN:
                raise ParserRefusal("broken_workbook")
            broken.update(product(range(row, row + rows), columns))
            row += rows
            element.clear()
    return found


def _list_broken_columns(row: ElementTree.Element) -> list[int]:
    found, column = list[int](), 0
    for cell in row:
        repeats = _repeats(cell, "columns")
        if _is_broken(cell):
            found += range(column, min(column + repeats, MOST_BROKEN))
        column += repeats
    return found


def _repeats(element: ElementTree.Element, what: str) -> int:
    return int(element.get(f"{TABLE}number-{what}-repeated", "1"))


def _is_broken(cell: ElementTree.Element) -> bool:
    """Whether it is marked as an error, shows one beside an empty value, or has a formula and no value."""
    text = "".join(cell.itertext()).strip()
    if cell.get(f"{CALC}value-type") == "error" or SHOWN_ERROR.fullmatch(text):
        return True
    return f"{TABLE}formula" in cell.attrib and not text and f"{OFFICE}value-type" not in cell.attrib


def _number_column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number - 1
