"""A file of any dialect becomes the table that was meant (product rules 48, 51 and 52)."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from contacts.imports.errors import UnreadableFile
from contacts.imports.file_content import pack_file
from contacts.imports.files import ReadChoices
from contacts.imports.reading.cells import clean_cell
from contacts.imports.reading.letters import decode_file
from tests.contacts.imports.reading_of_lists import read_bytes, read_list, read_rows

HEADER = "Appt ID,Last Name,First Name,Mobile,Date,Time,Location"
ROW = "A1,Stone,Ruth,202-555-0111,3/4/2027,9:00 AM,Elm"


@dataclass
class Reads:
    """What is right for a file: some of its text; widths, lines and reasons of the lines left out."""

    names: list[str]  # the cells of the columns in `of`, row by row
    form: str = "UTF-8, commas"
    of: tuple[str, ...] = ("Last Name", "First Name")
    header_line: int = 1
    widths: set[int] = field(default_factory=set)
    skipped: list[tuple[int, str]] = field(default_factory=list)
    damaged: set[tuple[int, int]] = field(default_factory=set)


LISTS = {
    "c12_preamble.csv": Reads(
        ["Stone, Ruth"], header_line=4, skipped=[(1, "above"), (2, "above"), (6, "total")]
    ),
    "c13_footer.csv": Reads(["Stone, Ruth", "Wood, Kofi"], skipped=[(3, "header_again"), (5, "total")]),
    "d1_raw_newline.csv": Reads(["A1", "bring forms", "A2"], of=("Appt ID",), widths={8, 2, 9}),
    "d2_truncated.csv": Reads(["Stone, Ruth", "Wood, Kofi"], widths={9, 8}),
    "d5_space_quote.csv": Reads(["Stone, Ruth"], of=("Patient Name",), widths={6}),
    "d6_semicolon_comma_names.csv": Reads(
        ["Stone, Ruth", "Wood, Kofi"], "UTF-8, semicolons", of=("Patient Name (Last, First)",), widths={6}
    ),
    "d6b_semicolon_comma_names.csv": Reads(
        ["Cleaning, adult", "Cleaning, child"], "UTF-8, semicolons", of=("Type, reason",), widths={7}
    ),
    "d7_header_newline.csv": Reads(["A1", "A2"], "UTF-8, semicolons", of=("Appt ID",), widths={6}),
    "e1_html.xls": Reads(["A1, Ruth Stone"], "Web page", of=("Appt ID", "Patient Name")),
    "e14_mojibake.csv": Reads(["Stöne, Renée", "Wood, Kofi"]),
    "e16_cp437.csv": Reads(["Peña, José"], "DOS 850, commas"),
    "f2_ids_excel.csv": Reads(["Stone, Ruth", "Wood, Kofi"]),
    "g8_owasp.csv": Reads(
        ["Stone, Ruth, +12025550111", "-Wood, =Kofi, +12025550112"], of=("Last Name", "First Name", "Mobile")
    ),
    "i2_cp1252_nunez.csv": Reads(["Núñez, Íñigo", "Wood, Kofi"], "Windows-1252, commas"),
    "j1_utf8.csv": Reads(["Müller, Zoë", "Núñez, José"]),
    "j2_utf8_one_bad_byte.csv": Reads(["Müller, Zoë", "Núñez, José", "Wood, Kofi"], damaged={(4, 3)}),
    "libreoffice.csv": Reads(
        ["Núñez, Íñigo", "Wood, Kofi"], "Windows-1252, commas", header_line=3,
        skipped=[(1, "above"), (6, "total")], widths={13},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LISTS)
def test_each_list_that_went_wrong_once_is_read_as_it_was_meant(name: str) -> None:
    right, table = LISTS[name], read_list(name)
    at = [table.headers.index(header) for header in right.of]
    assert table.form == right.form
    assert table.understood.header_line == right.header_line
    assert [", ".join(row.cells[each] for each in at) for row in table.rows] == right.names
    assert {len(row.cells) for row in table.rows} == (right.widths or {len(table.headers)})
    assert [(each.line, each.why.value) for each in table.skipped] == right.skipped
    assert table.damaged == frozenset(right.damaged)
    assert table.questions == ()


def test_half_rows_stay_as_they_are_in_the_file() -> None:
    """So that later steps can reject them (product rule 48)."""
    table = read_list("d1_raw_newline.csv")
    assert [(row.line, len(row.cells)) for row in table.rows] == [(2, 8), (3, 2), (4, 9)]


def test_what_was_understood_is_told_and_can_be_corrected() -> None:
    data = b"Listed by clinic\nLast;First;Note, etc\nStone;Ruth;a,b\nWood;Kofi;c,d\n"
    table = read_bytes(data)
    assert table.understood == ReadChoices(";", "utf-8", 2)
    assert [line.text for line in table.skipped] == ["Listed by clinic"]
    corrected = read_bytes(data, ReadChoices(",", "cp1252", 3))
    assert corrected.understood == ReadChoices(",", "cp1252", 3)
    assert corrected.headers == ("Stone;Ruth;a", "b")
    with pytest.raises(UnreadableFile, match="can't be a delimiter"):
        read_bytes(data, ReadChoices("ab"))
    with pytest.raises(UnreadableFile, match="isn't an encoding"):
        read_bytes(data, ReadChoices(encoding="rot13"))


@pytest.mark.parametrize(
    "first_line",
    ["sep=;", '"sep=;"', "SEP=;", "Sep=;", "sep=;;;;", '"sep=;";;;', "sep=", "sep=\\", 'sep="', "sep=x"],
)
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_the_line_in_which_excel_names_the_delimiter_is_understood(first_line: str, ending: str) -> None:
    lines = [first_line, "Name;Date", "Stone, Ruth;1", "Wood, Kofi;2", ""]
    assert read_rows(ending.join(lines)) == [("Name", "Date"), ("Stone, Ruth", "1"), ("Wood, Kofi", "2")]


def test_a_tab_can_be_named_as_the_delimiter() -> None:
    assert read_rows("sep=\t\nName\tDate\nStone, Ruth\t1\n")[1] == ("Stone, Ruth", "1")


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ('Name,Note\n"Ruth \\"Ru\\" Stone","a, b"\n', ('Ruth "Ru" Stone', "a, b")),
        ('Name,Note\n"Ruth ""Ru"" Stone",b\n', ('Ruth "Ru" Stone', "b")),
        ('Name,Note\n"C:\\list\\",b\n', ("C:\\list\\", "b")),
        ("'Name','Note'\n'Stone, Ruth','b'\n", ("Stone, Ruth", "b")),
        ('Name,Time\n="Stone, Ruth",="9:00"\n', ("Stone, Ruth", "9:00")),
        ('Name,Time\n"=""Stone, Ruth""",=\'9:00\'\n', ("Stone, Ruth", "9:00")),
        ("Name|Time\nStone, Ruth|9:00\n", ("Stone, Ruth", "9:00")),
        ("Name\tTime\nStone, Ruth\t9:00\n", ("Stone, Ruth", "9:00")),
        ("Name,Time\nRuth\x0bStone,9:00\n", ("Ruth Stone", "9:00")),
        ("Name,Time\nRuth\u2028Stone,9:00\n", ("Ruth Stone", "9:00")),
        ('Name,Size\nRuth 5" Stone,9:00\n', ('Ruth 5" Stone', "9:00")),
    ],
)
def test_cells_are_told_apart_in_every_dialect(text: str, row: tuple[str, ...]) -> None:
    assert read_rows(text)[1] == row


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-16", "utf-8-sig", "utf-32"])
def test_wide_characters_are_read_with_and_without_a_mark(encoding: str) -> None:
    assert read_rows(f"{HEADER}\n{ROW.replace('Ruth', 'Zoë')}\n".encode(encoding))[1][2] == "Zoë"


