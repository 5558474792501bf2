"""One cell of a file as the text that was meant. Pure: no database."""

import re
import unicodedata

# A spreadsheet is told to keep a cell as text by a formula: ="9:00", =T("00123"); or by an apostrophe.
TEXT_FORMULA = re.compile(r"""=\s*(?:T\s*\(\s*)?(?:"((?:[^"]|"")*)"|'((?:[^']|'')*)')\s*\)?""", re.IGNORECASE)
GUARD = re.compile(r"['’]+(?=\s*[-+=@＝＋－＠(\d])|'(?=\s)")  # our own files too: contacts/csv_cells.py
GUARD_INSIDE = re.compile(r"(?<=[;\t\r\n])'(?=[^\w']*[-+=@＝＋－＠])")  # a part of a cell of our own files
GUARD_BEFORE_LETTER = re.compile(r"'+(?=[^\W\d_])")
# Characters that nobody sees: soft hyphens, zero-width spaces, marks of writing direction, fillers, tags.
INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"
    "\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff]"
)
JOINER = re.compile("(?<![\u0590-\u1cff])[\u200c\u200d]|[\u200c\u200d](?![\u0590-\u1cff])")
LOST = "\ufffd"  # the sign for a character that couldn't be read
LOST_LETTER = re.compile(r"[^\W\d_]\?[^\W\d_]|�")
LINK = re.compile(r"://|www\.|@")


def clean_cell(cell: str) -> str:
    """Return the text of a cell as a person meant it.

    Without a spreadsheet's protections (`="9:00"`, `'+1202…`), control characters and invisible characters;
    in composed form (NFC), with single spaces.
    """
    if "'" in cell:
        cell = GUARD_INSIDE.sub("", cell)
    if cell.isascii() and cell.isprintable() and "  " not in cell and not cell.startswith(("'", "=", " ")):
        return cell.rstrip()
    return _drop_protection(_keep_visible(cell))


def clean_source_name(name: str) -> str:
    """Return a name as it is read within a cell. Cleaning it again changes nothing, unlike clean_cell(): a
    protection of a cell may have another one in it, which was meant.
    """
    while (cleaned := _keep_visible(name)) != name:
        name = cleaned
    return name


def _keep_visible(text: str) -> str:
    """The text in composed form with single spaces, without control and invisible characters."""
    text = " ".join(text.split())
    if not text.isprintable():
        text = " ".join("".join(_printable(char) for char in text).split())
    return text if text.isascii() else _compose(text)


def _compose(text: str) -> str:
    """The text without invisible characters, which stand between a letter and its accent too."""
    seen = JOINER.sub("", INVISIBLE.sub("", text))
    return unicodedata.normalize("NFC", " ".join(seen.split()))


def _printable(char: str) -> str:
    category = unicodedata.category(char)
    if category == "Cs":  # half of a character, which can't be stored
        return LOST
    return "" if category == "Cc" else char


def _drop_protection(text: str) -> str:
    found = TEXT_FORMULA.fullmatch(text)
    if found:
        inner = found[1].replace('""', '"') if found[1] is not None else found[2].replace("''", "'")
        text = inner.strip()
    return GUARD.sub("", text, count=1).lstrip() if text[:1] in ("'", "’") else text


def has_guard_before_letter(cell: str) -> bool:
    """Whether it starts like `'Stone`: a guard if its whole column does, else a name such as 't Hooft."""
    return GUARD_BEFORE_LETTER.match(cell) is not None


def drop_guard_before_letter(cell: str) -> str:
    """Return `Stone` of `'Stone`, and of `'Stone'`."""
    text = cell.lstrip("'")
    return text.removesuffix("'") if cell.endswith("'") else text


def lost_letters(cell: str) -> bool:
    """Whether letters were lost before or while the file was read: `M�ller`, `M?ller`."""
    return ("?" in cell or LOST in cell) and bool(LOST_LETTER.search(cell)) and not LINK.search(cell)
