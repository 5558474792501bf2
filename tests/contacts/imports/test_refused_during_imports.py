"""What waits until a list is imported: an undo of its source."""

import pytest

from contacts.models import ImportBatch
from contacts.undoing import UndoRefused, lock_batch
from tests.contacts.imports.example_lists import AISHA, NOAH, import_rows, make_downtown
from tests.contacts.imports.test_import_runs import queue

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def downtown() -> None:
    make_downtown()


@pytest.mark.parametrize("state", ["waiting", "running"])
def test_an_import_is_not_undone_while_a_list_of_its_source_is_imported(state: str) -> None:
    import_rows(AISHA)
    done = ImportBatch.objects.get()
    other = queue(NOAH, source="other")
    ImportBatch.objects.filter(pk=other.pk).update(state=state)
    lock_batch(done.pk)
    ImportBatch.objects.filter(pk=other.pk).update(source="csv")
    with pytest.raises(UndoRefused, match="same source is being imported"):
        lock_batch(done.pk)
