"""The watched folder: files are taken when they are whole, and end in done/ or failed/ beside a report.

What happens to a file, each step leaving a state from which the next round goes on:

1. It is seen: its size and times are noted (WatchedFile, coming).
2. It is whole: the same at FEWEST_LOOKS more rounds and for IMPORT_FOLDER_SETTLE_SECONDS. It is read, and in
   one transaction its content becomes a batch and the file is taken (contacts/watching/arrivals.py goes on).
3. It is moved to waiting/, under a name with the number of its row.
4. When its batch has ended, its last name is chosen and stored, **commit**.
5. Its report is written, then it is moved beside it, then its row is deleted.

The content is in the database since step 2, so nothing that happens to the disk loses it, and a file that is
taken is never read for another import. A file whose content has changed since it was read (a copy that paused
for longer, or another file moved into its place) goes back to be imported as a new one.
"""

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models.fields.json import KeyTransform

from contacts.database.clock import read_database_clock
from contacts.imports.files import describe_too_large
from contacts.imports.list_order import HAS_COME
from contacts.imports.practice import ImportOptions
from contacts.imports.report import LEFT_OUT
from contacts.imports.three_way import REPORTED
from contacts.models import (
    Appointment,
    Contact,
    FolderFault,
    ImportBatch,
    ImportFile,
    Location,
    WatchedFile,
    WatchedFolder,
)
from contacts.watching.arrivals import find_asking, replace_content, store_arrival, store_refused
from contacts.watching.disk import (
    FolderPlace,
    FoundFile,
    OpenFolder,
    StillChanging,
    clean_file_name,
    list_subfolders,
    name_fault,
    open_folder,
)
from contacts.watching.file_reports import describe_end, has_ended
from contacts.watching.overdue import add_arrival, is_overdue
from contacts.watching.turns import Turn, TurnLost, take_turn

log = logging.getLogger(__name__)

Coming, Failed, Ending = WatchedFile.State.COMING, WatchedFile.State.FAILED, WatchedFile.Ending
FEWEST_LOOKS = 2
EMPTY_FOR = timedelta(minutes=10)  # then a file of 0 bytes is taken as it is
MOST_FILES = 500  # of a folder that are looked at in one round
MOST_TAKEN = 20  # of a folder in one round
REPORT = ".report.txt"


def watch_folders() -> int:
    """One round over all watched folders, if there are any; return how many files were taken."""
    if not settings.IMPORT_FOLDER:
        return 0
    root, taken = Path(settings.IMPORT_FOLDER), 0
    for folder in find_folders(root):
        turn = take_turn(folder)
        if turn is None:
            continue
        try:
            taken += look_into_folder(root, folder, turn)
        except TurnLost:
            log.warning("watched folder %s: another process has taken over", folder.pk)
        finally:
            turn.end()
    return taken


def find_folders(root: Path) -> list[WatchedFolder]:
    """The folders to look into; a row is made for each new one, and those that are gone are marked so."""
    top = ImportOptions().source
    WatchedFolder.objects.get_or_create(name="", defaults={"source": top})
    try:
        subfolders = list_subfolders(root)
    except OSError as error:
        WatchedFolder.objects.update(fault=name_fault(error))
        return []
    known = {folder.name: folder for folder in WatchedFolder.objects.all()}
    for name, fault in subfolders.items():
        if name not in known:
            known[name], _made = WatchedFolder.objects.get_or_create(name=name, defaults={"source": name})
        if fault:
            _set_fault(known[name], fault)
    for name in known.keys() - subfolders.keys() - {""}:
        _set_fault(known[name], FolderFault.GONE)
    return [folder for name, folder in known.items() if not name or subfolders.get(name, "") is None]


def look_into_folder(root: Path, folder: WatchedFolder, turn: Turn) -> int:
    """One round over one folder; return how many files were taken. Raises TurnLost."""
    fault, taken, now = "", 0, read_database_clock()
    try:
        with open_folder(root, folder.name) as disk:
            look = FolderLook(folder, disk, turn, now)
            fault = look.move_taken()
            taken = look.take_whole()
    except OSError as error:
        log.warning("watched folder %s: %s", folder.pk, error.strerror)
        fault = name_fault(error)
    turn.renew()
    zone = read_clock_of_practice()
    folder.refresh_from_db()
    folder.fault, folder.is_overdue = fault, is_overdue(folder.arrivals, now, zone)
    if not fault:
        folder.looked_at = now
    folder.save(update_fields=["fault", "is_overdue", "looked_at"])
    return taken


