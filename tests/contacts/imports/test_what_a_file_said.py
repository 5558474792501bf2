"""Only a value that changed in the file changes the record (product rule 45).

SEQUENCE_EXAMPLES=500 tries more edits of staff between two imports of the same file.
"""

import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from contacts.appointments import (
    AppointmentClosed,
    cancel_appointment,
    move_appointment,
    record_attendance,
    reinstate_appointment,
)
from contacts.imports.three_way import FieldChoice, choose, remember
from contacts.models import Appointment, AppointmentChange, Contact, Location, PhoneNumber, Provider
from contacts.people import change_phone, get_or_create_written_number
from tests.contacts.imports.example_lists import AISHA, NOAH, import_rows, make_downtown, only_appointment

EXAMPLES = int(os.environ.get("SEQUENCE_EXAMPLES", "40"))

# said by the file, said before (None: never), held here -> what becomes of it
CHOICES = [
    ("", "a", "b", FieldChoice.SAME),  # an empty cell changes nothing
    ("a", "b", "a", FieldChoice.SAME),
    ("a", None, "b", FieldChoice.TAKE),  # the first time, the file counts
    ("a", "a", "b", FieldChoice.OURS),  # staff corrected it
    ("a", "a", "", FieldChoice.OURS),  # staff took it away
    ("a", "b", "b", FieldChoice.TAKE),
    ("a", "b", "c", FieldChoice.BOTH),
    ("a", "", "", FieldChoice.TAKE),  # the cell was empty before, and so is the record
    ("a", "", "c", FieldChoice.BOTH),  # staff filled it in
]


@pytest.mark.parametrize(("said", "before", "held", "choice"), CHOICES)
def test_what_becomes_of_a_field(said: str, before: str | None, held: str, choice: FieldChoice) -> None:
    kept = {} if before is None else {"kind": before}
    assert choose("kind", {"kind": said}, kept, {"kind": held}) == choice


def test_a_default_is_no_change_that_staff_made() -> None:
    assert choose("language", {"language": "es"}, {"language": ""}, {"language": "en"}) == FieldChoice.TAKE


@given(st.sampled_from("ab "), st.sampled_from(["a", "b", "", None]), st.sampled_from("abc "))
def test_what_was_kept_of_a_file_changes_nothing_the_second_time(
    said: str, before: str | None, held: str
) -> None:
    values = {"kind": said.strip()}, {} if before is None else {"kind": before}, {"kind": held.strip()}
    after = values[0] if choose("kind", *values) == FieldChoice.TAKE else values[2]
    kept = remember(*values)
    assert choose("kind", values[0], kept, after) != FieldChoice.TAKE
    assert remember(values[0], kept, after) == kept


def edit_contact(**fields: str) -> Callable[[], None]:
    def edit() -> None:
        contact = Contact.objects.order_by("pk").first()
        assert contact
        for name, value in fields.items():
            setattr(contact, name, value)
        contact.save()

    return edit


def renumber(written: str) -> Callable[[], None]:
    def edit() -> None:
        contact = Contact.objects.order_by("pk").first()
        assert contact
        change_phone(contact, get_or_create_written_number(written, "US") if written else None)

    return edit


def first_appointment() -> Appointment:
    appointment = Appointment.objects.order_by("pk").first()
    assert appointment
    return appointment


def move(hours: int, **fields: str) -> Callable[[], None]:
    """Move the first appointment, in time, to Eastside, or to another provider."""

    def edit() -> None:
        booked = first_appointment()
        if booked.status == "booked":
            move_appointment(
                booked.pk,
                starts_at=booked.starts_at + timedelta(hours=hours),
                ends_at=booked.ends_at + timedelta(hours=hours, minutes=int(fields.get("longer", 0))),
                location=Location.objects.filter(name=fields.get("location", "")).first(),
                provider=Provider.objects.get_or_create(name=fields["provider"])[0]
                if "provider" in fields
                else None,
                by=User.objects.get(),
            )

    return edit


def set_status(status: str) -> Callable[[], None]:
    def edit() -> None:
        booked, by = first_appointment(), User.objects.get()
        try:
            if status == "cancelled":
                cancel_appointment(booked.pk, by=by)
            elif status == "again":
                reinstate_appointment(booked.pk, by=by)
            else:
                record_attendance(booked.pk, status, by=by)
        except AppointmentClosed:
            return  # the page offers it only where it can be done

    return edit


