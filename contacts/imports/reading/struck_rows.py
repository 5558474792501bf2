"""Rows of an XLSX file that are struck through, as people do with a visit that is off. Knows no Django.

calamine gives their text like any other. Whether such a visit takes place is for a person to say, so the row
is left out and named. Formats that depend on a condition, and those of other kinds of file, aren't seen.
"""

import io
import re
import zipfile
from collections.abc import Iterator, Set
from xml.etree import ElementTree

from contacts.imports.reading.parsed import ParserRefusal
from contacts.imports.reading.workbook_errors import CHUNK, LARGEST_INDEX, list_parts

STYLES = "xl/styles.xml"
FILLED_CELL = re.compile(
    rb'<(?:\w{1,9}:)?c\s(?=[^<>]{0,200}\br="[A-Z]{1,3}(?P<row>\d{1,7})")'
    rb'[^<>]{0,200}\bs="(?P<style>\d{1,6})"[^<>]{0,200}>(?<!/>)'
)
OVERLAP = 1024  # bytes


def find_struck_rows(data: bytes) -> dict[str, Set[int]]:
    """Sheet -> its struck rows, counted from 1; empty for another kind of file. Raises ParserRefusal."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if STYLES not in archive.namelist() or not (struck := _list_struck_styles(archive)):
                return {}
            return {name: _read_rows(archive, part, struck) for name, part in list_parts(archive)}
    except zipfile.BadZipFile:
        return {}
    except (ElementTree.ParseError, KeyError, ValueError, OSError, RuntimeError, EOFError):
        raise ParserRefusal("broken_workbook") from None


def _list_struck_styles(archive: zipfile.ZipFile) -> frozenset[bytes]:
    """The numbers of the cell formats whose font is struck through, as cells have them."""
    if archive.getinfo(STYLES).file_size > LARGEST_INDEX:
        raise ValueError(STYLES)
    root = ElementTree.fromstring(archive.read(STYLES))  # noqa: S314 - the process has limits
    fonts = [any(map(_is_strike, font)) for font in _list_children(root, "fonts")]
    struck = {str(at) for at, is_struck in enumerate(fonts) if is_struck}
    formats = enumerate(_list_children(root, "cellXfs"))
    return frozenset(str(at).encode() for at, each in formats if each.get("fontId", "0") in struck)


def _list_children(root: ElementTree.Element, name: str) -> Iterator[ElementTree.Element]:
    for part in root:
        if part.tag.rpartition("}")[2] == name:
            yield from part


def _is_strike(part: ElementTree.Element) -> bool:
    return part.tag.rpartition("}")[2] == "strike" and part.get("val", "1") not in ("0", "false")


def _read_rows(archive: zipfile.ZipFile, part: str, struck: frozenset[bytes]) -> Set[int]:
    found: set[int] = set()
    with archive.open(part) as sheet:
        kept = b""
        while chunk := sheet.read(CHUNK):
            text = kept + chunk
            found.update(int(one["row"]) for one in FILLED_CELL.finditer(text) if one["style"] in struck)
            kept = text[-OVERLAP:]
    return found
