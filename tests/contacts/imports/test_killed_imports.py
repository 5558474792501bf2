"""A worker that is killed in the middle of an import: another one finishes it (product rule 20)."""

from datetime import timedelta

import pytest
from django.utils import timezone

from contacts.imports import runs
from contacts.imports.importing import import_next
from contacts.imports.practice import ImportOptions
from contacts.imports.stored_files import queue_import, store_file
from contacts.models import Appointment, AppointmentChange, Contact, ImportBatch, ImportPart
from tests.contacts.imports.example_lists import make_downtown, write_list
from tests.contacts.imports.test_import_runs import FILE
from tests.flows.test_lost_workers import run_worker

# Writes two parts, and stops in the third before it is committed.
IMPORTING = """
import django; django.setup()
from contacts.imports import runs
from contacts.imports.importing import import_next
runs.PART_ROWS = 2
end, parts = runs.ImportRun._end_part, []
def end_part(*args):
    end(*args)
    parts.append(1)
    if len(parts) == 3:
        print("in the third part", flush=True)
        input()
runs.ImportRun._end_part = end_part
import_next()
"""


@pytest.mark.django_db(transaction=True)
def test_after_kill_9_another_worker_finishes_with_every_row_once_and_right_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_downtown()
    batch = store_file(write_list(*FILE), "list.csv", ImportOptions(), how=ImportBatch.How.FOLDER)
    queue_import(batch)
    with run_worker(IMPORTING):
        batch.refresh_from_db()
        assert (batch.state, batch.rows_done, ImportPart.objects.count()) == ("running", 4, 2)
        assert not import_next(), "nobody else takes it during its lease"
    assert Appointment.objects.count() == 4
    ImportBatch.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    monkeypatch.setattr(runs, "PART_ROWS", 2)
    assert import_next()
    batch.refresh_from_db()
    assert (batch.state, batch.rows_done, batch.rows_total) == ("done", 9, 9)
    counts = batch.counts
    assert (counts["rows"], counts["added"], counts["contacts_added"]) == (9, 7, 7)
    assert (counts["rejected"], counts["duplicate"], counts["unchanged"], counts["missing"]) == (1, 1, 0, 0)
    assert Appointment.objects.count() == Contact.objects.count() == AppointmentChange.objects.count() == 7
    assert batch.changes.filter(what="contact_added").count() == 7
    assert list(batch.problems.filter(weight="rejected").values_list("line", flat=True)) == [9]
