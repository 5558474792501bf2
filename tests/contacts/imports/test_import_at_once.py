"""Two imports at the same time (product rule 20)."""

import threading

import pytest
from django.db import connection

from contacts.imports.importing import import_file
from contacts.imports.practice import ImportOptions
from contacts.models import Appointment, Contact, ImportBatch
from tests.contacts.imports.example_lists import AISHA, NOAH, make_downtown, write_list


@pytest.mark.django_db(transaction=True)
def test_a_file_imported_twice_at_the_same_time_adds_its_appointments_once() -> None:
    make_downtown()
    errors: list[Exception] = []
    start = threading.Barrier(2)

    def run() -> None:
        try:
            start.wait(timeout=10)
            import_file(write_list(AISHA, NOAH), "list.csv", ImportOptions())
        except Exception as error:  # noqa: BLE001 - shown by the assertion below
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert not errors
    assert Appointment.objects.count() == Contact.objects.count() == 2
    assert sorted(batch.counts["added"] for batch in ImportBatch.objects.all()) == [0, 2]
