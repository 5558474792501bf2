"""Parse, mask and format telephone numbers. Pure: no database.

A number is accepted when it is *possible* (right length for its country). Whether it is *valid* (in a
range that is assigned) is returned too, but an invalid number isn't refused: the library's list of
ranges is always a little out of date, and a patient with a new area code must still get reminders.

Some kinds of number are never dialled, so they are refused (product rule 50): those that cost extra, that are
no person's, or that can't be assigned at all. 555-0100 to 555-0199 is kept for fiction and can't be assigned
either, but it is what a demo and a training list use, and a call to it harms nobody. Toll-free numbers may
be called.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import phonenumbers
from phonenumbers import (
    NumberParseException,
    PhoneNumberFormat,
    PhoneNumberType,
    ValidationResult,
    shortnumberinfo,
    timezone,
)

from contacts.number_faults import NotANumber, NumberFlaw

# E.164 as the whole app takes it, to be matched in full. Robotalker's client and the sandbox tell their
# own, as they import nothing of ours; tests/test_duplicated_facts.py holds them equal.
E164_PATTERN = r"\+[1-9][0-9]{6,14}"
UNKNOWN_ZONE = "Etc/Unknown"
DOT = "•"
HIDDEN = DOT * 3

EXTENSION = re.compile(r"(?:;ext=|[,;]?\s*(?:ext(?:ension|n)?|x|#)[.:]?)\s*(\d{1,7})$", re.IGNORECASE)
SCHEME = re.compile(r"^\s*tel:", re.IGNORECASE)
SHORTENED_BY_SPREADSHEET = re.compile(r"\d(?:[.,]\d+)?e\+?\d{1,2}", re.IGNORECASE)
# What a spreadsheet or an export writes before a number so that it stays a text: '+1202…
TEXT_GUARD = re.compile(r"^\s*['‘’`]+(?=[+\d(])")
# 555-0100 (202): with the area code last, a number of another area would be dialled.
AREA_CODE_LAST = re.compile(r"\d[\d\s.\-]*\(\s*\d+\s*\)\s*")
RUNS = ("01234567890123456789", "98765432109876543210")
SHORTEST_ROW = 9  # digits one after the other that are a placeholder, such as 987-654-3210
WHOLE_NUMBER_AS_FRACTION = re.compile(r"(\+?\d{7,15})\.0")
# Digits of any script, spaces, and the punctuation people put between them, typographic forms included.
OF_A_NUMBER = re.compile(
    r"[\d\s+＋()（）.\-/‐-―−·\u00ad\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]*"
)

# What stands around a number in the address of a protocol: "tel:+1202…", "sip:+1202…@host;user=phone".
PROTOCOL = re.compile(r"^\s*(?:tel|sms|sip|sips|callto)\s*:\s*", re.IGNORECASE)
AFTER_A_NUMBER = re.compile(r"[@;](?!ext=).*$", re.DOTALL | re.IGNORECASE)
DIALLED_ABROAD = re.compile(r"^(?:0011|011|00)(?=[1-9])")  # what is dialled before a country code
# Two forms of one number: what old lists and networks write, and E.164 as it is now.
TWO_FORMS = (
    (re.compile(r"\+521(\d{10})"), r"+52\1"),  # Mexico: a 1 before mobile numbers, until 2019
    (re.compile(r"\+549(\d{10})"), r"+54\1"),  # Argentina: a 9 before mobile numbers, only from abroad
    (re.compile(r"\+55(\d\d)9([6-9]\d{7})"), r"+55\1\2"),  # Brazil: mobile numbers got a ninth digit
)
ONE_FORM = (
    (re.compile(r"\+54(\d{10})"), r"+549\1"),
    (re.compile(r"\+55(\d\d)([6-9]\d{7})"), r"+55\g<1>9\2"),
)

OF_KIND = {
    PhoneNumberType.PREMIUM_RATE: NumberFlaw.PREMIUM,
    PhoneNumberType.SHARED_COST: NumberFlaw.SHARED_COST,
    PhoneNumberType.PERSONAL_NUMBER: NumberFlaw.FORWARDED,
    PhoneNumberType.PAGER: NumberFlaw.PAGER,
    PhoneNumberType.UAN: NumberFlaw.COMPANY,
    PhoneNumberType.VOICEMAIL: NumberFlaw.VOICEMAIL,
}
# International codes that are no country's (ITU-T E.164, annex to the Operational Bulletin): shared cost,
# satellite, universal personal numbers, international networks, premium. 800, freephone, is not among them.
NO_COUNTRYS = frozenset({808, 870, 878, 881, 882, 883, 888, 979})
# The North American plan: area and exchange codes begin with 2 to 9 and are never N11; 555 and 976 are no
# area's, 555-1212 is directory assistance, and exchange 976 is premium in every area.
NORTH_AMERICA = 1
AREA_AND_EXCHANGE = re.compile(r"(?!555|976)(?![2-9]11)[2-9]\d\d(?![2-9]11)[2-9]\d{6}")
IN_ROWS = frozenset(run[at : at + 10] for run in RUNS for at in range(len(run) - 9))
OF_ONE_DIGIT = frozenset(str(digit) * 10 for digit in range(10))
DIRECTORY = re.compile(r"\d{3}5551212")
PREMIUM_EXCHANGE = re.compile(r"\d{3}976\d{4}")

OF_PARSING = {
    NumberParseException.INVALID_COUNTRY_CODE: NumberFlaw.NO_COUNTRY,
    NumberParseException.TOO_SHORT_AFTER_IDD: NumberFlaw.TOO_SHORT,
    NumberParseException.TOO_SHORT_NSN: NumberFlaw.TOO_SHORT,
    NumberParseException.TOO_LONG: NumberFlaw.TOO_LONG,
}
OF_LENGTH = {
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: NumberFlaw.NO_AREA_CODE,
    ValidationResult.INVALID_COUNTRY_CODE: NumberFlaw.NO_COUNTRY,
    ValidationResult.TOO_SHORT: NumberFlaw.TOO_SHORT,
    ValidationResult.TOO_LONG: NumberFlaw.TOO_LONG,
}


@dataclass(frozen=True, slots=True)
class ParsedNumber:
    """One number as E.164, such as +12025550100, and what is known about it.

    `extension`: digits, or "" for none; an automated call can't dial it, so the calling code decides.
    `time_zones`: every zone the number could be in, by its digits; empty if unknown.
    `possible`: always True, since parse_number() raises otherwise. `valid`: in a range known to be assigned.
    """

    e164: str
    extension: str
    time_zones: tuple[str, ...]
    possible: bool
    valid: bool


def parse_number(raw: str, region: str, *, any_kind: bool = False) -> ParsedNumber:
    """Parse a number as people write it.

    `region` (ISO 3166, such as "US") is the country of a number written without a country code. `any_kind`:
    accept what is never dialled, for opt-outs. Raises NotANumber, with a message to show to staff, and
    ValueError for a region that doesn't exist.
    """
    if region not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError(f"{region!r} isn't a region code. Use two capital letters, such as US.")
    text, extension = _split_extension(_strip_wrapping(raw))
    _check_is_number_alone(text)
    number = _parse(text, region)
    _check_length(number)
    e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    if not re.fullmatch(E164_PATTERN, e164):
        raise NotANumber(NumberFlaw.TOO_SHORT)
    # a list has many numbers, and the faster of the two ways finds the few that have a fault
    if not any_kind and list_never_dialled([e164]) and (flaw := _find_kind_flaw(e164)):
        raise NotANumber(flaw)
    return ParsedNumber(
        e164=e164,
        extension=extension,
        time_zones=_find_time_zones(number),
        possible=True,
        valid=phonenumbers.is_valid_number(number),
    )


def find_kind_fault(e164: str) -> str:
    """Why a number of this kind is never dialled, with what to do; "" if it may be (product rule 50)."""
    flaw = _find_kind_flaw(e164)
    return str(flaw) if flaw else ""


@lru_cache(maxsize=20_000)  # a look takes a tenth of a millisecond, and each reminder needs one
def _find_kind_flaw(e164: str) -> NumberFlaw | None:
    try:
        number = phonenumbers.parse(e164)
    except NumberParseException:
        return NumberFlaw.UNREADABLE
    digits = phonenumbers.national_significant_number(number)
    if len(set(digits)) == 1:
        return NumberFlaw.ONE_DIGIT
    if number.country_code in NO_COUNTRYS:
        return NumberFlaw.SATELLITE
    if shortnumberinfo.is_valid_short_number(number):
        return NumberFlaw.SERVICE
    if number.country_code == NORTH_AMERICA:
        if not AREA_AND_EXCHANGE.fullmatch(digits):
            return NumberFlaw.UNASSIGNABLE
        if DIRECTORY.fullmatch(digits):
            return NumberFlaw.SERVICE
        if PREMIUM_EXCHANGE.fullmatch(digits):
            return NumberFlaw.PREMIUM
    is_row = len(digits) >= SHORTEST_ROW and any(digits in run for run in RUNS)
    return OF_KIND.get(phonenumbers.number_type(number)) or (NumberFlaw.IN_A_ROW if is_row else None)


def list_never_dialled(numbers: Iterable[str]) -> set[str]:
    """Those of these numbers (E.164) that find_kind_fault() finds fault with, in less time."""
    # In North America a kind is told by area and exchange, but for two kinds of numbers (a test checks it).
    numbers = list(numbers)
    american = [e164 for e164 in numbers if len(e164) == 12 and e164[:2] == "+1"]
    faulty = {begin for begin in {e164[:8] for e164 in american} if _is_of_faulty_kind(f"{begin}0100")}
    found = {
        e164
        for e164 in american
        if e164[:8] in faulty or e164[5:] == "5551212" or e164[2:] in OF_ONE_DIGIT or e164[2:] in IN_ROWS
    }
    if len(american) < len(numbers):
        found |= {e164 for e164 in set(numbers).difference(american) if _is_of_faulty_kind(e164)}
    return found


@lru_cache(maxsize=65_536)
def _is_of_faulty_kind(e164: str) -> bool:
    return _find_kind_flaw(e164) is not None


def read_reported_number(raw: str, regions: Iterable[str]) -> list[str]:
    """The numbers (E.164) that a number in an event may stand for, the likeliest first; none if unreadable.

    Robotalker's guide asks for E.164 but doesn't promise it, so national forms of these `regions` are read,
    00 or 011 in place of the plus sign, a plus sign that became a space in a form, an extension, "tel:", and
    old national forms such as Mexico's +521 (product rule 35). Never raises.
    """
    text = AFTER_A_NUMBER.sub("", PROTOCOL.sub("", unicodedata.normalize("NFKC", raw)))
    text = _split_extension(text.strip())[0].strip()
    digits = "".join(str(unicodedata.decimal(character)) for character in text if character.isdecimal())
    if not digits or not OF_A_NUMBER.fullmatch(text):
        return []
    abroad = DIALLED_ABROAD.sub("", digits)
    written = [f"+{abroad}", f"+{digits}"]
    if not text.startswith("+"):  # then a national form is likelier, unless it begins as a call abroad does
        written.insert(0 if abroad == digits else 1, digits)
    readings: dict[str, bool] = {}  # E.164, and whether it is in a range that is assigned
    for form in written:
        for region in dict.fromkeys(regions):
            for number in _read_in_both_forms(form, region):
                e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
                readings.setdefault(e164, phonenumbers.is_valid_number(number))
    return sorted(readings, key=lambda e164: not readings[e164])


def is_assigned(e164: str) -> bool:
    """Whether a number is in a range that its country has assigned."""
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(e164))
    except NumberParseException:
        return False


def is_same_number(raw: str, e164: str, *regions: str) -> bool:
    """Whether a number in an event or a response may stand for this one. `regions`: besides its own."""
    return raw == e164 or e164 in read_reported_number(raw, [find_region(e164), *regions])


def find_region(e164: str) -> str:
    """The country of a number (ISO 3166), "ZZ" if it isn't known."""
    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(e164)) or "ZZ"
    except NumberParseException:
        return "ZZ"


