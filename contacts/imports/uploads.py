"""Uploaded files, kept from the preview until they are applied.

Each is stored under a random name in one folder: var/uploads, or IMPORT_UPLOADS_DIR if several machines
serve pages and share a disk. The browser gets a signed token for the file, so that any web process can
find it and nobody can open another file. Files more than a day old are deleted at the next upload.
"""

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.core import signing
from django.utils import timezone
from django.utils.translation import gettext_lazy

from contacts.imports.csv_files import clean_cell
from contacts.imports.errors import ImportRefused
from contacts.imports.problems import clip

KEPT_FOR = timedelta(days=1)
SALT = "contacts.imports.uploads"
NAME = re.compile(r"[A-Za-z0-9_-]{20,60}")
GONE = gettext_lazy("This upload was already imported or is more than a day old. Upload the file again.")


class UploadExpired(ImportRefused):
    """The upload no longer exists, or another user uploaded it."""


@dataclass(frozen=True)
class Upload:
    """A stored upload. `file_name`: on the user's computer; `source`: as the user entered it."""

    path: Path
    file_name: str
    source: str

    def read(self) -> bytes:
        """Return its content. Raises UploadExpired."""
        try:
            return self.path.read_bytes()
        except OSError:
            raise UploadExpired(GONE) from None

    def drop(self) -> None:
        """Delete it, after it was applied."""
        self.path.unlink(missing_ok=True)


def uploads_folder() -> Path:
    """Return the folder of stored uploads; only the user that runs Callboard can read it."""
    folder = Path(settings.IMPORT_UPLOADS_DIR)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def store_upload(chunks: Iterable[bytes], *, file_name: str, source: str, user_id: int) -> str:
    """Store a file for a day; return the token with which the user who uploaded it can open it."""
    folder = uploads_folder()
    delete_old_uploads(folder)
    name = secrets.token_urlsafe(24)
    with (folder / name).open("xb") as file:
        (folder / name).chmod(0o600)
        file.writelines(chunks)
    shown = clip(clean_cell(Path(file_name).name), 120)
    return signing.dumps({"name": name, "file": shown, "source": source, "user": user_id}, salt=SALT)


def open_upload(token: str, *, user_id: int) -> Upload:
    """Return the upload of a token. Raises UploadExpired if it is too old, another user's, or forged."""
    try:
        kept = signing.loads(token, salt=SALT, max_age=KEPT_FOR)
    except signing.BadSignature:
        raise UploadExpired(GONE) from None
    path = uploads_folder() / kept["name"]
    if kept["user"] != user_id or not NAME.fullmatch(kept["name"]) or not path.is_file():
        raise UploadExpired(GONE)
    return Upload(path, kept["file"], kept["source"])


def delete_old_uploads(folder: Path) -> None:
    """Delete uploads that were never applied and are older than KEPT_FOR."""
    oldest = (timezone.now() - KEPT_FOR).timestamp()
    for path in folder.iterdir():
        if NAME.fullmatch(path.name) and path.stat().st_mtime < oldest:
            path.unlink(missing_ok=True)
