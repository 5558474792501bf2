"""What a later export changes, such as times and numbers, and which changes made by staff are kept."""

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from contacts.appointments import (
    book_appointment,
    cancel_appointment,
    move_appointment,
    record_answer,
    record_attendance,
    reinstate_appointment,
)
from contacts.models import (
    Appointment,
    AppointmentChange,
    Contact,
    Location,
    PhoneNumber,
    UnusableReason,
)
from contacts.people import change_phone, get_or_create_written_number, mark_number_unusable
from tests.contacts.imports.example_lists import AISHA, NOAH, import_rows, make_downtown, only_appointment

pytestmark = pytest.mark.django_db

NINE_THIRTY = datetime(2026, 12, 15, 14, 30, tzinfo=UTC)
TEN = datetime(2026, 12, 15, 15, 0, tzinfo=UTC)
ELEVEN = datetime(2026, 12, 15, 16, 0, tzinfo=UTC)
AT_ELEVEN = AISHA | {"time": "11:00 AM"}
CANCELLED = AISHA | {"status": "Cancelled"}


@pytest.fixture(autouse=True)
def downtown() -> Location:
    return make_downtown()


@pytest.fixture
def staff() -> User:
    return User.objects.create_user("frontdesk")


def counts_of(*rows: dict[str, str]) -> dict[str, int]:
    """Return the counts that aren't 0, without those that every import has."""
    counts = import_rows(*rows).counts
    left_out = {"rows", "changed", "notes", "matched_by_id"}
    return {
        key: number
        for key, number in counts.items()
        if number and key not in left_out and not key.startswith("contacts")
    }


def test_a_new_kind_or_provider_is_dated_and_an_unchanged_one_is_not() -> None:
    """A campaign that comes to cover it sends nothing that was due before (product rule 29)."""
    import_rows(AISHA)
    import_rows(AISHA)
    assert only_appointment().details_at is None
    for column, value in [("kind", "Root canal"), ("provider", "Dr. Lind")]:
        before = timezone.now()
        import_rows(AISHA | {column: value})
        changed = only_appointment()
        assert changed.details_at is not None
        assert changed.details_at >= before, column
        assert changed.revision == 1


def history_of(appointment: Appointment) -> list[tuple[str, str]]:
    return list(appointment.changes.order_by("pk").values_list("what", "how"))


def move_as_staff(starts_at: datetime, staff: User) -> None:
    appointment = only_appointment()
    length = appointment.ends_at - appointment.starts_at
    move_appointment(appointment.pk, starts_at=starts_at, ends_at=starts_at + length, by=staff)


def test_a_row_with_a_new_time_moves_the_appointment_and_voids_its_confirmation() -> None:
    import_rows(AISHA)
    record_answer(only_appointment().pk, "confirmed", revision=1, at=timezone.now(), how="key_1")
    assert counts_of(AT_ELEVEN) == {"moved": 1}
    moved = only_appointment()
    assert (moved.starts_at, moved.ends_at, moved.revision) == (ELEVEN, ELEVEN.replace(minute=30), 2)
    assert not moved.is_confirmed
    assert history_of(moved)[-1] == ("moved", "import")


def test_a_row_with_another_location_moves_the_appointment_there() -> None:
    make_downtown(name="Eastside")
    import_rows(AISHA)
    assert counts_of(AISHA | {"location": "eastside "}) == {"moved": 1}
    assert only_appointment().location.name == "Eastside"


def test_a_cancelled_row_cancels_the_appointment_and_a_scheduled_row_books_it_again() -> None:
    import_rows(AISHA)
    assert counts_of(CANCELLED) == {"cancelled": 1}
    assert only_appointment().status == "cancelled"
    assert counts_of(CANCELLED) == {"unchanged": 1}
    assert counts_of(AT_ELEVEN) == {"booked_again": 1}
    assert (only_appointment().status, only_appointment().starts_at) == ("booked", ELEVEN)
    assert [what for what, _ in history_of(only_appointment())] == [
        "imported",
        "cancelled",
        "reinstated",
        "moved",
    ]


def test_a_cancelled_row_for_a_new_appointment_is_added_as_cancelled() -> None:
    assert counts_of(CANCELLED) == {"added": 1, "added_as_cancelled": 1}
    assert only_appointment().status == "cancelled"


