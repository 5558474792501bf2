"""Decode bytes to text, in whatever encoding the practice system wrote. Pure: no database."""

import codecs
import itertools

from charset_normalizer import CharsetMatch, from_bytes

from contacts.imports.errors import UnreadableFile

WINDOWS_1252 = "cp1252"
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# The encodings that spreadsheets and practice systems write. A rarer one is more likely a wrong guess.
CANDIDATES = [WINDOWS_1252, "cp1250", "cp1251", "cp1253", "cp1254", "cp1257", "mac_roman", "cp850"]
SAMPLE_LINES = 2000
# A guess this close to the best counts as equal: a list of names is too short a text to tell them apart.
TIE_OF_CHAOS = 0.01
TIE_OF_COHERENCE = 0.05
BROKEN = "The file's characters can't be read. Save it as “CSV UTF-8” and upload it again."
BINARY = "This isn't a text file. Export the list as CSV and upload the CSV file."


def decode_text(data: bytes) -> tuple[str, str]:
    """Return the text and the name of its encoding. Raises UnreadableFile if the bytes aren't text."""
    encoding = _find_encoding(data)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        raise UnreadableFile(BROKEN) from None
    if "\0" in text:
        raise UnreadableFile(BINARY)
    return text, encoding.removesuffix("-sig")


def _find_encoding(data: bytes) -> str:
    for mark, encoding in MARKS:
        if data.startswith(mark):
            return encoding
    if b"\0" in data:
        raise UnreadableFile(BINARY)
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return _guess_encoding(data)
    return "utf-8"


def _guess_encoding(data: bytes) -> str:
    """Return the most likely of CANDIDATES, or Windows-1252 if it is as good as the best."""
    non_ascii = (line for line in data.splitlines() if not line.isascii())
    sample = b"\n".join(itertools.islice(non_ascii, SAMPLE_LINES))
    matches = list(from_bytes(sample, cp_isolation=CANDIDATES))
    if not matches:
        return _fall_back(data)
    usual = [match for match in matches if match.encoding == WINDOWS_1252]
    return WINDOWS_1252 if usual and _is_as_good(usual[0], matches[0]) else matches[0].encoding


def _is_as_good(match: CharsetMatch, best: CharsetMatch) -> bool:
    return match.chaos <= best.chaos + TIE_OF_CHAOS and match.coherence >= best.coherence - TIE_OF_COHERENCE


def _fall_back(data: bytes) -> str:
    """Return Windows-1252. Raises UnreadableFile if more than 1 byte in 50 is a control character."""
    control = sum(byte < 32 and byte not in b"\t\r\n" for byte in data[:4096])
    if control > len(data[:4096]) // 50:
        raise UnreadableFile(BINARY)
    return WINDOWS_1252
