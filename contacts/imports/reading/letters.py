"""Bytes to letters, in whatever encoding the practice system wrote (product rule 52). Pure: no database.

A text is read line by line each time, so that a file of 20 MB is never in memory as letters too.

UTF-8 is told with certainty; a byte that doesn't belong in it damages its own cell only. For the older
encodings each is tried, and the one that makes names of the bytes is taken. If two do, a person is asked.
"""

import codecs
import io
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from contacts.imports.errors import UnreadableFile, WrongChoice
from contacts.imports.file_content import FileContent
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
NOT_ASCII = re.compile(r"[^\x00-\x7f]")


@dataclass(frozen=True)
class DecodedText:
    """The lines of a file with their ends, its encoding (Python's name), the question if it isn't certain.

    A byte that couldn't be read is a lone surrogate in its line; mend_cell() makes the best of it. The lines
    are made of the bytes each time somebody goes through them. `codec`: by which, if not by `encoding`.
    """

    content: FileContent
    encoding: str
    question: Question | None = None
    codec: str = ""

    def __iter__(self) -> Iterator[str]:
        return _read_lines(self.content, self.codec or self.encoding)

    def read_whole(self) -> str:
        """All of it, for what can't be read line by line."""
        return "".join(self)


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


def find_certain_encoding(content: FileContent) -> str:
    """Return the encoding that the bytes prove: by a mark, by UTF-16's zeros, or as whole UTF-8; "" if none.

    ASCII proves nothing, since it is the same in most encodings.
    """
    if mark := _find_mark(content):
        return "utf-8" if mark == "utf-8-sig" else mark
    if wide := _find_wide(content):
        return wide
    if _is_ascii(content) or any(map(ESCAPED.search, _read_lines(content, "utf-8"))):
        return ""
    return "utf-8"


def _find_mark(content: FileContent) -> str:
    start = content.read_start(4)
    return next((name for mark, name in MARKS if start.startswith(mark)), "")


def _is_ascii(content: FileContent) -> bool:
    return all(piece.isascii() for piece in content.read_pieces())


def decode_file(
    content: FileContent, encoding: str = "", answers: Mapping[str, str] | None = None
) -> DecodedText:
    """Return the file's text. `encoding`: chosen by a person, else it is found out.

    Raises UnreadableFile if the bytes aren't text, WrongChoice if they can't be of the encoding chosen.
    """
    if encoding:
        return _decode_as_told(content, encoding)
    mark = _find_mark(content)
    wide = mark if mark in ("utf-16", "utf-32") else "" if mark else _find_wide(content)
    if wide:
        return _check_wide(DecodedText(content, wide))
    if any(b"\0" in piece for piece in content.read_pieces()):
        raise UnreadableFile(describe_binary())
    decoded = DecodedText(content, "utf-8")
    if not (mark or _is_ascii(content) or _is_utf8(decoded)):
        found, question = _find_encoding(content)
        if question and (answer := question.find_answer(answers or {})):
            found = answer
        decoded = DecodedText(content, found, question)
    return _check_text(decoded)


def may_be_encoding(content: FileContent, encoding: str) -> bool:
    """Whether a file can have the letters that were chosen for an earlier one (product rule 52).

    They answer the question about its letters where there is one; where they are found out, they must agree.
    """
    try:
        told, found = _decode_as_told(content, encoding), decode_file(content)
    except UnreadableFile:
        return False
    offered = found.question.choices if found.question else ()
    likely = [found, *(DecodedText(content, choice.value) for choice in offered)]
    return any(_have_same_lines(told, each) for each in likely)


def _have_same_lines(one: DecodedText, other: DecodedText) -> bool:
    if one.encoding == other.encoding:
        return True
    return all(mine == its for mine, its in itertools.zip_longest(one, other))


def _read_lines(content: FileContent, codec: str, errors: str = "") -> Iterator[str]:
    """Each line with its end, which is CR, LF or both. `errors`: as Python names what is done about them."""
    stream = content.open()
    if stream.peek().startswith(codecs.BOM_UTF8):
        stream.read(len(codecs.BOM_UTF8))
    errors = errors or ("surrogateescape" if codec == "utf-8" else "replace")
    return io.TextIOWrapper(stream, codec, errors, newline="")


