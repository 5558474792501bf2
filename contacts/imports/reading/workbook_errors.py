"""Cells of an XLSX file that show an error, or a formula that was never worked out. Knows no Django.

calamine gives both as empty. An empty status means that the visit takes place, so `#N/A` must not be one
(product rule 43).
"""

import io
import re
import zipfile
from collections.abc import Iterator, Set
from xml.etree import ElementTree

ERROR = "#N/A"  # as whatever error it is shown; it is no id, no name, no number, no date and no status
BROKEN_CELL = re.compile(
    rb"<(?:\w{1,9}:)?c\s(?P<marks>[^<>]{0,200})>"
    rb"(?:(?P<formula><(?:\w{1,9}:)?f\b[^<>]{0,300}(?:/>|>[^<]{0,8192}</(?:\w{1,9}:)?f>)"
    rb"(?:<(?:\w{1,9}:)?v\s?/>|<(?:\w{1,9}:)?v></(?:\w{1,9}:)?v>)?</(?:\w{1,9}:)?c>))?"
)
IS_ERROR = re.compile(rb'\bt="e"')
PLACE = re.compile(rb'\br="([A-Z]{1,3})(\d{1,7})"')
CHUNK, OVERLAP = 1024 * 1024, 16 * 1024  # bytes of a sheet that are looked at together
LARGEST_INDEX = 4 * 1024 * 1024  # bytes of the parts that list the sheets
Broken = Set[tuple[int, int]]  # row and column, both counted from 0


def find_broken_cells(data: bytes) -> dict[str, Broken]:
    """Sheet -> its broken cells; empty for another kind of file."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return {name: _read_broken(archive, part) for name, part in _list_parts(archive)}
    except (
        zipfile.BadZipFile,
        ElementTree.ParseError,
        KeyError,
        ValueError,
        OSError,
        RuntimeError,
        EOFError,
    ):
        return {}


def _list_parts(archive: zipfile.ZipFile) -> Iterator[tuple[str, str]]:
    """Yield the name of each sheet and the part of the file that it is in."""
    targets = {
        each.get("Id"): str(each.get("Target", ""))
        for each in _read_index(archive, "xl/_rels/workbook.xml.rels")
    }
    for each in _read_index(archive, "xl/workbook.xml"):
        if each.tag.rpartition("}")[2] == "sheet":
            ids = [value for key, value in each.attrib.items() if key.rpartition("}")[2] == "id"]
            target = targets.get(ids[0], "") if ids else ""
            if target:
                yield str(each.get("name", "")), target[1:] if target.startswith("/") else f"xl/{target}"


def _read_index(archive: zipfile.ZipFile, part: str) -> Iterator[ElementTree.Element]:
    if archive.getinfo(part).file_size > LARGEST_INDEX:
        raise ValueError(part)
    return ElementTree.fromstring(archive.read(part)).iter()  # noqa: S314 - the process has limits


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


def _number_column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number - 1