class FolderLook:
    """One round over one folder that is open, by the process whose turn it is."""

    def __init__(self, folder: WatchedFolder, disk: OpenFolder, turn: Turn, now: datetime) -> None:
        self.folder, self.disk, self.turn, self.now = folder, disk, turn, now
        self.zone = read_clock_of_practice()

    def move_taken(self) -> str:
        """Move what was taken to waiting/, and what has ended on from there; return a FolderFault or ""."""
        fault = ""
        for file in self.folder.files.exclude(state=Coming).select_related("batch"):
            self.turn.renew()
            try:
                if file.state == Failed:
                    self._follow_failed(file)
                    continue
                if not file.is_held:
                    self._hold(file)
                if has_ended(file):
                    self._end(file)
            except OSError as error:  # the others may do; this one is tried again
                log.warning("watched folder %s, file %s: %s", self.folder.pk, file.pk, error.strerror)
                fault = name_fault(error)
        return fault

    def take_whole(self) -> int:
        """Note how each file is, and take those that are whole; return how many were taken."""
        found = self.disk.list_files()[:MOST_FILES]
        coming = {file.name: file for file in self.folder.files.filter(state=Coming)}
        WatchedFile.objects.filter(
            pk__in=[file.pk for name, file in coming.items() if name not in {each.name for each in found}]
        ).delete()
        not_moved = self.folder.files.exclude(state=Coming).filter(is_held=False)
        busy = set(not_moved.values_list("name", flat=True))
        taken = 0
        for each in found:
            if each.name in busy:
                continue
            file = self._note(each, coming.get(each.name))
            if taken < MOST_TAKEN and is_whole(file, self.now):
                taken += self._try_to_take(file, each)
        return taken

    def _note(self, found: FoundFile, file: WatchedFile | None) -> WatchedFile:
        """Note how the file is now, and how often it was the same."""
        seen = _seen(found)
        if file and _seen(file) == seen:
            file.looks += 1
            file.save(update_fields=["looks"])
            return file
        file = file or WatchedFile(folder=self.folder, name=found.name)
        file.size, file.modified_ns, file.changed_ns = seen
        file.looks, file.unchanged_since = 0, self.now
        file.save()
        return file

    def _try_to_take(self, file: WatchedFile, found: FoundFile) -> bool:
        self.turn.renew()
        fault = ""
        try:
            data = self.disk.read(found, most=settings.IMPORT_MAX_BYTES)
            self._take(file, data)
            self._hold(file)
        except StillChanging:
            file.looks = 0
        except OSError as error:  # such as one that another program keeps locked
            log.warning("watched folder %s, file %s: %s", self.folder.pk, file.pk, error.strerror)
            fault = name_fault(error)
        WatchedFile.objects.filter(pk=file.pk).update(fault=fault, looks=file.looks)
        return file.state != Coming

    @transaction.atomic
    def _take(self, file: WatchedFile, data: bytes) -> None:
        """Make the content a batch, unless it brings nothing, and the file one that is never read again."""
        self.turn.renew()
        source, name = self.folder.source, clean_file_name(file.name)
        if len(data) > settings.IMPORT_MAX_BYTES:
            reason = describe_too_large(settings.IMPORT_MAX_BYTES)
            file.batch = store_refused(name, source, ImportBatch.How.FOLDER, reason)
        else:
            file.sha256 = hashlib.sha256(data).hexdigest()
            file.ending = find_needless(source, file.sha256)
            if not file.ending:
                file.batch = self._replace(file, data) or store_arrival(
                    data, name, source, ImportBatch.How.FOLDER
                )
        file.state, file.held_name = WatchedFile.State.TAKEN, f"{file.pk}-{name}"
        file.save()
        arrivals = add_arrival(self.folder.arrivals, self.now, self.zone)
        self.folder.arrivals = arrivals
        WatchedFolder.objects.filter(pk=self.folder.pk).update(arrivals=arrivals)

    def _replace(self, file: WatchedFile, data: bytes) -> ImportBatch | None:
        """Put the content into the batch of an older file of that name that still waits for answers."""
        taken = self.folder.files.exclude(state=Coming)
        older = taken.filter(name=file.name, batch__in=find_asking())
        for each in older.select_related("batch"):
            if each.batch and replace_content(each.batch, data):
                WatchedFile.objects.filter(pk=each.pk).update(batch=None, ending=Ending.REPLACED)
                return each.batch
        return None

    def _hold(self, file: WatchedFile) -> None:
        """Move a file that was taken to waiting/. A process may have ended before or after it did that."""
        if not self.disk.has(FolderPlace.WAITING, file.held_name):
            for found in self.disk.list_files():
                if found.name == file.name and (file.sha256 or _seen(found) == _seen(file)):
                    self.disk.move(FolderPlace.INBOX, found.real_name, FolderPlace.WAITING, file.held_name)
        self._give_back_if_changed(file)
        if not file.sha256 and self.disk.has(FolderPlace.WAITING, file.held_name):
            file.changed_ns = self.disk.describe(FolderPlace.WAITING, file.held_name).changed_ns
        file.is_held = True
        file.save(update_fields=["is_held", "changed_ns"])

    def _give_back_if_changed(self, file: WatchedFile) -> None:
        """Move what lies in waiting/ back if it isn't what was read: it comes as a new file."""
        if not self.disk.has(FolderPlace.WAITING, file.held_name) or self._is_unchanged(file):
            return
        name = self.disk.choose_name(FolderPlace.INBOX, clean_file_name(file.name), self.now, suffix="")
        self.disk.move(FolderPlace.WAITING, file.held_name, FolderPlace.INBOX, name)

    def _is_unchanged(self, file: WatchedFile) -> bool:
        """By its content; by its size and times if that was too large to be read.

        Moving a file to waiting/ may change when it was changed, so that is compared only from then on.
        """
        if file.sha256:
            try:
                return self.disk.find_digest(FolderPlace.WAITING, file.held_name) == file.sha256
            except StillChanging:
                return False
        size, modified_ns, changed_ns = _seen(self.disk.describe(FolderPlace.WAITING, file.held_name))
        is_same_list = (size, modified_ns) == (file.size, file.modified_ns)
        return is_same_list and (not file.is_held or changed_ns == file.changed_ns)

    def _end(self, file: WatchedFile) -> None:
        """Write the report of a file, move the file beside it, and forget it."""
        end = describe_end(file, self.now.astimezone(self.zone))
        if not file.final_name:
            file.is_good = end.is_good
            name = clean_file_name(file.name)
            file.final_name = self.disk.choose_name(
                self._final_place(file), name, self.now.astimezone(self.zone), suffix=REPORT
            )
            file.save(update_fields=["is_good", "final_name"])
        place = self._final_place(file)
        self._give_back_if_changed(file)
        self.disk.write(place, file.final_name + REPORT, end.text)
        if self.disk.has(FolderPlace.WAITING, file.held_name):
            self.disk.move(FolderPlace.WAITING, file.held_name, place, file.final_name)
        if file.batch and may_be_tried_again(file.batch):
            file.state, file.held_name, file.final_name = Failed, file.final_name, ""
            file.save(update_fields=["state", "held_name", "final_name"])
        else:
            file.delete()

    def _follow_failed(self, file: WatchedFile) -> None:
        """Move a list from failed/ to done/, with a new report, once it is imported after all.

        What somebody has taken out of failed/ stays where it is.
        """
        if file.batch and file.batch.state == ImportBatch.State.DONE:
            names = file.held_name, file.held_name + REPORT
            if file.final_name or any(self.disk.has(FolderPlace.FAILED, name) for name in names):
                self._move_to_done(file)
        elif file.batch and (may_be_tried_again(file.batch) or not has_ended(file)):
            return
        file.delete()

    def _move_to_done(self, file: WatchedFile) -> None:
        at = self.now.astimezone(self.zone)
        end = describe_end(file, at)
        if not file.final_name:
            name = clean_file_name(file.name)
            file.final_name = self.disk.choose_name(FolderPlace.DONE, name, at, suffix=REPORT)
            file.is_good = True
            file.save(update_fields=["is_good", "final_name"])
        self.disk.write(FolderPlace.DONE, file.final_name + REPORT, end.text)
        if self.disk.has(FolderPlace.FAILED, file.held_name):
            self.disk.move(FolderPlace.FAILED, file.held_name, FolderPlace.DONE, file.final_name)
        self.disk.delete(FolderPlace.FAILED, file.held_name + REPORT)

    def _final_place(self, file: WatchedFile) -> FolderPlace:
        return FolderPlace.DONE if file.is_good else FolderPlace.FAILED