def _read_in_both_forms(text: str, region: str) -> list[phonenumbers.PhoneNumber]:
    """The possible numbers that a text in one of TWO_FORMS stands for; one for most numbers."""
    try:
        e164 = phonenumbers.format_number(phonenumbers.parse(text, region), PhoneNumberFormat.E164)
    except NumberParseException:
        return []
    forms = [e164]
    for pattern, form in (*TWO_FORMS, *ONE_FORM):
        if pattern.fullmatch(e164):
            forms.append(pattern.sub(form, e164))
    numbers = [phonenumbers.parse(form, region) for form in forms]
    possible = ValidationResult.IS_POSSIBLE
    return [number for number in numbers if phonenumbers.is_possible_number_with_reason(number) == possible]


@lru_cache(maxsize=8192)  # a day of hundreds of visits is shown again and again
def mask(e164: str) -> str:
    """Hide all digits but the country code and the last two: "+1 ••• ••• ••23".

    Never raises, so that logs can use it: text that isn't a number becomes three dots.
    """
    try:
        number = phonenumbers.parse(e164)
    except NumberParseException:
        return HIDDEN
    country, _, rest = phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL).partition(" ")
    if len(re.findall(r"\d", rest)) < 4:  # of so few digits, two would reveal too much
        return f"{country} {HIDDEN}"
    hidden = re.sub(r"\d(?=(?:\D*\d){2})", DOT, rest)
    return f"{country} {re.sub(r'[^•0-9]+', ' ', hidden)}"