def _decode_as_told(content: FileContent, encoding: str) -> DecodedText:
    """Return the text in the encoding that a person chose; a few bytes may be damaged."""
    if encoding not in {**ENCODINGS, **OTHER_NAMES}:
        wrong = _("“%(name)s” isn't an encoding that can be read.") % {"name": encoding[:40]}
        raise WrongChoice("encoding", wrong)
    certain = find_certain_encoding(content)
    is_wide = certain.startswith(("utf-16", "utf-32"))
    if is_wide != encoding.startswith(("utf-16", "utf-32")) or (is_wide and certain[:6] != encoding[:6]):
        raise _do_not_fit(encoding)
    decoded = DecodedText(content, encoding, codec=certain if is_wide else "")
    damaged = others = 0
    for line in decoded:
        if "\0" in line:
            raise _do_not_fit(encoding)
        if not line.isascii():
            damaged += len(ESCAPED.findall(line)) if encoding == "utf-8" else line.count("\ufffd")
            others += len(NOT_ASCII.findall(line))
    if damaged > others - damaged:
        raise _do_not_fit(encoding)
    return decoded


def _do_not_fit(encoding: str) -> WrongChoice:
    text = _("The letters of this file aren't stored as %(name)s. Choose others, or leave it as recognised.")
    return WrongChoice("encoding", text % {"name": name_encoding(encoding)})


def _find_wide(content: FileContent) -> str:
    """Return UTF-16 of either order for a file without a mark: every second byte of most letters is 0."""
    start = content.read_start(4096)
    even, odd = start[0::2].count(0), start[1::2].count(0)
    if odd > len(start) // 4 and even < odd // 8:
        return "utf-16-le"
    if even > len(start) // 4 and odd < even // 8:
        return "utf-16-be"
    return ""


def _check_wide(decoded: DecodedText) -> DecodedText:
    """Return the text. Raises UnreadableFile if it isn't one."""
    try:
        is_binary = any("\0" in line for line in _read_lines(decoded.content, decoded.encoding, "strict"))
    except UnicodeDecodeError:
        raise UnreadableFile(
            _("The file's characters can't be read. Save it as “CSV UTF-8” and upload it again.")
        ) from None
    if is_binary:
        raise UnreadableFile(describe_binary())
    return decoded


def describe_binary() -> str:
    """Return the sentence for a file that isn't text."""
    return _("This isn't a text file. Export the list as CSV and upload the CSV file.")


def _check_text(decoded: DecodedText) -> DecodedText:
    """Return the text. Raises UnreadableFile if more than 1 character in 50 is a control character."""
    start = take_start(decoded, 4096)
    control = sum(char < " " and char not in "\t\r\n\f\v\x1a\x1b" for char in start)
    if control > len(start) // 50:
        raise UnreadableFile(describe_binary())
    return decoded


def take_start(lines: Iterable[str], length: int) -> str:
    """Return the first `length` characters of a text."""
    start, found = [], 0
    for line in lines:
        start.append(line[:length])
        found += len(line)
        if found >= length:
            break
    return "".join(start)[:length]


def _is_utf8(lines: Iterable[str]) -> bool:
    """Whether text decoded with `surrogateescape` is UTF-8 in which at most some bytes are damaged."""
    lost = sum(len(ESCAPED.findall(line)) for line in lines)
    if not lost:
        return True
    letters = words = names = 0
    for word in _find_other_words(lines):
        if not ESCAPED.search(word):
            letters += sum(char > "\x7f" for char in word)
            words += 1
            names += words <= MOST_WORDS and rate_word(word) < IMPOSSIBLE
    return letters >= lost and names * 2 > min(words, MOST_WORDS)


def _find_other_words(lines: Iterable[str]) -> Iterator[str]:
    """Each word that has a letter which isn't ASCII."""
    for line in lines:
        if not line.isascii():
            yield from (word for word in WORD.findall(line) if not word.isascii())


def _find_encoding(content: FileContent) -> tuple[str, Question | None]:
    """Return the most likely encoding, and a question if another one is as good."""
    lines = list(itertools.islice((line for _at, line in _list_lines_with_letters(content)), SAMPLE_LINES))
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
    return usual, _ask(rivals[:MOST_CHOICES], content)


def _list_lines_with_letters(content: FileContent) -> Iterable[tuple[int, bytes]]:
    """Yield number and bytes of each line that isn't ASCII."""
    for at, line in enumerate(_read_lines(content, "latin-1"), 1):
        if not line.isascii():
            yield at, line.encode("latin-1").rstrip(b"\r\n")


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


def _ask(rivals: Sequence[tuple[str, tuple[str, ...]]], content: FileContent) -> Question:
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
    lines = tuple(at for at, _line in itertools.islice(_list_lines_with_letters(content), 5))
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