def is_whole(file: WatchedFile, now: datetime) -> bool:
    """Whether nobody is writing the file any more, as far as its size and times tell.

    A time that lies ahead is of another machine's clock, and says nothing.
    """
    settle = timedelta(seconds=settings.IMPORT_FOLDER_SETTLE_SECONDS)
    if file.looks < FEWEST_LOOKS or file.unchanged_since is None:
        return False
    since_modified = now.timestamp() - file.modified_ns / 1e9
    same_for = now - file.unchanged_since
    return (
        same_for >= (settle if file.size else max(settle, EMPTY_FOR))
        and not 0 <= since_modified < settle.total_seconds()
    )


def may_be_tried_again(batch: ImportBatch) -> bool:
    """Whether it failed and its file is still kept."""
    return batch.state == ImportBatch.State.FAILED and ImportFile.objects.filter(batch=batch).exists()


def _seen(file: FoundFile | WatchedFile) -> tuple[int, int, int]:
    return file.size, file.modified_ns, file.changed_ns


def find_needless(source: str, sha256: str) -> str:
    """Why this content needs no import, as an Ending; "" if it does.

    It is what the source's last list had, and no row of that was left out: a row that was, may be right now.
    Nor has the source said anything by the API since. Lists that still wait for their turn or for answers
    count too, and those of which a part was imported before they failed.
    """
    last = ImportBatch.objects.filter(HAS_COME, source=source).order_by("-made_at", "-pk").first()
    if last is None or last.sha256 != sha256 or last.undone_at or last.state == ImportBatch.State.FAILED:
        return ""
    if last.state != ImportBatch.State.DONE:
        return Ending.ALREADY_HERE
    is_incomplete = last.counts.get("rejected") or last.counts.get(LEFT_OUT)
    return "" if is_incomplete or _has_reported(source) else Ending.NOTHING_NEW


