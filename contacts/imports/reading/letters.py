"""Bytes to letters, in whatever encoding the practice system wrote (product rule 52). Pure: no database.

UTF-8 is told with certainty; a byte that doesn't belong in it damages its own cell only. For the older
encodings each is tried, and the one that makes names of the bytes is taken. If two do, a person is asked.
"""

import codecs
import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from contacts.imports.errors import UnreadableFile, WrongChoice
from contacts.imports.questions import Choice, Question
from contacts.imports.reading.names_check import FOREIGN, IMPOSSIBLE, rate_word

LETTERS = "letters"  # key of the question
WINDOWS = "cp1252"
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# The encodings that spreadsheets and practice systems write, most usual first. Of two that give the same
# letters the first is named.
ENCODINGS = {
    "cp1252": "Windows-1252", "cp850": "DOS 850", "cp437": "DOS 437", "mac_roman": "Mac Roman",
    "cp1250": "Windows-1250", "iso8859_2": "ISO 8859-2", "cp852": "DOS 852", "cp1254": "Windows-1254",
    "cp1257": "Windows-1257", "cp1251": "Windows-1251", "koi8_r": "KOI8-R", "cp866": "DOS 866",
    "cp1253": "Windows-1253", "cp1255": "Windows-1255", "cp1256": "Windows-1256", "gb18030": "GB 18030",
    "big5": "Big5", "cp932": "Shift JIS", "euc_kr": "EUC-KR",
}  # fmt: skip
OTHER_NAMES = {
    "utf-8": "UTF-8",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "utf-32": "UTF-32",
}
# Pages that have most letters in common with Windows-1252: if every word is a name in that one, so it is.
SIBLINGS = frozenset(["cp1250", "iso8859_2", "cp1254", "cp1257"])
SAMPLE_LINES = 2000
MOST_WORDS = 4000
MOST_CHOICES = 8
CLEARLY = FOREIGN  # so many points must lie between the best encoding and the next
WORD = re.compile(r"[^\x00-\x26\x28-\x2c\x2e-\x40\x5b-\x60\x7b-\x7f\x80-\x9f]+")
LOST_SOME = "\udc80-\udcff"  # bytes that aren't UTF-8, as `surrogateescape` decodes them
ESCAPED = re.compile(f"[{LOST_SOME}]")
LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")  # with its end
NOT_ASCII = re.compile(r"[^\x00-\x7f]")


@dataclass(frozen=True)
class DecodedText:
    """A file's text and the name of its encoding (Python's), and the question if it isn't certain.

    A byte that couldn't be read is a lone surrogate in the text; mend_cell() makes the best of it.
    """

    text: str
    encoding: str
    question: Question | None = None


def name_encoding(encoding: str) -> str:
    """Return an encoding's name as practice systems call it, such as Windows-1252."""
    return OTHER_NAMES.get(encoding) or ENCODINGS.get(encoding, encoding)


def find_encoding_name(declared: str) -> str:
    """Return Python's name of an encoding as files and people name it, "" if it isn't read here."""
    plain = declared.lower().replace("-", "").replace("_", "").replace(" ", "")
    names = {name.replace("_", "").replace("-", ""): name for name in (*ENCODINGS, *OTHER_NAMES)} | {
        "windows1252": "cp1252", "iso88591": "cp1252", "usascii": "cp1252", "latin1": "cp1252",
        "ansi": "cp1252", "windows1250": "cp1250", "windows1251": "cp1251", "windows1253": "cp1253",
        "windows1254": "cp1254", "windows1255": "cp1255", "windows1256": "cp1256", "windows1257": "cp1257",
        "shiftjis": "cp932", "gb2312": "gb18030", "gbk": "gb18030", "iso88592": "iso8859_2",
        "euckr": "euc_kr", "koi8r": "koi8_r", "utf8bom": "utf-8", "utf8sig": "utf-8",
    }  # fmt: skip
    return names.get(plain, "")


def find_certain_encoding(data: bytes) -> str:
    """Return the encoding that the bytes prove: by a mark, by UTF-16's zeros, or as whole UTF-8; "" if none.

    ASCII proves nothing, since it is the same in most encodings.
    """
    mark = next((name for start, name in MARKS if data.startswith(start)), "")
    if mark:
        return "utf-8" if mark == "utf-8-sig" else mark
    if wide := _find_wide(data):
        return wide
    if data.isascii():
        return ""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return ""
    return "utf-8"


