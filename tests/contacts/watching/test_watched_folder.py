"""A file in the watched folder is imported once, when it is whole, and ends beside its report."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db.models.functions import Now
from django.utils import timezone
from pytest_django import Settings

from contacts.imports.stored_files import discard_file, read_stored_file
from contacts.imports.three_way import REPORTED
from contacts.models import Appointment, FolderFault, ImportBatch, WatchedFile, WatchedFolder
from contacts.watching import disk, folder_rounds
from contacts.watching.disk import clean_file_name, name_fault
from contacts.watching.folder_rounds import delete_old_lists, is_whole, watch_folders
from contacts.watching.turns import take_turn
from tests.contacts.imports.example_lists import AISHA, NOAH, make_downtown, write_list
from tests.contacts.watching.office_share import (
    bring_in,
    list_all,
    list_states,
    pass_rounds,
    read_top,
)

pytestmark = pytest.mark.django_db

LIST = write_list(AISHA)
TWO = write_list(AISHA, NOAH)


def test_a_file_is_imported_and_moved_to_done_with_its_report(share: Path) -> None:
    make_downtown()
    (share / "list.csv").write_bytes(LIST)
    bring_in()
    assert list_all(share) == {"done/list.csv", "done/list.csv.report.txt"}
    assert (share / "done/list.csv").read_bytes() == LIST
    report = (share / "done/list.csv.report.txt").read_text()
    assert report.startswith("list.csv\nCallboard, ")
    assert "1 rows (from the watched folder)" in report
    batch = ImportBatch.objects.get()
    assert (batch.how, batch.state, batch.source, batch.file_name) == ("folder", "done", "csv", "list.csv")
    assert Appointment.objects.get().source == "csv"
    assert not WatchedFile.objects.exists()


def test_the_name_of_a_subfolder_is_the_source(share: Path) -> None:
    make_downtown()
    (share / "dentrix").mkdir()
    (share / "dentrix/list.csv").write_bytes(LIST)
    bring_in()
    assert "dentrix/done/list.csv" in list_all(share)
    assert Appointment.objects.get().source == "dentrix"


def test_a_file_that_is_being_written_is_never_taken(share: Path) -> None:
    make_downtown()
    path = share / "list.csv"
    with path.open("wb") as out:
        for at in range(0, len(TWO), 40):
            out.write(TWO[at : at + 40])
            out.flush()
            pass_rounds(2)
    assert not ImportBatch.objects.exists()
    bring_in()
    assert Appointment.objects.count() == 2


def test_a_file_whose_size_is_final_from_the_start_is_not_taken_while_it_is_written(share: Path) -> None:
    """Windows makes a copied file as long as it will be, and then fills it."""
    make_downtown()
    path = share / "list.csv"
    path.write_bytes(b" " * len(TWO))
    for _ in range(3):
        watch_folders()
        watch_folders()
        path.write_bytes(b" " * len(TWO))
    assert not ImportBatch.objects.exists()


@pytest.mark.parametrize(
    ("looks", "same_for", "modified_before", "size", "expected"),
    [
        (2, 60, 60, 10, True),
        (1, 60, 60, 10, False),
        (2, 59, 600, 10, False),
        (9, 600, 59, 10, False),
        (9, 600, -3600, 10, True),  # the share's clock is ahead
        (9, 600, -1, 10, True),
        (2, 60, 10**7, 10, True),  # the copy kept the time of the original
        (9, 599, 600, 0, False),  # empty: whoever made it may still have to write
        (9, 600, 600, 0, True),
    ],
)
def test_a_file_is_whole_once_it_was_the_same_for_long_enough(
    settings: Settings, looks: int, same_for: int, modified_before: int, size: int, expected: bool
) -> None:
    settings.IMPORT_FOLDER_SETTLE_SECONDS = 60.0
    now = datetime(2027, 3, 4, tzinfo=UTC)
    modified = now.timestamp() - modified_before
    since = now - timedelta(seconds=same_for)
    file = WatchedFile(looks=looks, unchanged_since=since, modified_ns=int(modified * 1e9), size=size)
    assert is_whole(file, now) is expected


def test_a_copy_that_paused_for_long_is_imported_again_when_it_is_whole(share: Path) -> None:
    make_downtown()
    half, whole = TWO[: TWO.index(b"A2")], TWO
    with (share / "list.csv").open("wb") as out:
        out.write(half)
        out.flush()
        pass_rounds()
        assert list_all(share) == {f"waiting/{WatchedFile.objects.get().pk}-list.csv"}
        out.write(whole[len(half) :])
    bring_in()  # what was in waiting/ isn't what was read
    bring_in()
    assert Appointment.objects.count() == 2
    assert (share / "done").is_dir()
    assert TWO in [path.read_bytes() for path in (share / "done").iterdir()]


@pytest.mark.parametrize(
    "name",
    [
        ".hidden.csv", "list.csv.part", "list.csv.filepart", "list.tmp", "LIST.TMP", "list.csv.crdownload",
        "~$list.xlsx", "list.csv~", ".~lock.list.csv#", "list.lock", "Thumbs.db", "desktop.ini", "a.swp",
    ],
)  # fmt: skip
def test_a_file_that_isnt_a_list_yet_is_left_alone(share: Path, name: str) -> None:
    (share / name).write_bytes(LIST)
    pass_rounds(5)
    assert list_all(share) == {name}
    assert not ImportBatch.objects.exists()


def test_nothing_but_regular_files_within_the_folder_is_read(share: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "list.csv").write_bytes(LIST)
    (share / "linked.csv").symlink_to(outside / "list.csv")
    (share / "dangling.csv").symlink_to(outside / "none.csv")
    (share / "other").symlink_to(outside)
    os.mkfifo(share / "pipe.csv")
    (share / "folder.csv").mkdir()
    pass_rounds(5)
    assert not ImportBatch.objects.exists()
    assert sorted(path.name for path in outside.iterdir()) == ["list.csv"]
    assert WatchedFolder.objects.get(name="other").fault == FolderFault.LEADS_OUT


def test_a_link_in_the_place_of_done_is_not_followed(share: Path, tmp_path: Path) -> None:
    make_downtown()
    (tmp_path / "outside").mkdir()
    (share / "done").symlink_to(tmp_path / "outside")
    (share / "list.csv").write_bytes(LIST)
    pass_rounds()
    assert read_top().fault == FolderFault.LEADS_OUT
    assert list_all(share) == {"list.csv"}
    assert not list((tmp_path / "outside").iterdir())
    assert not ImportBatch.objects.exists()


def test_a_file_that_turns_into_a_link_before_it_is_read_is_not_read(share: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_bytes(LIST)
    (share / "list.csv").write_bytes(LIST)
    with disk.open_folder(share, "") as folder:
        [found] = folder.list_files()
        (share / "list.csv").unlink()
        (share / "list.csv").symlink_to(tmp_path / "secret.csv")
        with pytest.raises(OSError, match="symbolic"):
            folder.read(found, most=10**6)


def test_the_same_content_again_is_done_and_no_second_import(share: Path) -> None:
    make_downtown()
    for _ in range(2):
        (share / "list.csv").write_bytes(LIST)
        bring_in()
    assert ImportBatch.objects.count() == 1
    reports = sorted((share / "done").glob("*.report.txt"))
    assert len(reports) == 2
    assert sum("Nothing new" in report.read_text() for report in reports) == 1
    assert len({path.name for path in (share / "done").iterdir()}) == 4


def test_another_content_under_the_same_name_is_a_new_list(share: Path) -> None:
    make_downtown()
    for content in (LIST, TWO, LIST):
        (share / "list.csv").write_bytes(content)
        bring_in()
    assert ImportBatch.objects.filter(state="done").count() == 3


def test_the_same_content_is_imported_again_if_the_source_has_said_something_else_since(share: Path) -> None:
    """Part of a list that failed then, or a report of the API."""
    make_downtown()

    def bring_again() -> int:
        (share / "list.csv").write_bytes(LIST)
        bring_in()
        return ImportBatch.objects.filter(state="done").count()

    assert (bring_again(), bring_again()) == (1, 1)
    ImportBatch.objects.create(
        source=ImportBatch.objects.get().source, state="failed", rows_done=1, made_at=timezone.now()
    )
    assert (bring_again(), bring_again()) == (2, 2)
    visit = Appointment.objects.get()
    visit.file_values[visit.source][REPORTED] = "yes"
    visit.save()
    assert (bring_again(), bring_again()) == (3, 3)


def test_the_same_content_is_imported_again_if_a_row_of_it_was_left_out(share: Path) -> None:
    make_downtown()
    content = write_list(AISHA, NOAH | {"date": "02/30/2027"})
    for _ in range(2):
        (share / "list.csv").write_bytes(content)
        bring_in()
    assert ImportBatch.objects.filter(state="done").count() == 2


def test_the_same_content_of_another_source_is_another_list(share: Path) -> None:
    make_downtown()
    (share / "other").mkdir()
    (share / "list.csv").write_bytes(LIST)
    (share / "other/list.csv").write_bytes(LIST)
    pass_rounds()
    assert ImportBatch.objects.count() == 2


def test_a_list_with_a_question_waits_where_it_isnt_taken_again(share: Path) -> None:
    (share / "list.csv").write_bytes(LIST)  # its location is new
    bring_in()
    bring_in()
    batch, file = ImportBatch.objects.get(), WatchedFile.objects.get()
    assert batch.state == "asking"
    assert "The location “Downtown” is new" in batch.error
    assert list_all(share) == {f"waiting/{file.pk}-list.csv"}
    make_downtown()
    ImportBatch.objects.update(error="")  # as if somebody had answered
    bring_in()
    assert list_all(share) == {"done/list.csv", "done/list.csv.report.txt"}


def test_a_newer_list_of_the_name_takes_the_place_of_one_that_waits_for_answers(share: Path) -> None:
    (share / "list.csv").write_bytes(LIST)
    bring_in()
    (share / "list.csv").write_bytes(TWO)
    bring_in()
    batch = ImportBatch.objects.get()
    assert read_stored_file(batch).content.read_whole() == TWO
    assert (batch.state, batch.error != "") == ("asking", True)
    assert "newer list" in (share / "failed/list.csv.report.txt").read_text()
    make_downtown()
    ImportBatch.objects.update(error="")
    bring_in()
    assert (share / "done/list.csv").read_bytes() == TWO


def test_an_older_list_under_another_name_says_that_a_newer_one_came(share: Path) -> None:
    (share / "monday.csv").write_bytes(LIST)
    bring_in()
    (share / "tuesday.csv").write_bytes(TWO)
    bring_in()
    older, newer = ImportBatch.objects.order_by("pk")
    assert "newer list" in older.error
    assert "newer list" not in newer.error


def test_a_list_that_somebody_sets_aside_goes_to_failed(share: Path) -> None:
    (share / "list.csv").write_bytes(LIST)
    bring_in()
    discard_file(ImportBatch.objects.get())
    pass_rounds(1)
    assert list_all(share) == {"failed/list.csv", "failed/list.csv.report.txt"}
    assert "chose not to import it" in (share / "failed/list.csv.report.txt").read_text()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("picture.csv", b"\x89PNG\r\n\x1a\n" + b"\x00" * 50, ""),
        ("header.csv", b"Appt ID,Patient ID,Last Name,First Name,Mobile,Date,Time,Location\n", "no rows"),
        ("large.csv", LIST * 100, "larger than"),
    ],
)
def test_a_file_that_cant_be_imported_goes_to_failed_with_the_reason(
    share: Path, settings: Settings, name: str, content: bytes, words: str
) -> None:
    settings.IMPORT_MAX_BYTES = 5000
    (share / name).write_bytes(content)
    bring_in()
    assert list_all(share) == {f"failed/{name}", f"failed/{name}.report.txt"}
    batch = ImportBatch.objects.get()
    assert batch.state == "failed"
    assert words in batch.error
    assert batch.error in (share / f"failed/{name}.report.txt").read_text()


def test_an_odd_name_is_imported_and_kept_as_well_as_can_be(share: Path) -> None:
    make_downtown()
    real = os.fsencode(share) + b"/M\xfcller \x01.csv"
    Path(os.fsdecode(real)).write_bytes(LIST)
    (share / ("ü" * 120 + ".csv")).write_bytes(TWO)
    bring_in()
    names = sorted(name for name in list_all(share) if not name.endswith(".report.txt"))
    assert names == ["done/M\\xfcller _.csv".replace("\\", "_"), f"done/{'ü' * 88}.csv"]
    assert Appointment.objects.count() == 2


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("list.csv", "list.csv"),
        ("a/b\\c\x00.csv", "a_b_c_.csv"),
        ("x" * 300, "x" * 180),
        ("x" * 300 + ".xlsx", "x" * 175 + ".xlsx"),
    ],
)
def test_a_name_is_cleaned_and_its_ending_kept(name: str, clean: str) -> None:
    assert clean_file_name(name) == clean


def test_a_folder_whose_name_can_be_no_source_says_so(share: Path) -> None:
    (share / "our lists").mkdir()
    (share / "our lists/list.csv").write_bytes(LIST)
    pass_rounds()
    assert WatchedFolder.objects.get(name="our lists").fault == FolderFault.BAD_NAME
    assert not ImportBatch.objects.exists()


def test_a_folder_that_is_gone_is_said_and_looked_for_again(share: Path) -> None:
    make_downtown()
    (share / "dentrix").mkdir()
    watch_folders()
    share.rename(share.with_name("away"))
    watch_folders()
    assert set(WatchedFolder.objects.values_list("fault", flat=True)) == {FolderFault.GONE}
    assert not share.exists()
    share.with_name("away").rename(share)
    (share / "list.csv").write_bytes(LIST)
    bring_in()
    assert set(WatchedFolder.objects.values_list("fault", flat=True)) == {""}
    assert Appointment.objects.count() == 1


@pytest.mark.parametrize("fault", [FolderFault.DISK_FULL, FolderFault.NO_PERMISSION])
def test_what_the_disk_refuses_is_said_and_tried_again(
    share: Path, monkeypatch: pytest.MonkeyPatch, fault: FolderFault
) -> None:
    number = next(number for number, found in disk.FAULTS.items() if found == fault)
    make_downtown()
    (share / "list.csv").write_bytes(LIST)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, "refused")

    with monkeypatch.context() as refusing:
        refusing.setattr(disk.OpenFolder, "write", refuse)
        refusing.setattr(disk.OpenFolder, "move", refuse)
        bring_in()
        pass_rounds(3)
        assert read_top().fault == fault
        assert (share / "list.csv").exists()
        assert list_states() == ["done"], "the import itself needs no disk"
    pass_rounds(1)
    assert list_all(share) == {"done/list.csv", "done/list.csv.report.txt"}
    assert read_top().fault == ""
    assert list_states() == ["done"]


def test_a_file_that_another_program_keeps_locked_holds_up_no_other(
    share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_downtown()
    (share / "locked.csv").write_bytes(LIST)
    (share / "other.csv").write_bytes(TWO)
    read = disk.OpenFolder.read

    def refuse(self: disk.OpenFolder, file: disk.FoundFile, *, most: int) -> bytes:
        if file.name == "locked.csv":
            raise PermissionError(13, "locked")
        return read(self, file, most=most)

    monkeypatch.setattr(disk.OpenFolder, "read", refuse)
    bring_in()
    assert "done/other.csv" in list_all(share)
    assert WatchedFile.objects.get().fault == FolderFault.NO_PERMISSION


def test_unknown_errors_of_the_disk_have_a_sentence_too() -> None:
    assert name_fault(OSError(5, "input/output error")) == FolderFault.BROKEN


def test_two_workers_never_look_into_one_folder_at_once(share: Path) -> None:
    (share / "list.csv").write_bytes(LIST)
    watch_folders()
    turn = take_turn(read_top())
    assert turn
    assert take_turn(read_top()) is None
    pass_rounds(5)
    assert not ImportBatch.objects.exists()
    turn.end()
    pass_rounds(5)
    assert ImportBatch.objects.count() == 1


def test_a_turn_that_was_taken_before_the_clock_was_set_back_is_free(share: Path) -> None:
    """(product rule 28)"""
    watch_folders()
    WatchedFolder.objects.update(leased_until=Now() + timedelta(hours=3))
    assert take_turn(read_top())


def test_a_worker_that_lost_its_turn_takes_nothing(share: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (share / "list.csv").write_bytes(LIST)
    read = disk.OpenFolder.read

    def lose(self: disk.OpenFolder, file: disk.FoundFile, *, most: int) -> bytes:
        WatchedFolder.objects.update(lease=None, leased_until=None)
        return read(self, file, most=most)

    monkeypatch.setattr(disk.OpenFolder, "read", lose)
    pass_rounds(4)
    assert not ImportBatch.objects.exists()
    assert list_all(share) == {"list.csv"}


class Killed(BaseException):
    """The process ends here."""


STEPS = [
    (disk.OpenFolder, "read"), (disk.OpenFolder, "move"), (disk.OpenFolder, "write"),
    (disk.OpenFolder, "find_digest"), (WatchedFile, "save"), (WatchedFile, "delete"),
    (folder_rounds, "store_arrival"),
]  # fmt: skip


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("number", range(1, 19))
def test_a_process_that_is_killed_at_any_step_loses_nothing_and_imports_nothing_twice(
    share: Path, monkeypatch: pytest.MonkeyPatch, number: int, after: bool
) -> None:
    make_downtown()
    (share / "list.csv").write_bytes(LIST)
    count = 0

    def watch_step(owner: object, name: str) -> None:
        real = getattr(owner, name)

        def step(*args: object, **kwargs: object) -> object:
            nonlocal count
            count += 1
            if count == number and not after:
                raise Killed
            result = real(*args, **kwargs)
            if count == number and after:
                raise Killed
            return result

        monkeypatch.setattr(owner, name, step)

    for owner, name in STEPS:
        watch_step(owner, name)
    for _ in range(8):
        try:
            bring_in()
        except Killed:
            WatchedFolder.objects.update(leased_until=Now() - timedelta(seconds=1))  # its turn ran out
    assert list_states() == ["done"]
    assert Appointment.objects.count() == 1
    assert list_all(share) == {"done/list.csv", "done/list.csv.report.txt"}
    assert not WatchedFile.objects.exists()


def test_a_new_file_that_came_in_the_place_of_one_that_was_taken_is_imported_too(
    share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process was killed after it took the first, before it moved it."""
    make_downtown()
    (share / "list.csv").write_bytes(LIST)
    with monkeypatch.context() as killing:
        killing.setattr(folder_rounds.FolderLook, "_hold", lambda *_: None)
        pass_rounds()
    (share / "new.csv").write_bytes(TWO)
    (share / "new.csv").rename(share / "list.csv")
    bring_in()
    bring_in()
    assert Appointment.objects.count() == 2
    assert list_states() == ["done", "done"]


