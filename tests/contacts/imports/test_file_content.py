"""A file is unpacked and decoded piece by piece, with the same result as all at once."""

import codecs
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts.imports.csv_files import CsvReader
from contacts.imports.file_content import PIECE, FileContent, pack_file
from contacts.imports.reading.letters import decode_file

LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
HEADER = "Appt ID,Last Name,First Name,Date,Time"


@given(st.binary(max_size=200), st.integers(0, 3))
def test_what_was_packed_is_unpacked(data: bytes, times: int) -> None:
    data *= 1 + times * PIECE // 100
    content = pack_file(data)
    assert content.read_whole() == data
    assert content.read_start(PIECE + 1) == data[: PIECE + 1]
    assert max(map(len, content.read_pieces()), default=0) <= PIECE


def test_a_content_that_is_cut_off_is_an_error() -> None:
    packed = pack_file(b"Appt ID\n" * PIECE).packed
    with pytest.raises(EOFError):
        FileContent(packed[:-10]).read_whole()


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "gb18030", "cp1252"]
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("shift", range(4))
def test_letters_and_line_ends_are_whole_where_two_pieces_meet(encoding: str, end: str, shift: int) -> None:
    letters = "Zoé" if encoding == "cp1252" else "Zoé 李雷 José"
    text = "x" * shift + end + (f"A1,{letters},May{end}" * (PIECE // 12)) + "Tom"
    chosen = encoding.removesuffix("-sig").removesuffix("-le") if encoding != "utf-16-le" else "utf-16"
    decoded = decode_file(pack_file(text.encode(encoding)), chosen)
    assert decoded.read_whole() == text
    assert list(decoded) == LINE.findall(text)


def test_a_stray_byte_damages_nothing_else_in_a_long_list_of_names() -> None:
    """Of more than 8,000 words, no list was taken for UTF-8 if a single byte was wrong (product rule 52)."""
    rows = [f"A{number},García,Zoë,2027-03-01,9:00" for number in range(6000)]
    data = "\n".join([HEADER, *rows]).encode() + b"\nA6000,Stone,Ren\xe9,2027-03-01,9:00\n"
    table = CsvReader().read(pack_file(data))
    assert {row.cells[1:3] for row in table.rows} == {("García", "Zoë"), ("Stone", "René")}


def test_a_mark_at_the_start_is_no_letter() -> None:
    data = codecs.BOM_UTF8 + f"{HEADER}\n".encode() + b"A1,Stone,Ruth,2027-03-01,9:00\n"
    assert CsvReader().read(pack_file(data)).headers[0] == "Appt ID"
