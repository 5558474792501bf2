"""The phone numbers of a row: which can be called, and why not. Pure: no database (product rule 50)."""

from collections.abc import Container
from dataclasses import dataclass
from functools import lru_cache

import phonenumbers
from django.utils.translation import gettext, gettext_noop

from contacts.imports.problems import CellFault
from contacts.number_faults import NotANumber, NumberFlaw
from contacts.numbers import ParsedNumber, parse_number

LONGEST_NUMBER = 60  # characters, including punctuation
CORRECT_NUMBER = gettext_noop("Correct the number in your practice system and export again.")
EXTENSION = gettext_noop("An automated call can't dial an extension.")


@dataclass(frozen=True, slots=True)
class NumberFault:
    """A number that can't be called. Which number is used instead depends on the patient's other rows."""

    column: str
    value: str
    problem: str
    remedy: str


def parse_callable(value: str, region: str, own_numbers: Container[str] = ()) -> ParsedNumber | CellFault:
    """Return the number, or why it can't be called. `own_numbers`: those of the practice, in E.164."""
    if len(value) > LONGEST_NUMBER:
        return CellFault(gettext("This is too long to be a phone number."), gettext(CORRECT_NUMBER))
    try:
        number = parse_number(value, region)
    except NotANumber as error:
        return CellFault(error.flaw.problem, error.flaw.remedy)
    if number.extension:
        return CellFault(gettext(EXTENSION), gettext("Enter a number that reaches the patient directly."))
    if number.e164 in own_numbers:
        return CellFault(NumberFlaw.OF_PRACTICE.problem, NumberFlaw.OF_PRACTICE.remedy)
    return number


def is_of_region(e164: str, region: str) -> bool:
    """Whether the number has the country code of `region` (ISO 3166)."""
    return e164.startswith(_find_country_code(region))


@lru_cache(maxsize=300)  # all regions; asked for each number
def _find_country_code(region: str) -> str:
    return f"+{phonenumbers.country_code_for_region(region)}"
