"""What somebody changes here while a list is imported is compared again, and never written over.

Somebody is the desk, the API, a sweep or an undo. Where both changed, what is here stays; what could not be
compared is said, and the same file is let in again (product rules 20 and 45).
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from contacts.appointments import (
    book_appointment,
    cancel_appointment,
    change_kind,
    keep_said,
    move_appointment,
)
from contacts.imports.runs import ImportRun
from contacts.models import (
    Appointment,
    Contact,
    ImportBatch,
    ImportProblem,
    Location,
    PhoneNumber,
    Provider,
    WatchedCalendar,
)
from contacts.watching import calendars
from contacts.watching.calendar_requests import FetchedCalendar
from contacts.watching.folder_rounds import find_needless
from contacts.watching.turns import take_turn
from tests.contacts.imports.example_lists import (
    AISHA,
    NOAH,
    import_rows,
    make_downtown,
    only_appointment,
    run_waiting_imports,
)
from tests.contacts.imports.test_import_runs import queue

pytestmark = pytest.mark.django_db
CANCELS_BADLY = AISHA | {"status": "Cancelled", "first": "", "last": ""}  # rejected: it has no name
WRITE = ImportRun._write
Deed = Callable[[], Any]


@pytest.fixture(autouse=True)
def downtown() -> Location:
    return make_downtown()


def write_after(monkeypatch: pytest.MonkeyPatch, deed: Deed, *, times: int = 1) -> None:
    """Let somebody do something after a part was planned and before it is written, the first `times`."""
    left = [deed] * times

    def write(*args: Any) -> None:
        if left:
            left.pop()()
        WRITE(*args)

    monkeypatch.setattr(ImportRun, "_write", write)


def import_while(
    monkeypatch: pytest.MonkeyPatch, deed: Deed, *rows: dict[str, str], times: int = 1
) -> ImportBatch:
    batch = queue(*rows)
    write_after(monkeypatch, deed, times=times)
    run_waiting_imports()
    batch.refresh_from_db()
    assert batch.state == "done"
    return batch


def move() -> None:
    """Move the visit by an hour more."""
    visit = only_appointment()
    hour = timedelta(hours=1)
    move_appointment(visit.pk, starts_at=visit.starts_at + hour, ends_at=visit.ends_at + hour)


def set_provider() -> None:
    Appointment.objects.update(provider=Provider.objects.create(name="Dr. Here"))


def make_longer() -> None:
    Appointment.objects.update(ends_at=only_appointment().starts_at + timedelta(minutes=75))


def report_kind() -> None:
    """Another system says the same as the list is about to, under the list's own source."""
    visit = only_appointment()
    keep_said(visit.pk, "csv", visit.file_values["csv"] | {"kind": "Root canal"})
    change_kind(visit.pk, "Root canal")


@pytest.mark.parametrize(
    ("deed", "column", "expected"),
    [
        (set_provider, lambda visit: visit.provider.name, "Dr. Here"),
        (make_longer, lambda visit: (visit.ends_at - visit.starts_at).seconds, 75 * 60),
        (lambda: change_kind(only_appointment().pk, "Crown"), lambda visit: visit.kind, "Crown"),
        (move, lambda visit: visit.local_start.hour, 10),
    ],
)
def test_what_is_changed_here_stays_and_the_rest_of_the_row_is_taken(
    monkeypatch: pytest.MonkeyPatch, deed: Deed, column: Callable[[Appointment], Any], expected: Any
) -> None:
    import_rows(AISHA)
    change = AISHA | {"last": "Stone", "provider": "Dr. File", "minutes": "45", "kind": "Filling"}
    batch = import_while(monkeypatch, deed, change)
    visit = only_appointment()
    assert column(visit) == expected
    assert visit.contact.last_name == "Stone"
    assert (batch.counts["updated"], batch.counts["rejected"]) == (1, 0)
    taken = {"provider": "dr. file", "minutes": "45", "kind": "Filling"}.items()
    assert len(taken & visit.file_values["csv"].items()) >= 2


def test_a_row_whose_visit_was_moved_meanwhile_is_planned_again_and_not_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import_rows(AISHA, NOAH)
    batch = import_while(monkeypatch, move, AISHA | {"kind": "Filling"}, NOAH | {"kind": "Filling"})
    assert set(Appointment.objects.values_list("kind", flat=True)) == {"Filling"}
    assert batch.counts["updated"] == 2
    assert "left_out" not in batch.counts
    assert find_needless("csv", batch.sha256), "nothing of it is left to be imported"