EDITS = {
    "first name": edit_contact(first_name="Aicha"),
    "last name": edit_contact(last_name="Okafor-Brown"),
    "name": edit_contact(first_name="Zoë", last_name="Lefèvre"),
    "language": edit_contact(language="fr"),
    "wish": edit_contact(preferred_channel="sms"),
    "never": edit_contact(preferred_channel="never"),
    "number": renumber("+12025550177"),
    "no number": renumber(""),
    "later": move(1),
    "earlier": move(-2),
    "elsewhere": move(0, location="Eastside"),
    "longer": move(0, longer="15"),
    "provider": move(0, provider="Dr. Lind"),
    "kind": lambda: Appointment.objects.filter(pk=first_appointment().pk).update(kind="Recall"),
    "cancelled": set_status("cancelled"),
    "again": set_status("again"),
    "arrived": set_status("arrived"),
    "no-show": set_status("no_show"),
    "put back": set_status("booked"),
}
WITHOUT: dict[str, dict[str, str]] = {
    "all ids": {},
    "patient id": {"patient": ""},
    "appointment id": {"id": ""},
    "any id": {"id": "", "patient": ""},
    "status": {"status": ""},
    "number": {"mobile": ""},
}


def snapshot() -> list[Any]:
    """Everything that an import could change, except its own report."""
    models = (Appointment, AppointmentChange, Contact, PhoneNumber, Location, Provider)
    return [list(model._default_manager.order_by("pk").values()) for model in models]


@pytest.mark.django_db
@settings(max_examples=EXAMPLES, deadline=None, derandomize=EXAMPLES < 100)
@given(
    edits=st.lists(st.sampled_from(sorted(EDITS)), min_size=1, max_size=4),
    without=st.sampled_from(sorted(WITHOUT)),
    cell=st.sampled_from(["Scheduled", "Cancelled", "Completed"]),
)
def test_the_same_file_again_changes_nothing_whatever_staff_edited(
    edits: list[str], without: str, cell: str
) -> None:
    with transaction.atomic():
        make_downtown()
        make_downtown(name="Eastside")
        User.objects.create_user("frontdesk")
        rows = [AISHA | {"status": cell} | WITHOUT[without], NOAH]
        import_rows(*rows)
        for edit in edits:
            EDITS[edit]()
        before = snapshot()
        report = import_rows(*rows)
        assert snapshot() == before
        assert report.counts["changed"] == report.counts["added"] == report.counts["rejected"] == 0
        assert report.changes == ()
        transaction.set_rollback(True)


@pytest.mark.django_db
def test_staff_correct_name_number_and_language_and_the_file_changes_one_of_them() -> None:
    make_downtown()
    import_rows(AISHA, NOAH)
    contact = only_appointment().contact
    contact.first_name, contact.language = "Aicha", "fr"
    contact.save()
    change_phone(contact, get_or_create_written_number("+12025550177", "US"))
    report = import_rows(AISHA | {"last": "Brown", "language": "Spanish"}, NOAH)
    after = only_appointment().contact
    assert (after.full_name, after.language, after.phone and after.phone.e164) == (
        "Aicha Brown",
        "fr",
        "+12025550177",
    )
    [change] = report.changes
    assert (change.about, change.old, change.new) == (
        "Aicha Okafor",
        {"last_name": "Okafor"},
        {"last_name": "Brown"},
    )
    [note] = [each for each in report.problems if "changed here and in the file" in each.problem]
    assert note.value == "Aisha Brown: “fr” here, “es” in the file"


@pytest.mark.django_db
def test_a_list_of_before_this_was_kept_does_not_undo_what_history_shows_of_staff() -> None:
    make_downtown()
    staff = User.objects.create_user("frontdesk")
    import_rows(AISHA, NOAH)
    Contact.objects.update(file_values={})
    Appointment.objects.update(file_values={})
    move(1)()
    cancel_appointment(only_appointment("A2").pk, by=staff)
    report = import_rows(AISHA, NOAH)
    assert report.counts["unchanged"] == 2
    assert only_appointment("A2").status == "cancelled"
    assert f"{only_appointment().local_start:%H:%M}" == "10:30"
    assert only_appointment().file_values["csv"]["slot"] == "2026-12-15T09:30:00@downtown"
