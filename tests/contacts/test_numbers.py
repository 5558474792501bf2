"""Parsing, masking and formatting of numbers. Each example has the reason why it is tested."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import timezone

from contacts.number_faults import NotANumber, NumberFlaw
from contacts.numbers import (
    E164_PATTERN,
    find_kind_fault,
    is_same_number,
    mask,
    national_format,
    parse_number,
    read_reported_number,
)

READ = [
    ("(202) 555-0100", "+12025550100", "", "as Americans write it"),
    ("+12025550101", "+12025550101", "", "E.164 already"),
    ("2025550102", "+12025550102", "", "digits only"),
    ("202.555.0103", "+12025550103", "", "dots"),
    ("1-202-555-0104", "+12025550104", "", "with the long-distance 1"),
    ("202-555-0105 ", "+12025550105", "", "a trailing space"),
    ("\u202a+1 202-555-0100\u202c", "+12025550100", "", "pasted from a phone, with direction marks"),
    ("202\u00a0555\u20110100", "+12025550100", "", "no-break space and no-break hyphen"),
    ("tel:+1-202-555-0100", "+12025550100", "", "a link"),
    ("2025550100.0", "+12025550100", "", "a spreadsheet stored it as a number"),
    ("(202) 555-0172 x12", "+12025550172", "12", "the extension is returned, not dropped"),
    ("202-555-0172, ext. 345", "+12025550172", "345", "another way to write an extension"),
    ("tel:+1-202-555-0172;ext=7", "+12025550172", "7", "an extension in a link"),
    ("+44 20 7946 0101", "+442079460101", "", "foreign but possible"),
    ("011 44 20 7946 0101", "+442079460101", "", "dialled from America"),
    ("+39 06 1234 5678", "+390612345678", "", "the Italian zero is part of the number"),
]

REFUSED = [
    ("", "number is missing", "empty"),
    ("   ", "number is missing", "spaces"),
    ("n/a", "number is missing", "a word for empty"),
    ("-", "number is missing", "a dash for empty"),
    ("call wife (202) 555-0133", "other characters", "text before it"),
    ("(202) 555-0133 home", "other characters", "text after it, which must not be dialled as 4663"),
    ("202-555-0100 or 202-555-0101", "other characters", "two numbers with a word between"),
    ("1-800-FLOWERS", "other characters", "letters are never read as keys"),
    ("202555010O", "other characters", "the letter O for a zero"),
    ("x2025550100", "other characters", "an x in front is no extension"),
    ("2025550100 ; 12", "other characters", "a character that isn't part of a number"),
    ("2.02555E+09", "spreadsheet", "digits are missing"),
    ("555-01", "too short", "the beginning of a number"),
    ("7", "isn't a phone number", "one digit"),
    ("911", "too short", "never an emergency number"),
    ("555-0100", "area code", "possible only within its own area"),
    ("2025550102 / 2025550103", "too many", "two numbers in one cell"),
    ("+1 202 555 0100 123", "too many", "an extension without a marker"),
    ("+999 123 4567", "country code doesn't exist", "an unassigned country code"),
]


@pytest.mark.parametrize(("raw", "e164", "extension", "reason"), READ)
def test_a_number_is_parsed_as_people_write_it(raw: str, e164: str, extension: str, reason: str) -> None:
    number = parse_number(raw, "US")
    assert (number.e164, number.extension, number.possible) == (e164, extension, True), reason


@pytest.mark.parametrize(("raw", "says", "reason"), REFUSED)
def test_text_that_is_not_a_number_is_refused_with_a_reason(raw: str, says: str, reason: str) -> None:
    with pytest.raises(NotANumber, match=says) as refused:
        parse_number(raw, "US")
    sentence = str(refused.value)
    assert sentence.endswith("."), reason
    assert not raw.strip(" -") or raw not in sentence, "the text may be personal data"


# Never dialled (product rule 50).
KINDS = [
    ("000-000-0000", "digits of this number are the same", "typed to get past the field"),
    ("111-111-1111", "digits of this number are the same", "the same"),
    ("(222) 222-2222", "digits of this number are the same", "the same"),
    ("+44 7777777777", "digits of this number are the same", "the same in another country"),
    ("123-456-7890", "No phone can have", "an area code never begins with 1"),
    ("(202) 123-4567", "No phone can have", "nor does an exchange"),
    ("(411) 234-5678", "No phone can have", "an N11 code is no area"),
    ("(911) 234-5678", "No phone can have", "the same"),
    ("(202) 911-4567", "No phone can have", "and no exchange"),
    ("555-555-1234", "No phone can have", "555 is no area"),
    ("(202) 555-1212", "service number", "directory assistance"),
    ("1-900-555-0100", "premium-rate", "American"),
    ("(212) 976-1234", "premium-rate", "in every area"),
    ("+44 90 1234 5678", "premium-rate", "British"),
    ("+33 892 12 34 56", "premium-rate", "French"),
    ("+33 810 12 34 56", "shared-cost", "French"),
    ("+49 180 1234567", "shared-cost", "German"),
    ("+808 1234 5678", "satellite phone's or an international", "shared cost worldwide"),
    ("500-555-1234", "forwarded at extra cost", "a personal number, American"),
    ("+44 70 1234 5678", "forwarded at extra cost", "and British"),
    ("+44 300 123 4567", "company's number", "universal access"),
    ("+881 6 1234 56789", "satellite", "Iridium"),
    ("+870 773 111 632", "satellite", "Inmarsat"),
    ("+878 10 1234567890", "satellite phone's or an international", "universal personal"),
    ("+882 13 123456", "satellite phone's or an international", "an international network"),
]


@pytest.mark.parametrize(("raw", "says", "reason"), KINDS)
def test_a_number_of_a_kind_that_is_never_dialled_is_refused(raw: str, says: str, reason: str) -> None:
    """(product rule 50)"""
    with pytest.raises(NotANumber, match=says):
        parse_number(raw, "US")
    kept = parse_number(raw, "US", any_kind=True).e164
    assert says in find_kind_fault(kept), f"an opt-out of it is kept, and it isn't dialled: {reason}"


PLACEHOLDERS = [
    ("000-000-0000", "same"),
    ("999-999-9999", "same"),
    ("(555) 555-5555", "same"),
    ("1 (000) 000-0000", "same"),
    ("987-654-3210", "row"),
    ("123-456-7890", "No phone"),
    ("012 345 6789", "No phone"),
    ("555-0100 (202)", "area code stands after"),  # 234-5678 (212) would be another area's number
    ("234-5678 (212)", "area code stands after"),
]


@pytest.mark.parametrize(("raw", "says"), PLACEHOLDERS)
def test_a_placeholder_or_a_number_in_the_wrong_order_is_refused(raw: str, says: str) -> None:
    """(product rule 50)"""
    with pytest.raises(NotANumber, match=says):
        parse_number(raw, "US")


@pytest.mark.parametrize("raw", ["'+12025550100", "'+1 202-555-0100", "’(202) 555-0100", "'2025550100"])
def test_the_mark_that_keeps_a_number_a_text_is_taken_off(raw: str) -> None:
    """(product rule 51)"""
    assert parse_number(raw, "US").e164 == "+12025550100"


@pytest.mark.parametrize("raw", ["(800) 555-0199", "+800 1234 5678", "(202) 555-0100", "+44 7911 123456"])
def test_toll_free_fictional_and_mobile_numbers_may_be_dialled(raw: str) -> None:
    assert find_kind_fault(parse_number(raw, "US").e164) == ""


def test_a_fault_of_a_number_is_said_in_the_language_of_whoever_reads_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """(product rule 60)"""
    assert find_kind_fault("+19005550100").startswith("This is a premium-rate number. Reminders never")
    monkeypatch.setattr("contacts.number_faults.gettext", lambda english: f"<{english}>")
    assert find_kind_fault("+19005550100").startswith("<This is a premium-rate number.> <Reminders never")
    with pytest.raises(NotANumber) as refused:
        parse_number("555-0100", "US")
    assert str(refused.value) == (
        "<The area code is missing.> <Enter the whole number, such as +12025550100.>"
    )


@pytest.mark.parametrize("flaw", NumberFlaw)
def test_every_fault_of_a_number_says_what_is_wrong_and_what_to_do(flaw: NumberFlaw) -> None:
    assert flaw.problem.endswith(".")
    assert flaw.remedy.endswith(".")
    assert "%" not in str(flaw)


def test_a_possible_number_in_an_unassigned_range_is_accepted() -> None:
    number = parse_number("+1 999 555 0100", "US")
    assert (number.possible, number.valid) == (True, False)
    assert parse_number("(202) 555-0100", "US").valid


def test_a_number_without_a_country_code_is_parsed_by_its_region() -> None:
    assert parse_number("020 7946 0101", "GB").e164 == "+442079460101"
    assert parse_number("030 901820", "DE").e164 == "+4930901820"


@pytest.mark.parametrize("region", ["", "us", "XX", "USA"])
def test_a_region_that_does_not_exist_is_refused(region: str) -> None:
    with pytest.raises(ValueError, match="isn't a region code") as refused:
        parse_number("2025550100", region)
    assert not isinstance(refused.value, NotANumber), "the setting is wrong, not the number"


ZONES = [
    ("+12025550100", ("America/New_York",), "a Washington number"),
    ("+16025550100", ("America/Phoenix",), "Arizona, which has no daylight saving time"),
    ("+442079460101", ("Europe/London",), "a London number"),
    ("+19995550100", (), "unknown: empty, not Etc/Unknown"),
]


@pytest.mark.parametrize(("e164", "zones", "reason"), ZONES)
def test_the_possible_time_zones_of_a_number_are_returned(
    e164: str, zones: tuple[str, ...], reason: str
) -> None:
    """(product rule 9)"""
    assert parse_number(e164, "US").time_zones == zones, reason


def test_a_toll_free_number_could_be_in_many_zones() -> None:
    """(product rule 9)"""
    zones = parse_number("+18005550199", "US").time_zones
    assert {"America/New_York", "Pacific/Honolulu", "Pacific/Guam"} <= set(zones)
    assert timezone.UNKNOWN_TIMEZONE not in zones


MASKED = [
    ("+12025550123", "+1 ••• ••• ••23", "the country code and two digits stay"),
    ("+442079460101", "+44 •• •••• ••01", "grouped as its country groups it"),
    ("+4930901820", "+49 •• ••••20", "a short number"),
    ("2025550123", "•••", "not E.164, nothing is shown"),
    ("Maria García", "•••", "a name in the wrong field is hidden"),
    ("+29012", "+290 •••", "too short to show two digits of it"),
    ("", "•••", "empty"),
]


@pytest.mark.parametrize(("e164", "masked", "reason"), MASKED)
def test_a_number_is_masked_but_for_country_code_and_last_two_digits(
    e164: str, masked: str, reason: str
) -> None:
    assert mask(e164) == masked, reason


def test_a_number_is_shown_as_its_own_country_writes_it() -> None:
    assert national_format("+12025550100") == "(202) 555-0100"
    assert national_format("+442079460101") == "020 7946 0101"
    assert national_format("no number") == "no number"


def test_a_foreign_number_is_shown_with_its_country_code_if_the_home_region_is_given() -> None:
    assert national_format("+12025550100", "US") == "(202) 555-0100"
    assert national_format("+442079460101", "US") == "+44 20 7946 0101"


# A number in an event, the region, and the numbers it may stand for, the likeliest first (product rule 35).
REPORTED = [
    ("+12025550100", "US", ["+12025550100"], "E.164, as the guide asks for"),
    ("2025550100", "US", ["+12025550100", "+2025550100"], "national; or Egypt's, without its plus sign"),
    ("(202) 555-0100", "US", ["+12025550100", "+2025550100"], "with brackets"),
    ("1-202-555-0100", "US", ["+12025550100"], "with the prefix of long distance"),
    ("0012025550100", "US", ["+12025550100"], "00 for the plus sign"),
    ("01112025550100", "US", ["+12025550100"], "011 for the plus sign"),
    ("+0012025550100", "US", ["+12025550100"], "both"),
    (" 12025550100", "GB", ["+12025550100"], "a plus sign that became a space"),
    ("442079460018", "US", ["+442079460018"], "another country's, without its plus sign"),
    ("020 7946 0018", "GB", ["+442079460018"], "the location's own country"),
    ("+1 202 555 0100 x5", "US", ["+12025550100"], "an extension"),
    ("+12025550100;ext=5", "US", ["+12025550100"], "an extension as an address has it"),
    ("202-555-0100 ext. 12", "US", ["+12025550100", "+2025550100"], "an extension in words"),
    ("tel:+1-202-555-0100;phone-context=x", "US", ["+12025550100"], "tel:"),
    ("sip:+12025550100@host;user=phone", "US", ["+12025550100"], "sip:"),
    ("+１２０２５５５０１００", "US", ["+12025550100"], "full-width digits"),
    ("+١٢٠٢٥٥٥٠١٠٠", "US", ["+12025550100"], "Arabic digits"),
    ("+5215512345678", "US", ["+525512345678"], "Mexico's 1 before mobile numbers, until 2019"),
    ("5215512345678", "US", ["+525512345678"], "the same without its plus sign"),
    ("+541123456789", "US", ["+541123456789", "+5491123456789"], "Argentina, without the 9"),
    ("011 15-2345-6789", "AR", ["+5491123456789", "+541123456789"], "Argentina's 15 for mobile numbers"),
    ("+551187654321", "US", ["+5511987654321", "+551187654321"], "Brazil, before the ninth digit"),
    ("5550100", "US", [], "no area code"),
    ("54321", "US", [], "a short code"),
    ("Sarah", "US", [], "a name"),
    ("", "US", [], "nothing"),
    ("+", "US", [], "only a plus sign"),
    ("+1 202 555 0100 / +1 202 555 0199", "US", [], "two numbers"),
    ("1.2E+11", "US", [], "shortened by a spreadsheet"),
    ("9" * 40, "US", [], "too long"),
]


@pytest.mark.parametrize(("raw", "region", "numbers", "why"), REPORTED, ids=[row[3] for row in REPORTED])
def test_a_number_in_an_event_is_read_however_it_is_written(
    raw: str, region: str, numbers: list[str], why: str
) -> None:
    """(product rule 35)"""
    assert read_reported_number(raw, [region]) == numbers, why


@pytest.mark.parametrize("raw", ["2025550100", "0012025550100", "+1 202 555 0100 x5"])
def test_a_number_is_the_same_in_any_form_and_another_is_not(raw: str) -> None:
    """(product rule 35)"""
    assert is_same_number(raw, "+12025550100")
    assert not is_same_number(raw, "+12025550101")
    assert not is_same_number(raw, "no number")


@settings(deadline=None)  # the first number reads the library's tables, on a busy machine for long
@given(st.text())
def test_any_text_in_place_of_a_number_can_be_read(raw: str) -> None:
    assert all(re.fullmatch(E164_PATTERN, e164) for e164 in read_reported_number(raw, ["US", "MX"]))