@pytest.mark.parametrize(
    "line",
    [
        "Total: 2", "Total,,,2", "Grand Total: 2", "Total appointments,2", "2 rows", "(2 rows affected)",
        "Page 1 of 3",
        "Printed: 3/1/2027 by Ann", "Appointments: 2", "End of report", "-------,-----,------", "======",
        "Number of appointments: 2", "Generated on 3/1/2027", HEADER, "Records found: 2",
    ],
)  # fmt: skip
def test_totals_and_footers_are_named_and_left_out(line: str) -> None:
    table = read_bytes(f"{HEADER}\n{ROW}\n{line}\n".encode())
    assert [row.line for row in table.rows] == [2]
    assert [skipped.line for skipped in table.skipped] == [3]
    assert all(skipped.reason for skipped in table.skipped)


@pytest.mark.parametrize(
    "line",
    [
        "bring forms,Cancelled",
        "Thursday, March 4",
        "A9,Total,Ruth,202-555-0111,3/4/2027,9:00 AM,Elm",
        "Ruth",
        "5",
    ],
)
def test_what_may_be_part_of_an_appointment_is_never_left_out(line: str) -> None:
    table = read_bytes(f"{HEADER}\n{ROW}\n{line}\n".encode())
    assert [row.line for row in table.rows] == [2, 3]
    assert table.skipped == ()