def decode_file(data: bytes, encoding: str = "", answers: Mapping[str, str] | None = None) -> DecodedText:
    """Return the file's text. `encoding`: chosen by a person, else it is found out.

    Raises UnreadableFile if the bytes aren't text, WrongChoice if they can't be of the encoding chosen.
    """
    if encoding:
        return DecodedText(_decode_as_told(data, encoding), encoding)
    mark = next((name for start, name in MARKS if data.startswith(start)), "")
    wide = mark if mark in ("utf-16", "utf-32") else "" if mark else _find_wide(data)
    if wide:
        return DecodedText(_decode_wide(data, wide), wide)
    if b"\0" in data:
        raise UnreadableFile(describe_binary())
    data = data.removeprefix(codecs.BOM_UTF8)
    text = data.decode("utf-8", "surrogateescape")
    if mark or _is_utf8(text):
        return DecodedText(_check_text(text), "utf-8")
    found, question = _find_encoding(data)
    if question and (answer := question.find_answer(answers or {})):
        found = answer
    return DecodedText(_check_text(data.decode(found, "replace")), found, question)


def may_be_encoding(data: bytes, encoding: str) -> bool:
    """Whether a file can have the letters that were chosen for an earlier one (product rule 52).

    They answer the question about its letters where there is one; where they are found out, they must agree.
    """
    try:
        told, found = _decode_as_told(data, encoding), decode_file(data)
    except UnreadableFile:
        return False
    offered = [choice.value for choice in found.question.choices] if found.question else []
    return told == found.text or any(told == data.decode(each, "replace") for each in offered)


def _decode_as_told(data: bytes, encoding: str) -> str:
    """Return the text in the encoding that a person chose; a few bytes may be damaged."""
    if encoding not in {**ENCODINGS, **OTHER_NAMES}:
        wrong = _("“%(name)s” isn't an encoding that can be read.") % {"name": encoding[:40]}
        raise WrongChoice("encoding", wrong)
    certain, data = find_certain_encoding(data), data.removeprefix(codecs.BOM_UTF8)
    is_wide = certain.startswith(("utf-16", "utf-32"))
    if is_wide != encoding.startswith(("utf-16", "utf-32")) or (is_wide and certain[:6] != encoding[:6]):
        raise _do_not_fit(encoding)
    text = data.decode(
        certain if is_wide else encoding, "surrogateescape" if encoding == "utf-8" else "replace"
    )
    damaged = len(ESCAPED.findall(text)) if encoding == "utf-8" else text.count("\ufffd")
    sound = len(NOT_ASCII.findall(text)) - damaged
    if damaged > sound or "\0" in text:
        raise _do_not_fit(encoding)
    return text


def _do_not_fit(encoding: str) -> WrongChoice:
    text = _("The letters of this file aren't stored as %(name)s. Choose others, or leave it as recognised.")
    return WrongChoice("encoding", text % {"name": name_encoding(encoding)})


def _find_wide(data: bytes) -> str:
    """Return UTF-16 of either order for a file without a mark: every second byte of most letters is 0."""
    start = data[:4096]
    even, odd = start[0::2].count(0), start[1::2].count(0)
    if odd > len(start) // 4 and even < odd // 8:
        return "utf-16-le"
    if even > len(start) // 4 and odd < even // 8:
        return "utf-16-be"
    return ""


def _decode_wide(data: bytes, encoding: str) -> str:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        raise UnreadableFile(
            _("The file's characters can't be read. Save it as “CSV UTF-8” and upload it again.")
        ) from None
    if "\0" in text:
        raise UnreadableFile(describe_binary())
    return text


def describe_binary() -> str:
    """Return the sentence for a file that isn't text."""
    return _("This isn't a text file. Export the list as CSV and upload the CSV file.")


def _check_text(text: str) -> str:
    """Return the text. Raises UnreadableFile if more than 1 character in 50 is a control character."""
    start = text[:4096]
    control = sum(char < " " and char not in "\t\r\n\f\v\x1a\x1b" for char in start)
    if control > len(start) // 50:
        raise UnreadableFile(describe_binary())
    return text