def test_what_another_source_said_meanwhile_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    import_rows(AISHA)

    def report() -> None:
        keep_said(only_appointment().pk, "api", {"kind": "Crown"})
        Contact.objects.update(file_values=Contact.objects.get().file_values | {"api": {"language": "es"}})

    import_while(monkeypatch, report, AISHA | {"last": "Stone", "kind": "Filling"})
    visit = only_appointment()
    assert (visit.file_values["api"], visit.file_values["csv"]["kind"]) == ({"kind": "Crown"}, "Filling")
    assert visit.contact.file_values["api"] == {"language": "es"}
    assert visit.contact.file_values["csv"]["last_name"] == "Stone"


def test_what_its_own_source_said_by_the_api_meanwhile_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The list says the same, so there is nothing to change but the length."""
    import_rows(AISHA)
    batch = import_while(monkeypatch, report_kind, AISHA | {"kind": "Root canal", "minutes": "45"})
    visit = only_appointment()
    assert (visit.kind, visit.file_values["csv"]["kind"]) == ("Root canal", "Root canal")
    assert batch.changes.get(what="updated").new == {"minutes": "45"}


def test_a_visit_that_is_removed_meanwhile_is_added_again(monkeypatch: pytest.MonkeyPatch) -> None:
    import_rows(AISHA)
    batch = import_while(monkeypatch, lambda: only_appointment().delete(), AISHA | {"kind": "Filling"})
    assert (batch.counts["added"], only_appointment().kind) == (1, "Filling")


def book(at: str = "2027-03-16T09:30:00", **fields: Any) -> Appointment:
    """As the desk does, without an id."""
    zone = ZoneInfo("America/New_York")
    starts_at = datetime.fromisoformat(at).replace(tzinfo=zone)
    return book_appointment(
        contact=Contact.objects.order_by("pk")[0],
        location=fields.get("location") or Location.objects.get(name="Downtown"),
        provider=None,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=30),
        kind="Cleaning",
    )


NEXT = AISHA | {"id": "A9", "date": "3/16/2027"}


@pytest.mark.parametrize("visit_id", ["A9", ""])
def test_a_visit_that_is_booked_here_meanwhile_is_not_added_a_second_time(
    monkeypatch: pytest.MonkeyPatch, visit_id: str
) -> None:
    """(product rules 20 and 56)"""
    import_rows(AISHA)
    batch = import_while(monkeypatch, book, AISHA, NEXT | {"id": visit_id, "provider": "Dr. File"}, NOAH)
    [visit] = Appointment.objects.filter(starts_at__gte=datetime(2027, 1, 1, tzinfo=UTC))
    assert (visit.external_id, visit.provider and visit.provider.name) == (visit_id, "Dr. File")
    assert (batch.counts["added"], batch.counts["updated"], batch.counts["rejected"]) == (1, 1, 0)


@pytest.mark.parametrize(
    "elsewhere",
    [
        lambda: book("2027-03-16T10:30:00"),
        lambda: book(location=make_downtown(name="Eastside")),
        lambda: Appointment.objects.filter(pk=book().pk).update(source="csv", external_id="A10"),
    ],
)
def test_what_is_booked_meanwhile_elsewhere_or_as_another_visit_of_the_list_holds_nothing_up(
    monkeypatch: pytest.MonkeyPatch, elsewhere: Deed
) -> None:
    import_rows(AISHA)
    batch = import_while(monkeypatch, elsewhere, AISHA, NEXT)
    assert batch.counts["added"] == 1
    assert Appointment.objects.filter(starts_at__gte=datetime(2027, 1, 1, tzinfo=UTC)).count() == 2


def test_a_second_visit_in_a_slot_that_was_known_is_added_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    import_rows(AISHA, NEXT)
    writes = []
    write_after(monkeypatch, lambda: writes.append(1), times=9)
    batch = queue(AISHA, NEXT, NEXT | {"id": "A10", "kind": "X-ray"}, NEXT | {"id": "A11", "first": ""})
    run_waiting_imports()
    batch.refresh_from_db()
    assert (batch.counts["added"], batch.counts["rejected"], len(writes)) == (1, 1, 1)


def test_a_visit_that_is_booked_here_after_its_row_was_planned_again_is_held_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import_rows(AISHA, NOAH)
    edit = partial(Contact.objects.update, time_zone="America/Denver", language="fr")
    deeds: Iterator[Callable[[], object]] = iter([edit, book])
    batch = import_while(
        monkeypatch, lambda: next(deeds)(), NEXT | {"last": "Stone"}, NOAH | {"kind": "Filling"}, times=2
    )
    assert not Appointment.objects.filter(external_id="A9").exists()
    assert (batch.counts["added"], batch.counts["updated"], batch.counts["left_out"]) == (0, 1, 1)
    [problem] = batch.problems.filter(weight="rejected")
    assert (problem.line, "Somebody booked this patient" in problem.problem) == (2, True)
    assert not find_needless("csv", batch.sha256)


def test_a_row_that_is_changed_again_and_again_is_not_imported_and_the_file_is_let_in_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import_rows(AISHA, NOAH)
    change = {"kind": "Filling", "last": "Stone"}
    batch = import_while(monkeypatch, move, AISHA | change, NOAH | change, times=9)
    counts = batch.counts
    assert (counts["rows"], counts["updated"], counts["rejected"], counts["left_out"]) == (2, 1, 1, 1)
    assert (only_appointment("A1").kind, only_appointment("A2").kind) == ("Cleaning", "Filling")
    assert only_appointment("A1").contact.last_name == "Okafor", "nothing else of the row counts either"
    [problem] = batch.problems.filter(weight="rejected")
    assert (problem.line, "Somebody changed this appointment" in problem.problem) == (2, True)
    assert batch.rejected_rows.filter(line=2).exists(), "it can be mended and uploaded again"
    assert not find_needless("csv", batch.sha256)
    monkeypatch.setattr(ImportRun, "_write", WRITE)
    again = queue(AISHA | change, NOAH | change)
    run_waiting_imports()
    again.refresh_from_db()
    assert (only_appointment("A1").kind, again.counts["unchanged"]) == ("Filling", 1)


def test_a_patient_who_is_edited_again_and_again_is_left_out_and_the_file_is_let_in_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import_rows(AISHA)

    def edit() -> None:
        contact = Contact.objects.get()
        contact.last_name += "x"
        contact.save()

    batch = import_while(monkeypatch, edit, AISHA | {"language": "Spanish", "kind": "Filling"}, times=9)
    contact = Contact.objects.get()
    assert (contact.language, contact.last_name[:7]) == ("en", "Okaforx")
    assert only_appointment().kind == "Filling"
    assert (batch.counts["rejected"], batch.counts["left_out"]) == (0, 1)
    assert not find_needless("csv", batch.sha256)


def test_a_cancellation_of_a_rejected_row_counts_though_the_visit_was_moved_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """(product rule 44)"""
    import_rows(AISHA)
    batch = import_while(monkeypatch, move, CANCELS_BADLY)
    assert only_appointment().status == "cancelled"
    assert batch.counts["cancelled"] == 1
    assert "though the row has other errors" in str(list(batch.problems.values_list("problem")))


def test_a_cancellation_that_is_left_out_is_not_said_to_be_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """(product rule 44)"""
    import_rows(AISHA)
    batch = import_while(monkeypatch, move, CANCELS_BADLY, times=9)
    assert only_appointment().status == "booked"
    assert (batch.counts["cancelled"], batch.counts["rejected"], batch.counts["left_out"]) == (0, 1, 1)
    said = list(batch.problems.values_list("weight", "problem"))
    assert "The appointment is cancelled" not in str(said)
    assert {weight for weight, _ in said} == {"rejected"}
    assert len(said) >= 2
    assert not batch.changes.exists()


def test_a_visit_that_is_cancelled_here_meanwhile_is_not_cancelled_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import_rows(AISHA)
    batch = import_while(monkeypatch, lambda: cancel_appointment(only_appointment().pk), CANCELS_BADLY)
    assert only_appointment().changes.filter(what="cancelled").count() == 1
    assert (batch.counts["cancelled"], batch.changes.count()) == (0, 0)


def test_a_calendar_of_which_something_was_left_out_is_stored_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    batch = ImportBatch.objects.create(file_name="a.ics", source="calendar", state="done")
    calendar = WatchedCalendar.objects.create(
        name="Room 1", address="https://example.org/a.ics", source="calendar", batch=batch,
        stored_at=timezone.now(), etag='"1"',
    )  # fmt: skip
    asked: list[dict[str, str]] = []

    def fetch(_address: str, **version: str) -> FetchedCalendar:
        asked.append(version)
        return FetchedCalendar()

    monkeypatch.setattr(calendars, "fetch_calendar", fetch)
    for left_out in (0, 1):
        ImportBatch.objects.update(counts={"left_out": left_out} if left_out else {})
        WatchedCalendar.objects.update(due_at=None)
        turn = take_turn(calendar)
        assert turn
        calendars.fetch_one(turn)
        turn.end()
    assert [version.get("etag") for version in asked] == ['"1"', None]
    assert not ImportProblem.objects.exists()
    assert not PhoneNumber.objects.exists()
