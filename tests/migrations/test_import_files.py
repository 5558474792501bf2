"""The batches of before the release that keeps files in the database, and the way back."""

from datetime import UTC, datetime
from importlib import import_module

import pytest
from django.apps import apps

from contacts.imports.practice import ImportOptions
from contacts.imports.stored_files import store_file
from contacts.models import ImportBatch, ImportFile
from tests.people import make_appointment, make_user

pytestmark = pytest.mark.django_db
LONG_AGO = datetime(2026, 3, 1, 9, tzinfo=UTC)
migration = import_module("contacts.migrations.0018_import_files")
compression = import_module("contacts.migrations.0024_compressed_files")


def make_batch(name: str, **fields: object) -> ImportBatch:
    return ImportBatch.objects.create(file_name=name, sha256="", source="pms", **fields)


def test_what_was_imported_before_is_done_and_its_way_is_known() -> None:
    by_page = make_batch("page.csv", applied_at=LONG_AGO, by=make_user())
    by_command = make_batch("command.csv", applied_at=LONG_AGO)
    migration.mark_imported(apps, None)
    for batch, how in [(by_page, "page"), (by_command, "command")]:
        batch.refresh_from_db()
        assert (batch.state, batch.how, batch.made_at) == ("done", how, LONG_AGO)


def test_on_the_way_back_only_what_brought_something_stays() -> None:
    store_file(b"a", "waits.csv", ImportOptions(), how=ImportBatch.How.PAGE)
    half = store_file(b"a", "half.csv", ImportOptions(), how=ImportBatch.How.PAGE)
    visit = make_appointment()
    visit.batch = half
    visit.save()
    done = make_batch("done.csv", applied_at=LONG_AGO, state="done")
    migration.drop_unfinished(apps, None)
    assert set(ImportBatch.objects.values_list("pk", flat=True)) == {half.pk, done.pk}
    assert not ImportBatch.objects.filter(applied_at=None).exists()


def test_on_the_way_back_files_are_kept_as_they_were() -> None:
    store_file(b"a" * 1000, "waits.csv", ImportOptions(), how=ImportBatch.How.PAGE)
    earlier = store_file(b"", "earlier.csv", ImportOptions(), how=ImportBatch.How.PAGE)
    ImportFile.objects.filter(batch=earlier).update(content=b"b", is_compressed=False)
    compression.decompress_files(apps, None)
    files = ImportFile.objects.order_by("batch_id").values_list("content", "is_compressed")
    assert [(bytes(content), packed) for content, packed in files] == [(b"a" * 1000, False), (b"b", False)]
