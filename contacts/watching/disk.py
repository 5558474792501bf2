"""Reading and moving the files of one watched folder, without ever leaving it.

Each folder is opened once, and files are named within it, so that no link and no renaming can lead anywhere
else. Only regular files count. Knows no tables.
"""

import errno
import hashlib
import os
import re
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path, PurePath

from contacts.models import FolderFault

IGNORED_NAMES = re.compile(
    r"\..*|~.*|.*~|#.*#|.*\.(?:part|partial|filepart|tmp|temp|crdownload|download|opdownload|lock|lck|swp|"
    r"writing|incomplete)|thumbs\.db|desktop\.ini|"
    r"lost\+found|\$recycle\.bin|system volume information|@eadir",
    re.IGNORECASE | re.DOTALL,
)
UNUSUAL = re.compile(r"[\x00-\x1f\x7f/\\\ud800-\udfff]")
LONGEST_NAME = 180  # bytes, so that there is room for what is added to a name: file systems take 255
MODE = 0o770  # of the folders that are made here
FAULTS = {
    errno.ENOENT: FolderFault.GONE,
    errno.ESTALE: FolderFault.GONE,
    errno.ENODEV: FolderFault.GONE,
    errno.EACCES: FolderFault.NO_PERMISSION,
    errno.EPERM: FolderFault.NO_PERMISSION,
    errno.EROFS: FolderFault.NO_PERMISSION,
    errno.ENOSPC: FolderFault.DISK_FULL,
    errno.EDQUOT: FolderFault.DISK_FULL,
    errno.ELOOP: FolderFault.LEADS_OUT,
    errno.ENOTDIR: FolderFault.LEADS_OUT,
}


class FolderPlace(StrEnum):
    """Where a file can be: in the watched folder itself, or in one of its three."""

    INBOX = ""
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"


OWN_FOLDERS = frozenset(str(place) for place in FolderPlace if place)


class StillChanging(Exception):
    """The file changed while it was read, or is no regular file any more."""


@dataclass(frozen=True)
class FoundFile:
    """A file of the folder; `name` can be stored as text, `real_name` is the file system's."""

    name: str
    real_name: str
    size: int
    modified_ns: int
    changed_ns: int


@dataclass(frozen=True)
class OpenFolder:
    """An open watched folder: the descriptor of each of its places."""

    places: dict[FolderPlace, int]

    def list_files(self) -> list[FoundFile]:
        """The files that may be lists, those modified first at the beginning."""
        found = []
        with os.scandir(self.places[FolderPlace.INBOX]) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):  # it was moved away this moment
                    if not IGNORED_NAMES.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                        found.append(_describe(entry.name, entry.stat(follow_symlinks=False)))
        by_name = {file.name: file for file in found}  # two odd names may be written alike: one comes later
        return sorted(by_name.values(), key=lambda file: (file.modified_ns, file.name))

    def read(self, file: FoundFile, *, most: int) -> bytes:
        """The content, or one byte more than `most` of it. Raises StillChanging, OSError."""
        with self._open(FolderPlace.INBOX, file.real_name) as descriptor:
            before = _describe(file.real_name, os.fstat(descriptor))
            data = _read_bytes(descriptor, most + 1)
            after = _describe(file.real_name, os.fstat(descriptor))
        if before != after or before != file or len(data) != min(file.size, most + 1):
            raise StillChanging
        return data

    def find_digest(self, place: FolderPlace, name: str) -> str:
        """SHA-256 of a file. Raises OSError."""
        digest = hashlib.sha256()
        with self._open(place, name) as descriptor:
            while block := os.read(descriptor, 1024**2):
                digest.update(block)
        return digest.hexdigest()

    def describe(self, place: FolderPlace, name: str) -> FoundFile:
        """Size and times of a file as they are now. Raises OSError."""
        return _describe(name, os.stat(name, dir_fd=self.places[place], follow_symlinks=False))

    def has(self, place: FolderPlace, name: str) -> bool:
        """Whether there is anything of that name."""
        try:
            os.stat(name, dir_fd=self.places[place], follow_symlinks=False)
        except FileNotFoundError:
            return False
        return True

    def move(self, source: FolderPlace, name: str, target: FolderPlace, new_name: str) -> None:
        """Move a file. Raises OSError."""
        directories = self.places[source], self.places[target]
        os.rename(name, new_name, src_dir_fd=directories[0], dst_dir_fd=directories[1])

    def delete(self, place: FolderPlace, name: str) -> None:
        """Delete a file, if it is there. Raises OSError."""
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self.places[place])

    def write(self, place: FolderPlace, name: str, text: str) -> None:
        """Write a text, whole or not at all. Raises OSError."""
        directory, unfinished = self.places[place], f".{name}.tmp"
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
        try:
            with os.fdopen(os.open(unfinished, flags, 0o660, dir_fd=directory), "w", encoding="utf-8") as out:
                out.write(text)
            os.rename(unfinished, name, src_dir_fd=directory, dst_dir_fd=directory)
        except OSError:
            with suppress(OSError):
                os.unlink(unfinished, dir_fd=directory)
            raise

    def choose_name(self, place: FolderPlace, name: str, now: datetime, *, suffix: str) -> str:
        """The name, or one with the time in it if a file of the name, or of that with `suffix`, is there."""
        path = PurePath(name)
        stamped = f"{path.stem}-{now:%Y%m%d-%H%M%S}"
        more = (f"{stamped}-{number}{path.suffix}" for number in range(2, 1000))
        for chosen in (name, f"{stamped}{path.suffix}", *more):
            if not self.has(place, chosen) and not self.has(place, chosen + suffix):
                return chosen
        raise FileExistsError(errno.EEXIST, "no free name")

    def delete_old(self, place: FolderPlace, before: datetime) -> int:
        """Delete the files that were put there before that moment; return how many. Raises OSError."""
        deleted = 0
        with os.scandir(self.places[place]) as entries:
            for entry in entries:
                facts = entry.stat(follow_symlinks=False)
                is_old = max(facts.st_mtime, facts.st_ctime) < before.timestamp()
                if stat.S_ISREG(facts.st_mode) and is_old:
                    os.unlink(entry.name, dir_fd=self.places[place])
                    deleted += 1
        return deleted

    @contextmanager
    def _open(self, place: FolderPlace, name: str) -> Iterator[int]:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK  # so that a pipe doesn't block
        descriptor = os.open(name, flags, dir_fd=self.places[place])
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise StillChanging
            yield descriptor
        finally:
            os.close(descriptor)


