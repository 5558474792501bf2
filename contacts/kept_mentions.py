"""A person in files that wait to be imported, and in what staff searched for lately.

A file is not edited: one that names somebody who is erased is deleted, and its batch says why, so that the
list can be brought again without them. In doubt a file counts as naming them, so does a workbook that unpacks
to more than we would read. An erasure holds its locks meanwhile, so all of it takes seconds at most.
"""

import html
import io
import re
import unicodedata
import zipfile
import zlib
from codecs import utf_8_decode
from collections.abc import Iterator
from contextlib import suppress
from typing import IO, Any

from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils.translation import gettext as _

from contacts.list_search import AROUND, ListSearch
from contacts.mentions import PersonWords
from contacts.models import ImportBatch, ImportFile
from contacts.searches import SEARCHES

State = ImportBatch.State
MOST_UNPACKED = 100 * 1024**2  # bytes of a workbook's parts together; more is hardly a list
PIECE = 4 * 1024**2  # bytes of a part that are read at once
OVERLAP = 4 * AROUND  # bytes of the piece before: a letter has at most four
UNREADABLE = (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, zlib.error)
SHORTEST_SEARCH = 3  # letters
CONTINUED = bytes(range(0x80, 0xC0))  # bytes of UTF-8 within a letter
FOLDED = re.compile(r"\r?\n[ \t]")  # in a line of a calendar (RFC 5545)
ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")  # in JSON


@transaction.atomic  # so that one file at a time is read, also behind a pooler
def find_files_naming(words: PersonWords) -> list[int]:
    """The batches whose kept files name the person."""
    search = ListSearch(words)
    kept = ImportFile.objects.order_by("batch_id").iterator(chunk_size=1)
    return [file.batch_id for file in kept if _is_named(search, file)]


def drop_files_naming(words: PersonWords) -> None:
    """Delete these files, in the caller's transaction; batches that still waited say why they failed."""
    batches = ImportBatch.objects.filter(pk__in=find_files_naming(words)).order_by("pk")
    ids = [batch.pk for batch in batches.select_for_update(of=("self",))]
    ImportFile.objects.filter(batch__in=ids).delete()
    reason = _("A person in this list was erased after it came. Bring the list again, without them.")
    ImportBatch.objects.filter(pk__in=ids, state__in=(State.ASKING, State.WAITING)).update(
        state=State.FAILED, error=reason[:300], dismissed_at=None, dismissed_by=None
    )


def forget_searches(words: PersonWords) -> None:
    """Take what finds this person out of the searches that sessions remember (contacts/searches.py).

    Each such session is locked and read again: it may have been locked, or have ended, meanwhile.
    """
    sessions = Session.objects.order_by("pk")
    found = [one.pk for one in sessions.iterator(chunk_size=200) if _remembers(one.get_decoded(), words)]
    for session in sessions.filter(pk__in=found).select_for_update(no_key=True):
        data = session.get_decoded()
        left = {key: text for key, text in data.get(SEARCHES, {}).items() if not _finds(str(text), words)}
        session.session_data = SessionStore().encode(data | {SEARCHES: left})
        session.save(update_fields=["session_data"])


def _remembers(data: dict[str, Any], words: PersonWords) -> bool:
    return any(_finds(str(text), words) for text in data.get(SEARCHES, {}).values())


def _finds(text: str, words: PersonWords) -> bool:
    """Whether somebody who typed this may have meant the person: a part of a name, an id or a number."""
    names = {part.casefold() for pair in words.names for name in pair for part in name.split()}
    ids = {one.casefold() for one in words.ids}
    typed = {word.strip(",.").casefold() for word in text.split()} | {text.casefold()}
    digits = "".join(letter for letter in text if letter in "0123456789")
    return (
        any(len(part) >= SHORTEST_SEARCH and part.startswith(one) for one in typed for part in names if one)
        or bool(typed & ids)
        or (len(digits) >= SHORTEST_SEARCH and any(digits in number for number in words.numbers))
    )


def _is_named(search: ListSearch, file: ImportFile) -> bool:
    """Whether a file names the person. What can't be read at all holds nothing for us."""
    try:
        data = zlib.decompress(file.content) if file.is_compressed else bytes(file.content)
    except zlib.error:
        return False
    if not zipfile.is_zipfile(io.BytesIO(data)):
        text = _decode(data)
        return search.is_in(text) or search.is_in(_write_plainly(text))
    left = MOST_UNPACKED
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for member in archive.infolist():
            pieces = list[int]()
            with suppress(*UNREADABLE), archive.open(member) as part:
                # a workbook has a cell's text and its neighbour's anywhere, so all of it is one line
                if search.is_in_line(_read_part(part, left, pieces)):
                    return True
            left -= sum(pieces)
            if left <= 0:
                return True
    return False


def _read_part(part: IO[bytes], most: int, read: list[int]) -> Iterator[str]:
    """A part of a workbook in pieces, each as it is and plainly; `read` gets the bytes of each."""
    data = b""
    while sum(read) < most and (more := part.read(PIECE)):
        read.append(len(more))
        data = data[-OVERLAP:] + more
        text = " ".join(_decode(data.lstrip(CONTINUED)).splitlines())
        yield text
        yield _write_plainly(text)


def _write_plainly(text: str) -> str:
    """The text without what forms of files do to names.

    They write é as an entity, an escape or two characters, fold lines, put a NUL behind each letter, and
    spread a patient of a web page or of JSON over many lines, which are one here.
    """
    plain = html.unescape(FOLDED.sub("", text.replace("\0", ""))).lstrip("\ufeff \r\n\t")
    first = plain.partition("\n")[0].rstrip()
    if plain.startswith(("{", "[")):
        plain = ESCAPED.sub(lambda found: chr(int(found[1], 16)), plain)
    if plain.startswith("<") or (plain.startswith(("{", "[")) and not first.endswith("}")):
        plain = " ".join(plain.splitlines())
    return unicodedata.normalize("NFC", plain)


def _decode(data: bytes) -> str:
    """As text; a letter of UTF-8 that is cut off at the end is left out."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    try:
        return utf_8_decode(data, "strict", False)[0]
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")
