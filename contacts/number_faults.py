"""Why a telephone number can't be called, in sentences for staff. Pure: no database."""

from enum import Enum

from django.utils.translation import gettext, gettext_noop

EXAMPLE = "+12025550100"
NOT_A_PERSONS = gettext_noop("Reminders never call it. Enter the patient's own number.")


class NumberFlaw(Enum):
    """What is wrong with a number, and what to do; English, marked for translation."""

    EMPTY = (
        gettext_noop("The phone number is missing."),
        gettext_noop("Enter one, or leave the field empty if this person gets no calls."),
    )
    WORDS = (
        gettext_noop("There are other characters besides the phone number."),
        gettext_noop("Enter only the number, such as %(example)s."),
    )
    SHORTENED = (
        gettext_noop("A spreadsheet has shortened this number."),
        gettext_noop("Format the column as text and export the list again."),
    )
    NO_COUNTRY = (
        gettext_noop("This country code doesn't exist."),
        gettext_noop("Check the digits after the plus sign, such as %(example)s."),
    )
    NO_AREA_CODE = (
        gettext_noop("The area code is missing."),
        gettext_noop("Enter the whole number, such as %(example)s."),
    )
    TOO_SHORT = (
        gettext_noop("The number is too short."),
        gettext_noop("Enter the whole number with its area code, such as %(example)s."),
    )
    TOO_LONG = (
        gettext_noop("The number has too many digits."),
        gettext_noop("If there are two numbers, keep one of them."),
    )
    WRONG_LENGTH = (
        gettext_noop("Numbers in this country have a different length."),
        gettext_noop("Check the number, such as %(example)s."),
    )
    UNREADABLE = (
        gettext_noop("This isn't a phone number."),
        gettext_noop("Enter it with its country code, such as %(example)s."),
    )
    AREA_AT_THE_END = (
        gettext_noop("The area code stands after the number."),
        gettext_noop("Enter it first, such as %(example)s."),
    )
    IN_A_ROW = (
        gettext_noop("The digits of this number are a row, such as 1234567890."),
        gettext_noop("Enter the real number, or leave it empty."),
    )
    ONE_DIGIT = (
        gettext_noop("All digits of this number are the same."),
        gettext_noop("Enter the real number, or leave the field empty."),
    )
    UNASSIGNABLE = (
        gettext_noop("No phone can have this number."),
        gettext_noop("Check the area code and the digits after it."),
    )
    PREMIUM = gettext_noop("This is a premium-rate number."), NOT_A_PERSONS
    SHARED_COST = gettext_noop("This is a shared-cost number."), NOT_A_PERSONS
    FORWARDED = gettext_noop("This number is forwarded at extra cost."), NOT_A_PERSONS
    COMPANY = gettext_noop("This is a company's number for the whole country."), NOT_A_PERSONS
    PAGER = gettext_noop("This is a pager's number."), NOT_A_PERSONS
    VOICEMAIL = gettext_noop("This is the number of a voicemail box."), NOT_A_PERSONS
    SATELLITE = (
        gettext_noop("This is a satellite phone's or an international service's number."),
        NOT_A_PERSONS,
    )
    OF_PRACTICE = gettext_noop("This is the practice's own number."), NOT_A_PERSONS
    SERVICE = gettext_noop("This is an emergency or service number."), NOT_A_PERSONS

    @property
    def problem(self) -> str:
        """What is wrong, in the language of whoever reads it."""
        return gettext(self.value[0])

    @property
    def remedy(self) -> str:
        """What to do, in the same language."""
        return gettext(self.value[1]) % {"example": EXAMPLE}

    def __str__(self) -> str:
        return f"{self.problem} {self.remedy}"


class NotANumber(ValueError):
    """The text isn't a number that can be called. The message says what is wrong and what to do.

    The message never contains the text that was given, so that it can be logged and shown anywhere.
    """

    def __init__(self, flaw: NumberFlaw) -> None:
        super().__init__(flaw)
        self.flaw = flaw