def test_a_new_length_provider_or_type_is_updated_without_a_new_revision() -> None:
    import_rows(AISHA)
    assert counts_of(AISHA | {"minutes": "60", "provider": "N. Brooks, NP", "kind": "Physical"}) == {
        "updated": 1
    }
    updated = only_appointment()
    assert updated.revision == 1
    assert updated.kind == "Physical"
    assert updated.provider
    assert updated.provider.name == "N. Brooks, NP"
    assert (updated.ends_at - updated.starts_at).total_seconds() == 3600


def test_an_empty_cell_removes_nothing() -> None:
    import_rows(AISHA | {"home": "202-555-0190"})
    emptied = AISHA | {"mobile": "", "home": "", "language": "", "minutes": "", "provider": "", "kind": ""}
    assert counts_of(emptied) == {"unchanged": 1}
    kept = only_appointment()
    assert kept.contact.phone
    assert kept.contact.phone.e164 == "+12025550101"
    assert kept.contact.other_phone
    assert kept.provider
    assert kept.kind


def test_arrived_and_no_show_in_the_file_are_recorded() -> None:
    import_rows(AISHA, NOAH)
    assert counts_of(AISHA | {"status": "Completed"}, NOAH | {"status": "No Show"}) == {"updated": 2}
    assert (only_appointment("A1").status, only_appointment("A2").status) == ("arrived", "no_show")


def test_an_appointment_moved_by_staff_is_kept_while_the_file_has_an_older_time(staff: User) -> None:
    import_rows(AISHA)
    move_as_staff(TEN, staff)
    move_as_staff(ELEVEN, staff)
    report = import_rows(AISHA)
    assert only_appointment().starts_at == ELEVEN
    assert report.counts["unchanged"] == 1
    assert [each.problem for each in report.problems] == [
        "Staff moved this appointment here, so the older time in the file isn't used."
    ]


def test_where_staff_and_the_file_moved_an_appointment_it_stays_and_both_times_are_listed(
    staff: User,
) -> None:
    """(product rule 45)"""
    import_rows(AISHA)
    move_as_staff(TEN, staff)
    for _ in range(2):
        report = import_rows(AT_ELEVEN)
        assert only_appointment().starts_at == TEN
        [note] = report.problems
        assert note.problem == (
            "The time was changed here and in the file. Here it stays “2026-12-15 10:00, downtown”; "
            "the file says “2026-12-15 11:00, downtown”."
        )
    assert counts_of(AISHA | {"time": "10:00 AM"}) == {"unchanged": 1}
    assert counts_of(AT_ELEVEN) == {"moved": 1}, (
        "they agreed meanwhile, so the next change is the file's alone"
    )


def test_an_appointment_cancelled_by_staff_stays_cancelled_even_if_the_file_moves_it(staff: User) -> None:
    """(product rule 45)"""
    import_rows(AISHA)
    cancel_appointment(only_appointment().pk, by=staff)
    for row in (AISHA, AT_ELEVEN):
        report = import_rows(row)
        assert only_appointment().status == "cancelled"
        assert [each.problem for each in report.problems] == [
            "Staff cancelled this appointment here, so it stays cancelled."
        ]


def test_an_appointment_that_staff_booked_again_stays_booked_until_the_file_cancels_it_anew(
    staff: User,
) -> None:
    """(product rule 45)"""
    import_rows(AISHA)
    import_rows(CANCELLED)
    reinstate_appointment(only_appointment().pk, by=staff)
    report = import_rows(CANCELLED)
    assert only_appointment().status == "booked"
    assert report.problems[0].problem.startswith("Staff booked this appointment again here")
    import_rows(AISHA)
    assert counts_of(CANCELLED) == {"cancelled": 1}


@pytest.mark.parametrize("row", [AT_ELEVEN, CANCELLED], ids=["moved", "cancelled"])
def test_an_appointment_with_a_recorded_visit_is_not_changed(row: dict[str, str], staff: User) -> None:
    import_rows(AISHA)
    record_attendance(only_appointment().pk, "arrived", by=staff)
    report = import_rows(row)
    assert (only_appointment().status, only_appointment().starts_at) == ("arrived", NINE_THIRTY)
    assert [each.problem for each in report.problems] == [
        "The visit is already recorded here, so the appointment isn't changed."
    ]