def national_format(e164: str, home_region: str = "") -> str:
    """Format the number as its own country writes it, such as "(202) 555-0100", for staff to read.

    With `home_region`, a number of another country is written with its country code instead. Text that
    isn't E.164 is returned unchanged.
    """
    try:
        number = phonenumbers.parse(e164)
    except NumberParseException:
        return e164
    if home_region and phonenumbers.country_code_for_region(home_region) != number.country_code:
        return phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)
    return phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)


def _strip_wrapping(raw: str) -> str:
    """Remove surrounding spaces, a "tel:" prefix, and what spreadsheets add: ".0" at the end, "'" before."""
    text = SCHEME.sub("", TEXT_GUARD.sub("", raw)).strip()
    fraction = WHOLE_NUMBER_AS_FRACTION.fullmatch(text)
    return fraction[1] if fraction else text


def _split_extension(text: str) -> tuple[str, str]:
    found = EXTENSION.search(text)
    return (text[: found.start()], found[1]) if found else (text, "")


def _check_is_number_alone(text: str) -> None:
    """Raise NotANumber unless the text is only a number: the library reads letters as keys of a phone."""
    if not re.search(r"\d", text):
        raise NotANumber(NumberFlaw.EMPTY)
    if SHORTENED_BY_SPREADSHEET.fullmatch(text):
        raise NotANumber(NumberFlaw.SHORTENED)
    if not OF_A_NUMBER.fullmatch(text):
        raise NotANumber(NumberFlaw.WORDS)
    if AREA_CODE_LAST.fullmatch(text):
        raise NotANumber(NumberFlaw.AREA_AT_THE_END)


def _parse(text: str, region: str) -> phonenumbers.PhoneNumber:
    try:
        return phonenumbers.parse(text, region)
    except NumberParseException as error:
        # "from None": the library's own error can contain the number.
        raise NotANumber(OF_PARSING.get(error.error_type, NumberFlaw.UNREADABLE)) from None


def _check_length(number: phonenumbers.PhoneNumber) -> None:
    result = phonenumbers.is_possible_number_with_reason(number)
    if result != ValidationResult.IS_POSSIBLE:
        raise NotANumber(OF_LENGTH.get(result, NumberFlaw.WRONG_LENGTH))


def _find_time_zones(number: phonenumbers.PhoneNumber) -> tuple[str, ...]:
    return tuple(zone for zone in timezone.time_zones_for_number(number) if zone != UNKNOWN_ZONE)