def _is_utf8(text: str) -> bool:
    """Whether text decoded with `surrogateescape` is UTF-8 in which at most some bytes are damaged."""
    if text.isascii():
        return True
    lost = sum(1 for _found in ESCAPED.finditer(text))
    if not lost:
        return True
    words = [word for word in WORD.findall(text) if not word.isascii() and not ESCAPED.search(word)]
    names = [word for word in words[:MOST_WORDS] if rate_word(word) < IMPOSSIBLE]
    return sum(1 for word in words for char in word if char > "\x7f") >= lost and len(names) * 2 > len(words)


def _find_encoding(data: bytes) -> tuple[str, Question | None]:
    """Return the most likely encoding, and a question if another one is as good."""
    lines = list(itertools.islice((line for _at, line in _list_lines_with_letters(data)), SAMPLE_LINES))
    sample = b"\n".join(lines)
    rated = sorted(_rate_encodings(sample), key=lambda each: each[0])
    if not rated:
        return WINDOWS, None
    best = rated[0][0]
    if best == 0 and any(points == 0 and name == WINDOWS for points, name, _ in rated):
        rated = [each for each in rated if each[1] not in SIBLINGS]
    rivals = _differing((points, name, words) for points, name, words in rated if points < best + CLEARLY)
    usual = next((name for name, _words in rivals if name == WINDOWS), rivals[0][0])
    if len(rivals) == 1 and best < IMPOSSIBLE * max(1, len(lines) // 2):
        return usual, None
    if len(rivals) == 1:
        rivals = _differing(rated)
    return usual, _ask(rivals[:MOST_CHOICES], data)


def _list_lines_with_letters(data: bytes) -> Iterable[tuple[int, bytes]]:
    """Yield number and text of each line that isn't ASCII."""
    for at, line in enumerate(LINE.finditer(data), 1):
        if not line[0].isascii():
            yield at, line[0].rstrip(b"\r\n")


def _rate_encodings(sample: bytes) -> Iterable[tuple[int, str, tuple[str, ...]]]:
    """Yield points against it, name and words, for each encoding that the sample can be in."""
    for name in ENCODINGS:
        try:
            text = sample.decode(name)
        except UnicodeDecodeError:
            text = sample.decode(name, "replace")
            if text.count("\ufffd") * 20 > len(sample.splitlines()):
                continue
        words = tuple(
            itertools.islice((word for word in WORD.findall(text) if not word.isascii()), MOST_WORDS)
        )
        controls = sum("\x80" <= char <= "\x9f" for char in text)
        yield sum(map(rate_word, dict.fromkeys(words))) + IMPOSSIBLE * controls, name, words


def _differing(rated: Iterable[tuple[int, str, tuple[str, ...]]]) -> list[tuple[str, tuple[str, ...]]]:
    """Return name and words of those that give different letters."""
    found: dict[tuple[str, ...], str] = {}
    for _points, name, words in rated:
        found.setdefault(words, name)
    return [(name, words) for words, name in found.items()]


def _ask(rivals: Sequence[tuple[str, tuple[str, ...]]], data: bytes) -> Question:
    """Ask which letters are right; each choice shows the words in which they differ."""
    differing = [
        index
        for index, words in enumerate(zip(*(words for _, words in rivals), strict=False))
        if len(set(words)) > 1
    ]
    choices = tuple(
        Choice(name, name_encoding(name), ", ".join(dict.fromkeys(words[at] for at in differing[:4])))
        for name, words in rivals
    )
    lines = tuple(at for at, _line in itertools.islice(_list_lines_with_letters(data), 5))
    text = _("The file doesn't say how its letters are stored. Which of these are written correctly?")
    return Question(LETTERS, text, choices, lines)


def mend_cell(cell: str) -> tuple[str, bool]:
    """Return the cell with each byte that isn't UTF-8 read as Windows-1252, and whether it had one.

    A letter that makes no name, such as `KofiÃ`, becomes the sign for a lost character.
    """
    if cell.isascii() or not ESCAPED.search(cell):
        return cell, False
    read = ESCAPED.sub(lambda found: bytes([ord(found[0]) - 0xDC00]).decode(WINDOWS, "replace"), cell)
    words = [word for word in WORD.findall(read) if not word.isascii()]
    if "\ufffd" not in read and all(rate_word(word) == 0 for word in words):
        return read, True
    return ESCAPED.sub("\ufffd", cell), True
