"""Cells of an XLS or XLSB file that show an error, which calamine gives as empty. Knows no Django.

The records of both are passed over one by one; of the cells only those with an error are looked at. XLSB:
[MS-XLSB] 2.1.4; XLS: [MS-XLS] 2.1.4, of which olefile reads the stream.
"""

import io
import struct
from collections.abc import Iterator, Mapping, Set

import olefile

OLE = bytes.fromhex("D0CF11E0A1B11AE1")
STREAMS = ("Workbook", "Book")  # the second before Excel 97
BEGINS, ENDS, SHEET, ERROR_OR_TRUTH = 0x0809, 0x000A, 0x0085, 0x0205  # records of an XLS file
FORMULAS = frozenset([0x0006, 0x0206, 0x0406])
ROW, ERROR_CELL, ERROR_OF_FORMULA, BUNDLED_SHEET = 0, 3, 11, 156  # records of an XLSB file
IS_ERROR, NO_NUMBER = 2, 0xFFFF  # of a formula's result: its kind, and that it is no number
Broken = Set[tuple[int, int]]  # row and column, both counted from 0
Record = tuple[int, bytes]


def read_broken_of_xls(data: bytes) -> list[Broken]:
    """The broken cells of each sheet, in the order in which the file names them. Raises ValueError."""
    try:
        with olefile.OleFileIO(io.BytesIO(data)) as file:
            stream = file.openstream(next(name for name in STREAMS if file.exists(name))).read()
        records = _read_xls_records(stream, 0)
        starts = [struct.unpack_from("<I", cell)[0] for kind, cell in records if kind == SHEET]
        return [_read_broken_of_records(_read_xls_records(stream, start)) for start in starts]
    except (OSError, StopIteration, struct.error, IndexError) as error:
        raise ValueError from error


def _read_xls_records(stream: bytes, at: int) -> Iterator[Record]:
    """Yield the records of the part that begins there, without what lies within a chart of it."""
    depth = 0
    while at + 4 <= len(stream):
        kind, size = struct.unpack_from("<HH", stream, at)
        depth += (kind == BEGINS) - (kind == ENDS)
        if depth == 1:
            yield kind, stream[at + 4 : at + 4 + size]
        elif depth < 1:
            return
        at += 4 + size


def _read_broken_of_records(records: Iterator[Record]) -> Broken:
    found = set()
    for kind, cell in records:
        if kind == ERROR_OR_TRUTH:
            row, column, _, _, is_error = struct.unpack_from("<HHHBB", cell)
            if is_error:
                found.add((row, column))
        elif kind in FORMULAS:
            row, column, _, result, mark = struct.unpack_from("<HHHB5xH", cell)
            if (result, mark) == (IS_ERROR, NO_NUMBER):
                found.add((row, column))
    return found


def list_xlsb_parts(index: bytes, targets: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the name of each sheet and its part. `targets`: by the ids of the file's relations."""
    for kind, record in _read_xlsb_records(index):
        if kind == BUNDLED_SHEET:
            relation, after = _read_text(record, 8)
            name, _ = _read_text(record, after)
            if target := targets.get(relation):
                yield name, target


def read_broken_of_xlsb(sheet: bytes) -> Broken:
    """The broken cells of a sheet."""
    found, row = set(), 0
    for kind, record in _read_xlsb_records(sheet):
        if kind == ROW:
            row = struct.unpack_from("<I", record)[0]
        elif kind in (ERROR_CELL, ERROR_OF_FORMULA):
            found.add((row, struct.unpack_from("<I", record)[0]))
    return found


def _read_xlsb_records(data: bytes) -> Iterator[Record]:
    at = 0
    while at < len(data):
        kind, at = _read_number(data, at, longest=2)
        size, at = _read_number(data, at, longest=4)
        yield kind, data[at : at + size]
        at += size


def _read_number(data: bytes, at: int, *, longest: int) -> tuple[int, int]:
    """Read a number of seven bits a byte; return it and what comes behind it."""
    number = 0
    for place in range(longest):
        byte = data[at + place] if at + place < len(data) else 0
        number |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            break
    return number, at + place + 1


def _read_text(record: bytes, at: int) -> tuple[str, int]:
    after = at + 4 + 2 * int(struct.unpack_from("<I", record, at)[0])
    return record[at + 4 : after].decode("utf-16-le", "replace"), after