def test_lines_that_only_look_like_a_table_can_stand_above_the_header() -> None:
    above = "From,3/1/2027,To,3/31/2027,Site,Elm,All\n\n"
    table = read_bytes(f"{above}{HEADER}\n{ROW}\n".encode())
    assert (table.headers[0], table.understood.header_line, len(table.rows)) == ("Appt ID", 3, 1)


NAMES = [
    "Núñez,Íñigo", "Peña,José", "Nunez,Zoë", "Müller,Jürgen", "Łukasz,Zieliński", "François,Éloïse",
    "Öztürk,Şahin",
    "Hernández,Ana", "LÓPEZ,JOSÉ", "LÓPEZ,ANA", "Kovač,Ivo", "Dubček,Eva", "Němec,Jan", "Węgrzyn,Ala",
    "Иванов,Пётр",
    "Παπαδόπουλος,Γιώργος", "João,Inês", "Søren,Åsa", "Hélène,Noël", "O’Brien,Aoife", "Jānis,Bērziņš",
    "王小明,王",
    "山田,太郎", "김,철수", "Castañeda,Ibáñez", "Günther,Weiß", "Dvořák,Jiří", "Kjærgaard,Bjørn",
    "Muñoz–Smith,Ana",
    "D’Angelo,Niccolò", "McÉwan,Siân", "Nguyễn,Huệ", "Kofi\xa0,Wood",
]  # fmt: skip
ENCODINGS = [
    "cp1252", "cp850", "cp437", "mac_roman", "cp1250", "cp1251", "cp1253", "cp1254", "cp1257", "cp852",
    "cp866", "koi8_r",
    "gb18030", "big5", "cp932", "euc_kr", "iso8859_2", "iso8859_15",
]  # fmt: skip
CERTAIN = {  # that are never asked about, because no other encoding makes names of them
    ("Núñez,Íñigo", "cp1252"), ("Peña,José", "cp1252"), ("Nunez,Zoë", "cp1252"),
    ("Müller,Jürgen", "cp1252"),
    ("Hernández,Ana", "cp1252"), ("LÓPEZ,JOSÉ", "cp1252"), ("François,Éloïse", "cp1252"),
    ("Peña,José", "cp437"),
    ("Peña,José", "mac_roman"), ("Hélène,Noël", "cp1252"), ("O’Brien,Aoife", "cp1252"),
    ("Dvořák,Jiří", "cp1250"),
    ("Castañeda,Ibáñez", "cp850"), ("Łukasz,Zieliński", "cp1250"), ("Muñoz–Smith,Ana", "mac_roman"),
}  # fmt: skip


def encoded_names() -> Iterator[tuple[str, str]]:
    for names in NAMES:
        for encoding in ENCODINGS:
            try:
                names.encode(encoding)
            except UnicodeEncodeError:
                continue
            yield names, encoding


