"""How a list is read, as a person can choose it: one table for the page's form and the command's options.

A choice is stored, remembered and posted as a code, such as "semicolon"; "" and "auto" take it back.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import phonenumbers
from babel import Locale, UnknownLocaleError
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext, gettext_lazy

from contacts.imports.dates import DAY_FIRST, MONTH_FIRST, ORDER_KEY
from contacts.imports.errors import UnknownZone, WrongChoice
from contacts.imports.files import ReadChoices
from contacts.imports.practice import ImportOptions, describe_unknown_country, describe_unknown_zone
from contacts.imports.problems import clip
from contacts.imports.reading.letters import ENCODINGS, find_encoding_name
from contacts.zones import is_zone_name

AS_RECOGNISED = "auto"
DELIMITER_CODES = {
    "comma": ",", "semicolon": ";", "tab": "\t", "bar": "|", "caret": "^", "tilde": "~", "colon": ":",
    "number-sign": "#", "unit-separator": "\x1f",
}  # fmt: skip
DELIMITER_WORDS = {
    "comma": gettext_lazy("comma"),
    "semicolon": gettext_lazy("semicolon"),
    "tab": gettext_lazy("tab"),
    "bar": gettext_lazy("vertical bar"),
    "caret": gettext_lazy("caret (^)"),
    "tilde": gettext_lazy("tilde (~)"),
    "colon": gettext_lazy("colon"),
    "number-sign": gettext_lazy("number sign (#)"),
    "unit-separator": gettext_lazy("unit separator"),
}
LETTERS_WORDS = {
    "utf-8": gettext_lazy("Unicode (UTF-8)"),
    "utf-16": gettext_lazy("Unicode (UTF-16)"),
    "utf-32": gettext_lazy("Unicode (UTF-32)"),
    "cp1252": gettext_lazy("Windows (Western Europe)"),
    "cp850": gettext_lazy("DOS (Western Europe)"),
    "cp437": gettext_lazy("DOS (United States)"),
    "mac_roman": gettext_lazy("Mac (Western Europe)"),
    "cp1250": gettext_lazy("Windows (Central Europe)"),
    "iso8859_2": gettext_lazy("ISO (Central Europe)"),
    "cp852": gettext_lazy("DOS (Central Europe)"),
    "cp1254": gettext_lazy("Windows (Turkish)"),
    "cp1257": gettext_lazy("Windows (Baltic)"),
    "cp1251": gettext_lazy("Windows (Cyrillic)"),
    "koi8_r": gettext_lazy("KOI8 (Russian)"),
    "cp866": gettext_lazy("DOS (Cyrillic)"),
    "cp1253": gettext_lazy("Windows (Greek)"),
    "cp1255": gettext_lazy("Windows (Hebrew)"),
    "cp1256": gettext_lazy("Windows (Arabic)"),
    "gb18030": gettext_lazy("Chinese (simplified)"),
    "big5": gettext_lazy("Chinese (traditional)"),
    "cp932": gettext_lazy("Japanese"),
    "euc_kr": gettext_lazy("Korean"),
}
LONGEST_SHOWN = 40  # characters of a wrong value in a sentence
LAST_LINE = 10_000_000  # no file that can be read has more


@dataclass(frozen=True)
class ReadingOption:
    """One thing that a person can choose. `flags`: of the command; `read`: returns the code of what was typed
    or posted, and raises WrongChoice (or UnknownZone); `words`: code -> what staff read, if there are few.
    """

    name: str
    flags: tuple[str, ...]
    metavar: str
    label: str | Promise
    help: str | Promise
    read: Callable[[str], str]
    words: Mapping[str, str | Promise] | None = None


def _read_delimiter(value: str) -> str:
    mark = "\t" if value == "\\t" else value
    found = next((code for code, sign in DELIMITER_CODES.items() if mark == sign), mark.strip().lower())
    if found.removesuffix("s") in DELIMITER_CODES:
        return found.removesuffix("s")
    raise WrongChoice(
        "delimiter",
        gettext("“%(value)s” can't be a delimiter. Choose one of: %(choices)s.")
        % {"value": clip(value, LONGEST_SHOWN), "choices": ", ".join(DELIMITER_CODES)},
    )


def _read_letters(value: str) -> str:
    found = find_encoding_name(value)
    if found in LETTERS_WORDS:
        return found
    raise WrongChoice(
        "encoding",
        gettext("“%(value)s” aren't letters that can be read. Choose one of: %(choices)s.")
        % {"value": clip(value, LONGEST_SHOWN), "choices": ", ".join(["utf-8", "utf-16", *ENCODINGS])},
    )


def _read_line(value: str) -> str:
    text = value.strip()
    if text.isascii() and text.isdigit() and 1 <= int(text[:20]) <= LAST_LINE:
        return str(int(text))
    raise WrongChoice(
        "header_line",
        gettext("“%(value)s” isn't the number of a line. The first line of the file is 1.")
        % {"value": clip(value, LONGEST_SHOWN)},
    )


def _read_sheet(value: str) -> str:
    return clip(value, 200)


def _read_order(value: str) -> str:
    code = value.strip().lower().replace("-", "_")
    if code in (MONTH_FIRST, DAY_FIRST):
        return code
    raise WrongChoice(
        "date_order",
        gettext("“%(value)s” isn't an order of dates. Choose month-first or day-first.")
        % {"value": clip(value, LONGEST_SHOWN)},
    )


def _read_region(value: str) -> str:
    code = value.strip().upper()
    if code in phonenumbers.SUPPORTED_REGIONS:
        return code
    raise WrongChoice("region", describe_unknown_country(value))


def _read_zone(value: str) -> str:
    if is_zone_name(value.strip()):
        return value.strip()
    raise UnknownZone(describe_unknown_zone(value))


READING_OPTIONS = (
    ReadingOption(
        "delimiter",
        ("--delimiter",),
        "DELIMITER",
        gettext_lazy("Delimiter"),
        gettext_lazy("what stands between two cells: comma, semicolon, tab, bar"),
        _read_delimiter,
        DELIMITER_WORDS,
    ),
    ReadingOption(
        "encoding",
        ("--letters", "--encoding"),
        "ENCODING",
        gettext_lazy("Letters"),
        gettext_lazy("how letters are stored, such as utf-8, windows-1252 or cp850"),
        _read_letters,
        LETTERS_WORDS,
    ),
    ReadingOption(
        "header_line",
        ("--header-row",),
        "LINE",
        gettext_lazy("Line of the header"),
        gettext_lazy("the line of the file in which the columns are named; the first is 1"),
        _read_line,
    ),
    ReadingOption(
        "sheet",
        ("--sheet",),
        "NAME",
        gettext_lazy("Sheet"),
        gettext_lazy("the name of the workbook's sheet"),
        _read_sheet,
    ),
    ReadingOption(
        "date_order",
        ("--date-order",),
        "ORDER",
        gettext_lazy("Order of dates"),
        gettext_lazy("month-first or day-first, where the dates of the file don't show it"),
        _read_order,
        {MONTH_FIRST: gettext_lazy("month first"), DAY_FIRST: gettext_lazy("day first")},
    ),
    ReadingOption(
        "time_zone",
        ("--time-zone",),
        "ZONE",
        gettext_lazy("Time zone of new locations"),
        gettext_lazy("time zone of all other new locations"),
        _read_zone,
    ),
    ReadingOption(
        "region",
        ("--region",),
        "COUNTRY",
        gettext_lazy("Country of numbers"),
        gettext_lazy("country of numbers written without a country code (default: PHONE_REGION)"),
        _read_region,
    ),
)
OPTION_NAMES = tuple(option.name for option in READING_OPTIONS)
OF_THE_TABLE = ("delimiter", "encoding", "header_line", "sheet")  # these decide what the cells are
BEFORE_THE_ROWS = (*OF_THE_TABLE, "time_zone", "region")  # these aren't answers to a question


def choose_reading(options: ImportOptions, given: Mapping[str, str]) -> ImportOptions:
    """Return the options with these choices, by the name of the ReadingOption; "" or "auto" takes one back.

    Raises WrongChoice or UnknownZone.
    """
    codes: dict[str, str] = {}
    for option in READING_OPTIONS:
        if option.name in given:
            value = given[option.name]
            is_taken_back = not value.strip(" ") or value.strip().lower() == AS_RECOGNISED
            codes[option.name] = "" if is_taken_back else option.read(value)
    answers = dict(options.answers)
    if "date_order" in codes:
        answers[ORDER_KEY] = codes["date_order"] or AS_RECOGNISED
    return replace(
        options,
        reading=replace(options.reading, **_as_choices(codes)),
        time_zone=codes.get("time_zone", options.time_zone),
        region=codes.get("region", options.region),
        answers=answers,
        as_recognised=(
            *(name for name in options.as_recognised if name not in codes),
            *(name for name in BEFORE_THE_ROWS if codes.get(name) == ""),
        ),
    )


def _as_choices(codes: Mapping[str, str]) -> dict[str, Any]:
    """The codes of OF_THE_TABLE as fields of ReadChoices."""
    fields: dict[str, Any] = {name: codes[name] for name in ("encoding", "sheet") if name in codes}
    if "delimiter" in codes:
        fields["delimiter"] = DELIMITER_CODES.get(codes["delimiter"], "")
    if "header_line" in codes:
        fields["header_line"] = int(codes["header_line"] or 0)
    return fields


def read_kept_choices(kept: Mapping[str, Any]) -> ReadChoices:
    """The choices of OF_THE_TABLE that are remembered; codes that are no longer known are passed over."""
    codes = {}
    for option in READING_OPTIONS:
        if option.name in OF_THE_TABLE and kept.get(option.name):
            try:
                codes[option.name] = option.read(str(kept[option.name]))
            except WrongChoice:
                continue
    return ReadChoices(**_as_choices(codes))


def code_choices(choices: ReadChoices) -> dict[str, str]:
    """The choices as codes, without those that weren't made."""
    signs = {sign: code for code, sign in DELIMITER_CODES.items()}
    codes = {
        "delimiter": signs.get(choices.delimiter, ""),
        "encoding": choices.encoding,
        "header_line": str(choices.header_line or ""),
        "sheet": choices.sheet,
    }
    return {name: code for name, code in codes.items() if code}


def list_chosen(options: ImportOptions) -> dict[str, str]:
    """The choices of BEFORE_THE_ROWS that these options make, as codes."""
    besides = {"time_zone": options.time_zone, "region": options.region}
    return code_choices(options.reading) | {name: code for name, code in besides.items() if code}


def name_countries() -> dict[str, str]:
    """The countries whose numbers can be read, by code, with their names in the reader's language."""
    try:
        locale = Locale.parse((get_language() or "en").replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        locale = Locale("en")
    return {code: str(locale.territories.get(code, code)) for code in phonenumbers.SUPPORTED_REGIONS}


def say_choice(name: str, code: str) -> str:
    """A choice as staff read it, such as “semicolon”."""
    words = next(option.words for option in READING_OPTIONS if option.name == name) or {}
    if name == "region":
        words = name_countries()
    if name == "encoding" and code not in words:
        code = code[:6]  # utf-16-le
    return str(words.get(code, code))
