"""Numbers as practice systems export them and people type them, each with the reason it is here."""

import pytest
from phonenumbers import timezone

from contacts.numbers import NotANumber, mask, national_format, parse_number

READ = [
    ("(202) 555-0100", "+12025550100", "", "as Americans write it"),
    ("+12025550101", "+12025550101", "", "E.164 already"),
    ("2025550102", "+12025550102", "", "digits only"),
    ("202.555.0103", "+12025550103", "", "dots"),
    ("1-202-555-0104", "+12025550104", "", "with the long-distance 1"),
    ("202-555-0105 ", "+12025550105", "", "a blank behind it"),
    ("\u202a+1 202-555-0100\u202c", "+12025550100", "", "pasted from a phone, with direction marks"),
    ("202\u00a0555\u20110100", "+12025550100", "", "no-break blank and no-break hyphen"),
    ("tel:+1-202-555-0100", "+12025550100", "", "a link"),
    ("2025550100.0", "+12025550100", "", "a spreadsheet kept it as a number"),
    ("(202) 555-0172 x12", "+12025550172", "12", "the extension is told, not dropped"),
    ("202-555-0172, ext. 345", "+12025550172", "345", "another way to write an extension"),
    ("tel:+1-202-555-0172;ext=7", "+12025550172", "7", "an extension in a link"),
    ("+44 20 7946 0101", "+442079460101", "", "foreign but possible"),
    ("011 44 20 7946 0101", "+442079460101", "", "dialled from America"),
    ("+39 06 1234 5678", "+390612345678", "", "the Italian zero is part of the number"),
]

REFUSED = [
    ("", "no number", "empty"),
    ("   ", "no number", "blanks"),
    ("n/a", "no number", "a word for empty"),
    ("-", "no number", "a dash for empty"),
    ("call wife (202) 555-0133", "words", "text before it"),
    ("(202) 555-0133 home", "words", "text behind it, which must not be dialled as 4663"),
    ("202-555-0100 or 202-555-0101", "words", "two numbers with a word between"),
    ("1-800-FLOWERS", "words", "letters are never taken for keys"),
    ("202555010O", "words", "the letter O for a zero"),
    ("x2025550100", "words", "an x in front is no extension"),
    ("2025550100 ; 12", "words", "a sign that isn't part of a number"),
    ("2.02555E+09", "spreadsheet", "the digits are gone"),
    ("555-01", "too short", "the head of a number"),
    ("7", "read as a number", "one digit"),
    ("911", "too short", "never an emergency number"),
    ("555-0100", "area code", "possible only within its own town"),
    ("2025550102 / 2025550103", "too many", "two numbers in one cell"),
    ("+1 202 555 0100 123", "too many", "an extension without a sign"),
    ("+999 123 4567", "No country", "a code that nobody has"),
]


@pytest.mark.parametrize(("raw", "e164", "extension", "reason"), READ)
def test_it_reads_a_number_as_people_write_it(raw: str, e164: str, extension: str, reason: str) -> None:
    number = parse_number(raw, "US")
    assert (number.e164, number.extension, number.possible) == (e164, extension, True), reason


@pytest.mark.parametrize(("raw", "says", "reason"), REFUSED)
def test_it_refuses_what_is_no_number_and_says_why(raw: str, says: str, reason: str) -> None:
    with pytest.raises(NotANumber, match=says) as refused:
        parse_number(raw, "US")
    sentence = str(refused.value)
    assert sentence.endswith("."), reason
    assert not raw.strip(" -") or raw not in sentence, "what was given may be personal"


def test_it_lets_a_possible_number_pass_that_no_range_holds() -> None:
    number = parse_number("+1 999 555 0100", "US")
    assert (number.possible, number.valid) == (True, False)
    assert parse_number("(202) 555-0100", "US").valid


def test_it_reads_the_same_digits_by_the_region() -> None:
    assert parse_number("020 7946 0101", "GB").e164 == "+442079460101"
    assert parse_number("030 901820", "DE").e164 == "+4930901820"


@pytest.mark.parametrize("region", ["", "us", "XX", "USA"])
def test_it_refuses_a_region_that_does_not_exist(region: str) -> None:
    with pytest.raises(ValueError, match="isn't a region") as refused:
        parse_number("2025550100", region)
    assert not isinstance(refused.value, NotANumber), "the setting is wrong, not the person's number"


ZONES = [
    ("+12025550100", ("America/New_York",), "a Washington number"),
    ("+16025550100", ("America/Phoenix",), "Arizona, which keeps its clock all year"),
    ("+442079460101", ("Europe/London",), "a London number"),
    ("+19995550100", (), "nobody knows where: empty, not Etc/Unknown"),
]


@pytest.mark.parametrize(("e164", "zones", "reason"), ZONES)
def test_it_tells_the_zones_a_number_could_be_in(e164: str, zones: tuple[str, ...], reason: str) -> None:
    assert parse_number(e164, "US").time_zones == zones, reason


def test_a_toll_free_number_could_be_in_many_zones() -> None:
    zones = parse_number("+18005550199", "US").time_zones
    assert {"America/New_York", "Pacific/Honolulu", "Pacific/Guam"} <= set(zones)
    assert timezone.UNKNOWN_TIMEZONE not in zones


MASKED = [
    ("+12025550123", "+1 ••• ••• ••23", "the country code and two digits stay"),
    ("+442079460101", "+44 •• •••• ••01", "grouped as its country groups it"),
    ("+4930901820", "+49 •• ••••20", "a short number"),
    ("2025550123", "•••", "no E.164, nothing shown"),
    ("Maria García", "•••", "a name in the wrong field stays hidden"),
    ("+29012", "+290 •••", "too short to show two digits of it"),
    ("", "•••", "empty"),
]


@pytest.mark.parametrize(("e164", "masked", "reason"), MASKED)
def test_it_masks_a_number(e164: str, masked: str, reason: str) -> None:
    assert mask(e164) == masked, reason


def test_it_shows_a_number_as_its_own_country_writes_it() -> None:
    assert national_format("+12025550100") == "(202) 555-0100"
    assert national_format("+442079460101") == "020 7946 0101"
    assert national_format("no number") == "no number"


def test_it_shows_a_foreign_number_with_its_country_code_where_home_is_given() -> None:
    assert national_format("+12025550100", "US") == "(202) 555-0100"
    assert national_format("+442079460101", "US") == "+44 20 7946 0101"