@contextmanager
def open_folder(root: Path, name: str) -> Iterator[OpenFolder]:
    """Open IMPORT_FOLDER (name "") or a subfolder of it; its done/, failed/ and waiting/ are made if missing.

    Raises OSError; also for a subfolder that is a link.
    """
    with ExitStack() as stack:

        def open_directory(path: str | Path, within: int | None = None) -> int:
            flags = os.O_RDONLY | os.O_DIRECTORY | (0 if within is None else os.O_NOFOLLOW)
            descriptor = os.open(path, flags, dir_fd=within)
            stack.callback(os.close, descriptor)
            return descriptor

        inbox = open_directory(root)
        if name:
            inbox = open_directory(name, inbox)
        places = {FolderPlace.INBOX: inbox}
        for place in (FolderPlace.WAITING, FolderPlace.DONE, FolderPlace.FAILED):
            with suppress(FileExistsError):
                os.mkdir(place, MODE, dir_fd=inbox)
            places[place] = open_directory(place, inbox)
        yield OpenFolder(places)


def list_subfolders(root: Path) -> dict[str, FolderFault | None]:
    """The subfolders that can be sources, each with what speaks against it. Raises OSError."""
    found: dict[str, FolderFault | None] = {}
    with os.scandir(root) as entries:
        for entry in entries:
            if entry.name in OWN_FOLDERS or IGNORED_NAMES.fullmatch(entry.name) or not entry.is_dir():
                continue
            name = UNUSUAL.sub("_", entry.name)[:60]
            is_source = re.fullmatch(r"[\w.-]{1,60}", entry.name) and name == entry.name
            found[name] = FolderFault.LEADS_OUT if entry.is_symlink() else None
            if not is_source:
                found[name] = FolderFault.BAD_NAME
    return found


def name_fault(error: OSError) -> FolderFault:
    """What an error of the file system means to staff."""
    return FAULTS.get(error.errno or 0, FolderFault.BROKEN)


def clean_file_name(name: str, *, longest: int = LONGEST_NAME) -> str:
    """A name without unusual characters that is short enough; its ending is kept."""
    clean = UNUSUAL.sub("_", name)
    path = PurePath(clean)
    ending = path.suffix if len(path.suffix.encode()) <= 20 else ""
    stem = clean.removesuffix(ending).encode()[: longest - len(ending.encode())].decode(errors="ignore")
    return f"{stem}{ending}"


def _describe(real_name: str, facts: os.stat_result) -> FoundFile:
    name = real_name.encode(errors="surrogateescape").decode(errors="backslashreplace")
    name = name.replace("\x00", "")
    return FoundFile(name, real_name, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns)


def _read_bytes(descriptor: int, most: int) -> bytes:
    blocks, left = [], most
    while left > 0 and (block := os.read(descriptor, min(left, 1024**2))):
        blocks.append(block)
        left -= len(block)
    return b"".join(blocks)