@pytest.mark.parametrize(("names", "encoding"), list(encoded_names()))
def test_letters_are_right_or_asked_about_and_never_wrong_in_silence(names: str, encoding: str) -> None:
    """(product rule 52)"""
    decoded = decode_file(pack_file(f"Appt ID,Last Name,First Name\r\nA1,{names}\r\n".encode(encoding)))
    certain = names in decoded.read_whole() and decoded.question is None
    assert certain or decoded.question
    assert certain or (names, encoding) not in CERTAIN


def test_the_question_about_letters_shows_what_each_answer_would_mean() -> None:
    data = f"{HEADER}\n{ROW.replace('Stone', 'Kovač')}\n".encode("cp1250")
    [question] = read_bytes(data).questions
    samples = {choice.value: choice.sample for choice in question.choices}
    assert (question.key, question.lines) == ("letters", (2,))
    assert samples["cp1250"] == "Kovač"
    assert samples["cp1252"] == "Kovaè"
    answered = read_bytes(data, letters="cp1250")
    assert answered.rows[0].cells[1] == "Kovač"
    assert answered.questions == (question,)
    assert read_bytes(data, ReadChoices(encoding="cp1250")).questions == ()


@pytest.mark.parametrize(
    ("cell", "read"),
    [
        (b"Zo\xc3\xab", "Zoë"),
        (b"Zo\xeb", "Zoë"),  # a cell of Windows-1252 in a file of UTF-8
        (b"Kofi\xc3", "Kofi\ufffd"),  # cut off within a letter
        (b"M\xef\xbf\xbdller", "M\ufffdller"),  # lost before the export
        (b"M?ller", "M?ller"),
    ],
)
def test_one_damaged_cell_harms_one_cell(cell: bytes, read: str) -> None:
    good = "A1,Müller,José,202-555-0111,3/4/2027,9:00 AM,Elm".encode()
    data = b"\n".join([HEADER.encode(), good, good.replace("José".encode(), cell)])
    table = read_bytes(data)
    assert table.form == "UTF-8, commas"
    assert (table.rows[0].cells[2], table.rows[1].cells[2]) == ("José", read)
    assert table.damaged == (frozenset() if cell == b"Zo\xc3\xab" else {(3, 2)})


def test_repaired_letters_are_told() -> None:
    assert read_list("e14_mojibake.csv").notes == (
        "The letters of 2 cells were repaired, such as “StÃ¶ne”, which is read as “Stöne”.",
    )


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ('="9:00"', "9:00"), ("='9:00'", "9:00"), ('=T("00123")', "00123"), ('="a ""b"" c"', 'a "b" c'),
        ("'+12025550111", "+12025550111"), ("'=Kofi", "=Kofi"), ("'-Wood", "-Wood"), ("'00123", "00123"),
        ("'(202) 555-0111", "(202) 555-0111"), ("’+1 202", "+1 202"), ("'@home", "@home"),
        ("'t Hooft", "'t Hooft"), ("O'Brien", "O'Brien"), ("=1+1", "=1+1"),
        ("=cmd|'/c calc'!A1", "=cmd|'/c calc'!A1"),
        ("Ruth\xa0Stone", "Ruth Stone"), ("\ufeffRuth", "Ruth"), ("Ru\u200bth", "Ruth"),
        ("\u202eRuth\u202c", "Ruth"),
        ("Ru\xadth", "Ruth"), ("\u2800Ruth", "Ruth"), ("Ruth\x00\x07", "Ruth"), ("a\ud800b", "a\ufffdb"),
        ("نیما\u200cپور", "نیما\u200cپور"), ("Ru\u200dth", "Ruth"), ("Zoe\u0308", "Zoë"),
        ("  Ruth \n Stone ", "Ruth Stone"),
    ],
)  # fmt: skip
def test_protections_and_invisible_characters_are_taken_off(cell: str, text: str) -> None:
    """(product rules 49 and 51)"""
    assert clean_cell(cell) == text


def test_a_guard_before_letters_is_told_from_a_name_by_its_whole_column() -> None:
    guarded = read_rows("First,Last\n'Ruth,'t Hooft\n'Kofi,Wood\n")
    assert guarded[1:] == [("Ruth", "'t Hooft"), ("Kofi", "Wood")]
