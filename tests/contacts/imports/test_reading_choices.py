"""How a list is read, as a person chose: the codes, what can't be, and what is shown. Pure.

(product rules 46, 47 and 52)
"""

from datetime import date
from typing import Any

import pytest

from contacts.imports.csv_files import CsvReader
from contacts.imports.dates import ORDER_KEY, ask_about_order, guess_order, read_date
from contacts.imports.errors import ImportRefused, WrongChoice
from contacts.imports.file_content import pack_file
from contacts.imports.file_reading import RawFile, has_headers_of_mending, read_as_remembered
from contacts.imports.files import NO_CHOICES, ReadChoices, Table
from contacts.imports.mending import may_be_to_mend
from contacts.imports.practice import ImportOptions
from contacts.imports.reading.letters import decode_file, find_certain_encoding
from contacts.imports.reading_options import (
    DELIMITER_CODES,
    DELIMITER_WORDS,
    LETTERS_WORDS,
    READING_OPTIONS,
    choose_reading,
    list_chosen,
    read_kept_choices,
)
from contacts.imports.remembered import EffectiveOptions, forget_numbered
from contacts.imports.understood import describe_table, list_understood, take_first_rows
from tests.contacts.imports.reading_of_lists import read_bytes

TYPED = {
    ("delimiter", ";"): "semicolon",
    ("delimiter", "Semicolons"): "semicolon",
    ("delimiter", "\\t"): "tab",
    ("delimiter", "\t"): "tab",
    ("delimiter", "|"): "bar",
    ("encoding", "UTF8"): "utf-8",
    ("encoding", "windows-1252"): "cp1252",
    ("encoding", "Latin1"): "cp1252",
    ("encoding", "shift_jis"): "cp932",
    ("header_line", " 04 "): "4",
    ("date_order", "Day-First"): "day_first",
    ("date_order", "month_first"): "month_first",
    ("region", "gb"): "GB",
    ("time_zone", "America/Denver"): "America/Denver",
    ("sheet", "March 2027"): "March 2027",
}
WRONG = [
    ("delimiter", "x"), ("delimiter", "comma;"), ("delimiter", '"'), ("encoding", "klingon"),
    ("encoding", "rot13"), ("header_line", "0"), ("header_line", "-1"), ("header_line", "two"),
    ("header_line", "²"), ("header_line", "9" * 400), ("date_order", "year-first"), ("region", "Mars"),
    ("region", "ZZ"), ("time_zone", "Mars/Base"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), TYPED)
def test_what_people_type_becomes_one_code(name: str, value: str) -> None:
    option = next(each for each in READING_OPTIONS if each.name == name)
    assert option.read(value) == TYPED[name, value]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_what_cant_be_chosen_is_refused_in_a_sentence(name: str, value: str) -> None:
    with pytest.raises(ImportRefused, match=r"“.*” (can't|aren't|isn't)"):
        choose_reading(ImportOptions(), {name: value})


def test_choices_become_options_and_codes_again() -> None:
    codes = {"delimiter": "tab", "encoding": "cp850", "header_line": "4", "sheet": "Desk", "region": "CA"}
    options = choose_reading(ImportOptions(), codes | {"date_order": "day-first"})
    assert options.reading == ReadChoices("\t", "cp850", 4, "Desk")
    assert options.answers == {ORDER_KEY: "day_first"}
    assert list_chosen(options) == codes
    back = choose_reading(options, {"delimiter": "", "region": "auto"})
    assert (back.reading.delimiter, back.region, set(back.as_recognised)) == ("", "", {"delimiter", "region"})
    assert choose_reading(back, {"delimiter": ";"}).as_recognised == ("region",)


def test_remembered_codes_that_are_no_longer_known_are_passed_over() -> None:
    kept = {"delimiter": "semicolon", "encoding": "klingon", "header_line": "x", "headers": ["Date"]}
    assert read_kept_choices(kept) == ReadChoices(delimiter=";")


