"""Telephone numbers: read as people write them, kept as E.164, shown without giving them away. Pure.

What counts is whether a number is *possible* (right length for its country). Whether it is *valid*
(in a range that is handed out) is told beside it but bars nothing: the ranges in the library are
always a little behind, and a new area code must not keep a patient from being reminded.
"""

import re
from dataclasses import dataclass

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, ValidationResult, timezone

# E.164 as the whole app takes it, to be matched in full. Robotalker's client and the sandbox tell their
# own, as they import nothing of ours; tests/test_facts_told_twice.py holds them equal.
E164_PATTERN = r"\+[1-9][0-9]{6,14}"
UNKNOWN_ZONE = "Etc/Unknown"
DOT = "•"
HIDDEN = DOT * 3
EXAMPLE = "such as +12025550100"

EXTENSION = re.compile(r"(?:;ext=|[,;]?\s*(?:ext(?:ension|n)?|x|#)[.:]?)\s*(\d{1,7})$", re.IGNORECASE)
SCHEME = re.compile(r"^\s*tel:", re.IGNORECASE)
SHORTENED_BY_SPREADSHEET = re.compile(r"\d(?:[.,]\d+)?e\+?\d{1,2}", re.IGNORECASE)
WHOLE_NUMBER_AS_FRACTION = re.compile(r"(\+?\d{7,15})\.0")
# Digits of any script, blanks, and the signs that people put between them, in their typographic forms too.
OF_A_NUMBER = re.compile(
    r"[\d\s+＋()（）.\-/‐-―−·\u00ad\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]*"
)

EMPTY = "There is no number. Fill one in, or leave the person without calls."
WORDS = f"There are words or signs besides the number. Leave only the number, {EXAMPLE}."
SHORTENED = "A spreadsheet has shortened this number. Format its column as text and export it again."
NO_COUNTRY = f"No country has this code. Check the digits after the plus, {EXAMPLE}."
NO_AREA_CODE = f"The area code is missing. Write the whole number, {EXAMPLE}."
TOO_SHORT = f"The number is too short. Write the whole number with its area code, {EXAMPLE}."
TOO_LONG = "The number has too many digits. Where two numbers stand together, keep one."
WRONG_LENGTH = f"No number of this country has so many digits. Check it, {EXAMPLE}."
UNREADABLE = f"This can't be read as a number. Write it with its country code, {EXAMPLE}."

OF_PARSING = {
    NumberParseException.INVALID_COUNTRY_CODE: NO_COUNTRY,
    NumberParseException.TOO_SHORT_AFTER_IDD: TOO_SHORT,
    NumberParseException.TOO_SHORT_NSN: TOO_SHORT,
    NumberParseException.TOO_LONG: TOO_LONG,
}
OF_LENGTH = {
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: NO_AREA_CODE,
    ValidationResult.INVALID_COUNTRY_CODE: NO_COUNTRY,
    ValidationResult.TOO_SHORT: TOO_SHORT,
    ValidationResult.TOO_LONG: TOO_LONG,
}


class NotANumber(ValueError):
    """What was given is no number that can be called. Its text says what is wrong and what to do.

    The text never holds what was given, so that it can be logged and shown anywhere.
    """


@dataclass(frozen=True)
class ParsedNumber:
    """One number as E.164, such as +12025550100, and what is known of it.

    `extension`: digits, "" for none; an automated call can't dial it, so the caller decides.
    `time_zones`: every zone the number could be in, by its digits; empty when that can't be told.
    `possible`: always true, for what isn't possible raises. `valid`: in a range known to be handed out.
    """

    e164: str
    extension: str
    time_zones: tuple[str, ...]
    possible: bool
    valid: bool


def parse_number(raw: str, region: str) -> ParsedNumber:
    """Read a number as people write it. `region` (ISO 3166, such as "US") is for one without a country code.

    Raises NotANumber, with a sentence to show to staff; ValueError for a region that doesn't exist.
    """
    if region not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError(f"{region!r} isn't a region. Use two capital letters, such as US.")
    text, extension = _split_extension(_strip_wrapping(raw))
    _check_is_number_alone(text)
    number = _parse(text, region)
    _check_length(number)
    return ParsedNumber(
        e164=phonenumbers.format_number(number, PhoneNumberFormat.E164),
        extension=extension,
        time_zones=_find_time_zones(number),
        possible=True,
        valid=phonenumbers.is_valid_number(number),
    )


def mask(e164: str) -> str:
    """The number with all but its country code and last two digits hidden: "+1 ••• ••• ••23".

    For logs too, so it never raises: what is no number comes back as three dots.
    """
    try:
        number = phonenumbers.parse(e164)
    except NumberParseException:
        return HIDDEN
    country, _, rest = phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL).partition(" ")
    if len(re.findall(r"\d", rest)) < 4:  # two digits of so few would give too much away
        return f"{country} {HIDDEN}"
    hidden = re.sub(r"\d(?=(?:\D*\d){2})", DOT, rest)
    return f"{country} {re.sub(r'[^•0-9]+', ' ', hidden)}"


def national_format(e164: str, home_region: str = "") -> str:
    """The number as its own country writes it, such as "(202) 555-0100", for staff to read.

    With `home_region`, a number of another country is written with its country code instead. What
    can't be read as E.164 comes back as it is.
    """
    try:
        number = phonenumbers.parse(e164)
    except NumberParseException:
        return e164
    if home_region and phonenumbers.country_code_for_region(home_region) != number.country_code:
        return phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)
    return phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)


def _strip_wrapping(raw: str) -> str:
    """Without blanks, a "tel:" in front, and the ".0" that spreadsheets put behind a number kept as one."""
    text = SCHEME.sub("", raw).strip()
    fraction = WHOLE_NUMBER_AS_FRACTION.fullmatch(text)
    return fraction[1] if fraction else text


def _split_extension(text: str) -> tuple[str, str]:
    found = EXTENSION.search(text)
    return (text[: found.start()], found[1]) if found else (text, "")


def _check_is_number_alone(text: str) -> None:
    """Raise unless there is a number and nothing else: the library would take letters for keys of a phone."""
    if not re.search(r"\d", text):
        raise NotANumber(EMPTY)
    if SHORTENED_BY_SPREADSHEET.fullmatch(text):
        raise NotANumber(SHORTENED)
    if not OF_A_NUMBER.fullmatch(text):
        raise NotANumber(WORDS)


def _parse(text: str, region: str) -> phonenumbers.PhoneNumber:
    try:
        return phonenumbers.parse(text, region)
    except NumberParseException as error:
        # "from None": the library's own error can carry the number.
        raise NotANumber(OF_PARSING.get(error.error_type, UNREADABLE)) from None


def _check_length(number: phonenumbers.PhoneNumber) -> None:
    result = phonenumbers.is_possible_number_with_reason(number)
    if result != ValidationResult.IS_POSSIBLE:
        raise NotANumber(OF_LENGTH.get(result, WRONG_LENGTH))


def _find_time_zones(number: phonenumbers.PhoneNumber) -> tuple[str, ...]:
    return tuple(zone for zone in timezone.time_zones_for_number(number) if zone != UNKNOWN_ZONE)