def test_attendance_that_the_file_corrects_is_corrected_here() -> None:
    """(product rule 45) Nobody here has said anything else."""
    import_rows(AISHA)
    import_rows(AISHA | {"status": "No Show"})
    assert counts_of(AISHA | {"status": "Completed"}) == {"updated": 1}
    assert only_appointment().status == "arrived"
    assert counts_of(AISHA | {"status": "Completed"}) == {"unchanged": 1}


@pytest.mark.parametrize("said", ["No Show", "Scheduled"])
def test_attendance_that_differs_here_and_in_the_file_stays_and_is_noted_until_they_agree(
    said: str, staff: User
) -> None:
    """(product rule 45)"""
    import_rows(AISHA | {"status": "Checked in" if said == "Scheduled" else "Scheduled"})
    record_attendance(only_appointment().pk, "arrived", by=staff)
    for _ in range(2):
        report = import_rows(AISHA | {"status": said})
        assert only_appointment().status == "arrived"
        assert [each.problem for each in report.problems] == [
            "The visit is already recorded here, so the appointment isn't changed."
        ]
    assert import_rows(AISHA | {"status": "Completed"}).problems == ()


@pytest.mark.parametrize("new", [{"minutes": "45"}, {"provider": "Dr. B. New"}], ids=str)
def test_what_a_list_would_change_of_a_recorded_visit_is_noted_once(new: dict[str, str], staff: User) -> None:
    import_rows(AISHA)
    record_attendance(only_appointment().pk, "arrived", by=staff)
    before = Appointment.objects.values("starts_at", "ends_at", "provider").get()
    problems = [each.problem for each in import_rows(AISHA | new).problems]
    assert problems == ["The visit is already recorded here, so its length and provider stay."]
    assert Appointment.objects.values("starts_at", "ends_at", "provider").get() == before
    assert import_rows(AISHA | new).problems == ()


def test_an_appointment_missing_from_the_file_is_listed_and_never_cancelled() -> None:
    """(product rule 20)"""
    early, late = AISHA | {"date": "12/14/2026"}, AISHA | {"id": "A3", "date": "12/16/2026"}
    import_rows(early, NOAH, late)
    report = import_rows(early, late)
    assert report.counts["missing"] == 1
    [missing] = report.problems
    assert (missing.line, missing.value) == (0, "A2: Tue, Dec 15, 2026, 9:30 am, Noah Brown, Downtown")
    assert only_appointment("A2").status == "booked"


def test_the_appointment_of_a_rejected_row_is_not_listed_as_missing() -> None:
    early, late = AISHA | {"date": "12/14/2026"}, AISHA | {"id": "A3", "date": "12/16/2026"}
    import_rows(early, NOAH, late)
    assert import_rows(early, NOAH | {"date": "02/30/2026"}, late).counts["missing"] == 0


def test_an_appointment_outside_the_files_days_or_source_is_not_listed_as_missing() -> None:
    import_rows(AISHA | {"date": "12/20/2026"})
    import_rows(NOAH | {"id": "other", "date": "12/15/2026"}, source="another-system")
    early, late = AISHA | {"id": "A3", "date": "12/14/2026"}, AISHA | {"id": "A4", "date": "12/16/2026"}
    assert import_rows(early, late).counts["missing"] == 0


def test_an_appointment_booked_by_staff_is_matched_and_gets_its_id(downtown: Location, staff: User) -> None:
    contact = Contact.objects.create(
        first_name="Aisha", last_name="Okafor", phone=get_or_create_written_number("+12025550101", "US")
    )
    booked = book_appointment(
        contact=contact, location=downtown, provider=None, starts_at=NINE_THIRTY, ends_at=TEN, by=staff
    )
    report = import_rows(AISHA)
    assert (report.counts["matched_by_slot"], report.counts["updated"], report.counts["added"]) == (1, 1, 0)
    assert only_appointment() == booked
    assert only_appointment().contact.external_id == "P1"
    assert counts_of(AISHA) == {"unchanged": 1}


def test_rows_without_an_id_are_matched_by_patient_time_and_location() -> None:
    """(product rule 20)"""
    nameless = AISHA | {"id": "", "patient": ""}
    import_rows(nameless)
    assert counts_of(nameless) == {"unchanged": 1, "matched_by_slot": 1}
    assert Contact.objects.count() == Appointment.objects.count() == 1