def test_every_delimiter_and_encoding_has_words_for_staff() -> None:
    assert DELIMITER_CODES.keys() == DELIMITER_WORDS.keys()
    for code in LETTERS_WORDS:
        assert choose_reading(ImportOptions(), {"encoding": code}).reading.encoding == code


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (b"Appt ID", ""),
        ("Müller".encode(), "utf-8"),
        ("Müller".encode("cp1252"), ""),
        (b"\xef\xbb\xbfAppt", "utf-8"),
        ("Appt ID,Name\n".encode("utf-16"), "utf-16"),
        ("Appt ID,Name\n".encode("utf-16-be"), "utf-16-be"),
    ],
)
def test_only_bytes_that_prove_their_encoding_are_certain(data: bytes, encoding: str) -> None:
    assert find_certain_encoding(pack_file(data)) == encoding


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        ("Núñez".encode("cp1252"), "utf-8"),
        (b"Appt ID,Name\n", "utf-16"),
        ("Appt ID,Name\n".encode("utf-16"), "cp1252"),
        ("Appt ID,Name\n".encode("utf-16-le"), "utf-8"),
        (b"Name", "klingon"),
        (b"a\0b", "cp1252"),
    ],
)
def test_letters_that_cant_be_those_of_the_file_are_refused(data: bytes, encoding: str) -> None:
    with pytest.raises(WrongChoice) as caught:
        decode_file(pack_file(data), encoding)
    assert caught.value.choice == "encoding"


def test_letters_that_a_person_chose_are_taken_though_others_are_likelier() -> None:
    assert decode_file(pack_file("Peña".encode("cp437")), "cp437").read_whole() == "Peña"
    assert decode_file(pack_file("Ağaoğlu".encode("cp1254")), "cp1254").read_whole() == "Ağaoğlu"
    assert decode_file(pack_file(b"\xef\xbb\xbf" + "Zoë".encode()), "utf-8").read_whole() == "Zoë"


EITHER = [(2, "3/4/2027"), (3, "2/1/2027")]


@pytest.mark.parametrize(
    ("cells", "region", "answer", "month_first", "is_asked", "overruled"),
    [
        (EITHER, "US", "", True, True, False),
        (EITHER, "GB", "", False, True, False),
        (EITHER, "US", "day_first", False, True, False),
        (EITHER, "US", "nonsense", True, True, False),
        ([*EITHER, (4, "12/19/2026")], "US", "day_first", True, False, True),
        ([*EITHER, (4, "19/12/2026")], "US", "day_first", False, False, False),
        ([(2, "3/3/2027")], "US", "", True, False, False),
        ([(2, "3.4.2027")], "US", "", True, False, False),
        ([(2, "2027-03-04")], "US", "day_first", True, False, False),
        ([(2, "12/19/2026"), (3, "19/12/2026"), (4, "3/4/2027")], "US", "day_first", None, False, False),
    ],
)
def test_the_order_of_dates_is_asked_about_only_where_no_line_proves_it(
    cells: list[tuple[int, str]],
    region: str,
    answer: str,
    month_first: bool | None,
    is_asked: bool,
    overruled: bool,
) -> None:
    order = guess_order(cells, region, answer=answer)
    assert (order.month_first, order.overruled) == (month_first, overruled)
    assert bool(ask_about_order(order, region)) == is_asked


def test_the_question_about_dates_says_what_the_first_would_mean() -> None:
    question = ask_about_order(guess_order(EITHER, "GB"), "GB")
    assert question
    assert (question.standard, question.lines) == ("day_first", (2, 3))
    assert [choice.sample for choice in question.choices] == [
        "3/4/2027 is March 4, 2027",
        "3/4/2027 is April 3, 2027",
    ]
    chosen = guess_order(EITHER, "US", answer="day_first")
    assert read_date("3/4/2027", chosen) == date(2027, 4, 3)


LIST = b"Elm Street\n\nAppt ID;Name\nA1;Stone\nA2;Wood\n"


@pytest.mark.parametrize(
    ("choices", "choice", "sentence"),
    [
        (ReadChoices(header_line=99), "header_line", "Line 99 can't be the header"),
        (ReadChoices(header_line=2), "header_line", "Line 2 can't be the header"),
        (ReadChoices(header_line=5), "header_line", "Below line 5, which was chosen as the header"),
        (ReadChoices(delimiter="x"), "delimiter", "can't be a delimiter"),
        (ReadChoices(sheet="Desk"), "sheet", "has no sheets"),
    ],
)
def test_a_choice_that_cant_be_says_which_and_why(choices: ReadChoices, choice: str, sentence: str) -> None:
    with pytest.raises(WrongChoice, match=sentence) as caught:
        read_bytes(LIST, choices)
    assert caught.value.choice == choice


