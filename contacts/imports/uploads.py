"""Uploaded files between preview and apply.

Each lies under a random name in one folder (var/uploads, or IMPORT_UPLOADS_DIR where several machines
serve pages and share a disc), and the browser holds a signed token for it: whichever process applies
it finds it, and nobody can name another file. What is a day old is swept at the next upload.
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

from contacts.imports.csv_files import clean_cell
from contacts.imports.errors import ImportRefused
from contacts.imports.problems import clip

KEPT_FOR = timedelta(days=1)
SALT = "contacts.imports.uploads"
NAME = re.compile(r"[A-Za-z0-9_-]{20,60}")
GONE = "This upload has been applied already or is more than a day old. Upload the file again."


class UploadExpired(ImportRefused):
    """There is no such upload any more, or it is somebody else's."""


@dataclass(frozen=True)
class Upload:
    """A kept upload. `file_name`: as the person's computer calls it; `source`: as they said."""

    path: Path
    file_name: str
    source: str

    def read(self) -> bytes:
        """Its content. Raises UploadExpired."""
        try:
            return self.path.read_bytes()
        except OSError:
            raise UploadExpired(GONE) from None

    def drop(self) -> None:
        """Forget it, once it is applied."""
        self.path.unlink(missing_ok=True)


def uploads_folder() -> Path:
    """The folder of kept uploads; only this system's own user can read it."""
    folder = Path(settings.IMPORT_UPLOADS_DIR)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def store_upload(chunks: Iterable[bytes], *, file_name: str, source: str, user_id: int) -> str:
    """Keep a file for a day; the token that its uploader can open it with."""
    folder = uploads_folder()
    delete_old_uploads(folder)
    name = secrets.token_urlsafe(24)
    with (folder / name).open("xb") as file:
        (folder / name).chmod(0o600)
        file.writelines(chunks)
    shown = clip(clean_cell(Path(file_name).name), 120)
    return signing.dumps({"name": name, "file": shown, "source": source, "user": user_id}, salt=SALT)


def open_upload(token: str, *, user_id: int) -> Upload:
    """The upload of that token. Raises UploadExpired when it is over, not theirs, or no token of ours."""
    try:
        kept = signing.loads(token, salt=SALT, max_age=KEPT_FOR)
    except signing.BadSignature:
        raise UploadExpired(GONE) from None
    path = uploads_folder() / kept["name"]
    if kept["user"] != user_id or not NAME.fullmatch(kept["name"]) or not path.is_file():
        raise UploadExpired(GONE)
    return Upload(path, kept["file"], kept["source"])


def delete_old_uploads(folder: Path) -> None:
    """Delete what was never applied and is older than KEPT_FOR."""
    oldest = (timezone.now() - KEPT_FOR).timestamp()
    for path in folder.iterdir():
        if NAME.fullmatch(path.name) and path.stat().st_mtime < oldest:
            path.unlink(missing_ok=True)