def test_lists_that_ended_are_deleted_after_some_days(share: Path, settings: Settings) -> None:
    make_downtown()
    (share / "list.csv").write_bytes(LIST)
    os.utime(share / "list.csv", (1, 1))  # the copy kept the time of the original
    bring_in()
    assert delete_old_lists() == 0, "it was put there today, however old it is itself"
    settings.IMPORT_FOLDER_KEEP_DAYS = -1
    (share / "done/kept").mkdir()
    (share / "new.csv").write_bytes(TWO)
    assert delete_old_lists() == 2
    assert list_all(share) == {"new.csv"}


def test_a_source_whose_lists_stopped_coming_is_overdue(share: Path) -> None:
    watch_folders()
    now = datetime.now(tz=UTC)
    came = [now - timedelta(days=days) for days in (20, 19, 18)]
    WatchedFolder.objects.update(arrivals=came)
    watch_folders()
    assert read_top().is_overdue
    make_downtown()
    (share / "list.csv").write_bytes(LIST)
    bring_in()
    assert not read_top().is_overdue


def test_nothing_is_looked_at_without_the_setting(settings: Settings) -> None:
    settings.IMPORT_FOLDER = ""
    assert watch_folders() == delete_old_lists() == 0
    assert not WatchedFolder.objects.exists()
