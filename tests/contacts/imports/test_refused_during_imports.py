"""What waits until a list is imported: an undo of its source, and forgetting a person (product rule 64)."""

import pytest

from contacts.erasing import plan_erasure
from contacts.models import Contact, ImportBatch
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


def test_nobody_is_erased_while_a_list_is_imported_that_may_speak_of_them() -> None:
    import_rows(AISHA | {"status": "Cancelled"})
    batch = queue(NOAH)
    contact = Contact.objects.get()
    assert plan_erasure(contact).refusal == ""
    ImportBatch.objects.filter(pk=batch.pk).update(state="running")
    assert "A list is being imported" in plan_erasure(contact).refusal
