"""A watched folder in a test: files are put into it, rounds pass, and what waits is imported."""

from pathlib import Path

from contacts.models import ImportBatch, WatchedFolder
from contacts.watching.arrivals import settle_arrivals
from contacts.watching.folder_rounds import FEWEST_LOOKS, watch_folders
from tests.contacts.imports.imported_batches import import_waiting


def pass_rounds(number: int = FEWEST_LOOKS + 1) -> None:
    """So many rounds; by default as many as a file that is there already needs to be taken."""
    for _ in range(number):
        watch_folders()


def bring_in() -> None:
    """Take what lies in the folder, look at it, import it if nothing is asked, and move it on."""
    pass_rounds()
    settle_arrivals()
    import_waiting()
    pass_rounds(1)


def list_all(root: Path) -> set[str]:
    """Each file below the folder, such as "done/list.csv"."""
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if not path.is_dir()}


def read_top() -> WatchedFolder:
    return WatchedFolder.objects.get(name="")


def list_states() -> list[str]:
    return list(ImportBatch.objects.order_by("pk").values_list("state", flat=True))
