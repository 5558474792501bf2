"""A person in files that wait to be imported, and in what staff searched for lately.

A file is not edited: one that names somebody who is erased is deleted, and its batch says why, so that the
list can be brought again without them. In doubt a file counts as naming them.
"""

import html
import io
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any

from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils.translation import gettext as _

from contacts.mentions import PersonWords, is_in_text
from contacts.models import ImportBatch, ImportFile
from contacts.searches import SEARCHES

State = ImportBatch.State
LARGEST_PART = 200 * 1024 * 1024  # bytes of a workbook's part; more is no list that we could read
SHORTEST_SEARCH = 3  # letters
FOLDED = re.compile(r"\r?\n[ \t]")  # in a line of a calendar (RFC 5545)
ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")  # in JSON


@transaction.atomic  # so that one file at a time is read, also behind a pooler
def find_files_naming(words: PersonWords) -> list[int]:
    """The batches whose kept files name the person."""
    kept = ImportFile.objects.order_by("batch_id").iterator(chunk_size=1)
    return [file.batch_id for file in kept if any(is_in_text(text, words) for text in _read_texts(file))]


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


def _read_texts(file: ImportFile) -> Iterator[str]:
    """A file as text; of a workbook, each of its parts. What can't be read at all holds nothing for us."""
    try:
        data = zlib.decompress(file.content) if file.is_compressed else bytes(file.content)
    except zlib.error:
        return
    if not zipfile.is_zipfile(io.BytesIO(data)):
        text = _decode(data)
        yield text
        yield _write_plainly(text)
        return
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for member in archive.infolist():
            try:
                with archive.open(member) as part:
                    # a workbook has a cell's text and its neighbour's anywhere, so all of it is one line
                    text = " ".join(_decode(part.read(LARGEST_PART)).splitlines())
                    yield text
                    yield _write_plainly(text)
            except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, zlib.error):
                continue


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
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")