def test_the_same_ids_from_another_source_are_other_patients() -> None:
    """Once somebody said that it is another system (product rule 53)."""
    import_rows(AISHA)
    answers = {"source": "other_system"}
    assert import_rows(AISHA, source="another-system", answers=answers).counts["added"] == 1
    assert Contact.objects.count() == 2


def test_a_row_whose_appointment_belongs_to_another_patient_is_rejected() -> None:
    import_rows(AISHA, NOAH)
    report = import_rows(NOAH | {"id": "A1"})
    assert report.counts["rejected"] == 1
    assert only_appointment("A1").contact.first_name == "Aisha"


def test_a_new_number_makes_a_new_revision_of_future_appointments() -> None:
    ahead = AISHA | {"date": f"06/15/{timezone.now().year + 1}"}
    import_rows(ahead)
    report = import_rows(ahead | {"mobile": "+1 202 555 0177"})
    appointment = only_appointment()
    assert report.counts["contacts_updated"] == 1
    assert appointment.contact.phone
    assert appointment.contact.phone.e164 == "+12025550177"
    assert appointment.revision == 2


def test_a_number_corrected_by_staff_is_not_overwritten_by_an_unusable_one() -> None:
    import_rows(AISHA)
    contact = Contact.objects.get()
    mark_number_unusable(PhoneNumber.objects.get().pk, UnusableReason.INVALID_NUMBER, timezone.now())
    change_phone(contact, get_or_create_written_number("+12025550177", "US"))
    assert import_rows(AISHA).counts["contacts_unchanged"] == 1
    contact.refresh_from_db()
    assert contact.phone
    assert contact.phone.e164 == "+12025550177"


def test_an_import_never_removes_an_opt_out() -> None:
    import_rows(AISHA)
    PhoneNumber.objects.update(voice_opted_out_at=timezone.now())
    import_rows(AISHA | {"mobile": "202-555-0177"})
    import_rows(AISHA)
    number = only_appointment().contact.phone
    assert number
    assert number.voice_opted_out_at


def test_rows_with_the_same_id_and_different_details_are_all_rejected() -> None:
    report = import_rows(AISHA, AT_ELEVEN)
    assert report.counts["rejected"] == 2
    assert {each.line for each in report.problems} == {2, 3}
    assert not Appointment.objects.exists()
    assert not AppointmentChange.objects.exists()


@pytest.mark.parametrize("cancels_first", [True, False])
def test_what_a_rejected_row_cancels_isnt_booked_by_another_row_with_its_id(*, cancels_first: bool) -> None:
    """(product rule 44)"""
    import_rows(AISHA)
    cancels = AISHA | {"status": "Cancelled", "date": "nonsense"}
    report = import_rows(*([cancels, AISHA] if cancels_first else [AISHA, cancels]))
    assert only_appointment().status == "cancelled"
    assert (report.counts["cancelled"], report.counts["rejected"]) == (1, 1)


def test_a_patient_without_a_usable_number_is_imported_with_a_note() -> None:
    report = import_rows(AISHA | {"mobile": "555-01"})
    assert report.counts["added"] == 1
    assert only_appointment().contact.phone is None
    [note] = report.problems
    assert note.problem == (
        "The number is too short. The appointment is imported, but there is no number to call."
    )


def test_the_home_phone_is_used_if_the_mobile_phone_is_not_a_number() -> None:
    report = import_rows(AISHA | {"mobile": "call mother", "home": "202-555-0190"})
    phone = only_appointment().contact.phone
    assert phone
    assert phone.e164 == "+12025550190"
    assert report.problems[0].problem.endswith("The other number in the row is used.")


def test_one_time_zone_can_be_given_for_all_new_locations() -> None:
    rows = AISHA | {"location": "Harbour"}, NOAH | {"location": "Hill"}
    assert import_rows(*rows).counts["rejected"] == 2
    assert import_rows(*rows, time_zone="America/Phoenix").counts["added"] == 2
    assert Location.objects.filter(time_zone="America/Phoenix").count() == 2


def test_numbers_are_parsed_by_the_country_of_their_location() -> None:
    make_downtown(name="London", time_zone="Europe/London", region="GB")
    import_rows(AISHA | {"location": "London", "mobile": "020 7946 0101"})
    phone = only_appointment().contact.phone
    assert phone
    assert phone.e164 == "+442079460101"