def _has_reported(source: str) -> bool:
    """Whether the API said something of a visit or contact of the source after its last list did."""
    reported = KeyTransform(REPORTED, KeyTransform(source, "file_values"))
    records = (Appointment.objects.filter(source=source), Contact.objects.filter(source=source))
    return any(rows.annotate(mark=reported).filter(mark__isnull=False).exists() for rows in records)


def delete_old_lists() -> int:
    """Delete the files and reports in done/ and failed/ after IMPORT_FOLDER_KEEP_DAYS; return how many."""
    if not settings.IMPORT_FOLDER:
        return 0
    before = read_database_clock() - timedelta(days=settings.IMPORT_FOLDER_KEEP_DAYS)
    deleted = 0
    for folder in WatchedFolder.objects.exclude(fault__in=[FolderFault.GONE, FolderFault.LEADS_OUT]):
        with _noting_fault(folder), open_folder(Path(settings.IMPORT_FOLDER), folder.name) as disk:
            deleted += disk.delete_old(FolderPlace.DONE, before) + disk.delete_old(FolderPlace.FAILED, before)
    return deleted


def read_clock_of_practice() -> tzinfo:
    """The zone of the first location, by which names and reports of files are dated; UTC without any."""
    location = Location.objects.first()
    return location.zone if location else UTC


@contextmanager
def _noting_fault(folder: WatchedFolder) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        _set_fault(folder, name_fault(error))


def _set_fault(folder: WatchedFolder, fault: FolderFault) -> None:
    if folder.fault != fault:
        WatchedFolder.objects.filter(pk=folder.pk).update(fault=fault)