def test_the_first_rows_show_every_cell_also_beyond_a_wrong_header() -> None:
    table = read_bytes(LIST, ReadChoices(header_line=1, delimiter=";"))
    shown = take_first_rows(table, {})
    assert [column.label for column in shown.columns] == ["Elm Street", "column 2"]
    assert shown.rows[0] == (3, ("Appt ID", "Name"))
    right = take_first_rows(read_bytes(LIST), {0: "appointment id"})
    assert [(each.label, each.meaning) for each in right.columns] == [
        ("Appt ID", "appointment id"),
        ("Name", ""),
    ]
    assert [(each.line, each.text) for each in right.above] == [(1, "Elm Street")]


def test_the_first_rows_are_ten_with_short_cells() -> None:
    table = read_bytes(b"Appt ID,Notes\n" + b"".join(b"A%d,%s\n" % (at, b"x" * 900) for at in range(30)))
    shown = take_first_rows(table, {})
    assert len(shown.rows) == 10
    assert len(shown.rows[0][1][1]) == 80


def test_what_was_understood_is_said_in_plain_words() -> None:
    table: Table = read_bytes("Appt ID;Name\nA1;Núñez\n".encode("cp1252"), NO_CHOICES)
    lines = {each.label: each.value for each in list_understood(describe_table(table, CsvReader()))}
    assert lines == {
        "Kind of file": "Text with delimiters (CSV)",
        "Delimiter": "semicolon",
        "Letters": "Windows (Western Europe)",
        "Header": "line 1",
    }


def read_kept(data: bytes, kept: ReadChoices, headers: str = "", **chosen: Any) -> Table:
    """A list as it is read by what is remembered of its source, and by what was chosen for itself."""
    options = ImportOptions(reading=ReadChoices(**chosen))
    effective = EffectiveOptions(options, kept=kept, kept_headers=tuple(headers.split(",")))
    table, _ = read_as_remembered(RawFile("list.csv", pack_file(data), 10**6, (CsvReader(),)), effective)
    return table


def test_a_remembered_header_that_is_repeated_on_a_page_drops_no_rows_above_it() -> None:
    """(product rule 47)"""
    page = "Date,Time,Name\n1/2/2027,9:00,Ada\n1/3/2027,9:00,Bo\n1/4/2027,9:00,Cy\n"
    for titles in ("", "Elm Street\n"):
        table = read_kept((titles + page + page).encode(), ReadChoices(header_line=5), "Date,Time,Name")
        assert len(table.rows) == 6
    other = "Code,Slot,Who\n1/2/2027,9:00,Ada\n"
    table = read_kept((other + page).encode(), ReadChoices(header_line=3), "Date,Time,Name")
    assert (table.understood.header_line, len(table.rows)) == (3, 3)


@pytest.mark.parametrize(
    ("data", "is_it"),
    [
        (b"Name,Part of a list\nAda,dates day first\n", True),
        ("Name,Part of a list\nAda,x\n".encode("utf-16"), True),
        (b"Name,Note\nAda,Part of a list\n", False),
        (b"Part of a list of Elm Street\n\nName,Date,Time\nAda,1/2/2027,9:00\n", False),
    ],
)
def test_a_file_is_one_to_mend_by_its_header_only(data: bytes, is_it: bool) -> None:
    raw = RawFile("list.csv", pack_file(data), 10**6, (CsvReader(),))
    assert (may_be_to_mend(data) and has_headers_of_mending(raw, ImportOptions())) is is_it


@pytest.mark.parametrize(
    ("headers", "label", "is_kept"),
    [
        ("Date,Date,Time", "Date (2)", True),
        ("Date,Date,Date,Time", "Date (2)", False),
        ("Date,Time", "Date (2)", False),
        ("Date,Date (2),Time", "Date (2)", True),
        ("Date,Visit,Time", "column 2", False),
        ("Date,Visit,Time", "Visit", True),
    ],
)
def test_a_column_chosen_by_its_number_holds_among_the_same_headers_only(
    headers: str, label: str, is_kept: bool
) -> None:
    """(product rule 47)"""
    effective = EffectiveOptions(
        ImportOptions(answers={"column:date": label}, columns={"date": label}),
        remembered=frozenset({"column:date"}),
        remembered_columns=frozenset({"date"}),
        numbered_headers=("Date", "Date", "Time"),
    )
    found = forget_numbered(effective, headers.split(",")).options
    assert (bool(found.answers), bool(found.columns)) == (is_kept, is_kept)
    fresh = EffectiveOptions(effective.options, numbered_headers=effective.numbered_headers)
    assert forget_numbered(fresh, headers.split(",")) == fresh
