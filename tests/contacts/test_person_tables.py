"""Everything about a person is in their export, and in an erasure (product rule 64)."""

import json
from datetime import date

import pytest
from django.apps import apps
from django.db import connection
from django.db.models import ForeignKey, Model, OneToOneField
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from contacts.exporting import FORMAT, list_columns, write_person
from contacts.models import Contact, ContactLogEntry, PhoneNumber
from contacts.optouts import record_optout
from contacts.person_tables import NUMBER_COLUMN, PERSON_TABLES, SAYS_NOTHING
from contacts.roles import FRONT_DESK, MANAGER
from reminders.models import CallRecord, FollowUp
from tests.people import SARAH, make_contact, make_due_reminder, make_number, make_user

pytestmark = pytest.mark.django_db
OURS = ("contacts", "reminders", "webhooks", "api")


def find_tables_about_people() -> set[str]:
    """Every table from which references lead to a contact or a number, in any number of steps."""
    models = [model for model in apps.get_models() if model._meta.app_label in OURS]
    found: set[type[Model]] = {Contact, PhoneNumber}
    grew = True
    while grew:
        more = {model for model in models if model not in found and _refers_to(model, found)}
        grew, found = bool(more), found | more
    return {model._meta.label for model in found}


def _refers_to(model: type[Model], found: set[type[Model]]) -> bool:
    references = [one for one in model._meta.get_fields() if isinstance(one, ForeignKey | OneToOneField)]
    return any(reference.related_model in found for reference in references)


def test_no_table_about_people_is_forgotten() -> None:
    listed = {table.label for table in PERSON_TABLES}
    by_key_alone = {"contacts.AuditEntry"}  # no reference, so that a look at somebody isn't their history
    assert find_tables_about_people() | by_key_alone == listed | set(SAYS_NOTHING)
    assert not listed & set(SAYS_NOTHING)


def test_every_column_is_exported_but_those_that_are_withheld_by_name() -> None:
    withheld = {
        f"{table.label}.{field.name}"
        for table in PERSON_TABLES
        for field in table.model._meta.concrete_fields
        if field.name not in list_columns(table)
    }
    assert withheld == {
        "contacts.Contact.search_text",
        "contacts.Contact.name_key",
        "reminders.TestCall.code_hash",
    }


def test_every_column_that_an_erasure_blanks_exists_and_each_table_of_numbers_is_found_by_them() -> None:
    for table in PERSON_TABLES:
        names = {field.name for field in table.model._meta.concrete_fields}
        assert set(table.blanked) | set(table.withheld) <= names, table.label
        if table.by_number:
            assert table.label in NUMBER_COLUMN


def make_sarah() -> Contact:
    sarah = make_contact(
        date_of_birth=date(1987, 7, 14), notes="ramp – Zoë", other_phone=make_number("+12025550142")
    )
    reminder = make_due_reminder(sarah)
    make_due_reminder(make_contact("Tom", number="+12025550143"))
    FollowUp.objects.create(
        kind="unclear_answer", contact=sarah, appointment=reminder.appointment, due_at=timezone.now()
    )
    record_optout(sarah.phone_id or 0, scope="sms", source="staff", at=timezone.now(), evidence="by letter")
    return sarah


def test_the_export_has_each_row_of_the_person_and_none_of_others() -> None:
    sarah = make_sarah()
    data = json.loads("".join(write_person(sarah.pk, timezone.now())))
    assert (data["format"], data["contact"]) == (FORMAT, sarah.pk)
    tables = data["tables"]
    assert list(tables) == [table.label for table in PERSON_TABLES]
    assert [one["notes"] for one in tables["contacts.Contact"]] == ["ramp – Zoë"]
    assert {one["e164"] for one in tables["contacts.PhoneNumber"]} == {SARAH, "+12025550142"}
    assert [one["evidence"] for one in tables["contacts.ConsentEntry"]] == ["by letter"]
    for label in ("contacts.Appointment", "reminders.Reminder", "reminders.FollowUp"):
        assert len(tables[label]) == 1, label
    assert tables["contacts.Contact"][0]["date_of_birth"] == "1987-07-14"
    assert "Tom" not in json.dumps(data)


def test_the_export_has_as_many_queries_for_many_rows_as_for_one() -> None:
    sarah = make_sarah()
    with CaptureQueriesContext(connection) as few:
        list(write_person(sarah.pk, timezone.now()))
    for _ in range(5):
        make_due_reminder(sarah)
    with CaptureQueriesContext(connection) as many:
        list(write_person(sarah.pk, timezone.now()))
    assert len(few) == len(many)


def test_who_takes_the_data_is_recorded_and_the_front_desk_may_not(client: Client) -> None:
    sarah = make_sarah()
    address = f"/contacts/{sarah.pk}/data.json"
    client.force_login(make_user("desk", role=FRONT_DESK))
    assert client.get(address).status_code == 403
    assert address not in client.get(f"/contacts/{sarah.pk}/").content.decode()
    manager = make_user("rosa", role=MANAGER)
    client.force_login(manager)
    assert address in client.get(f"/contacts/{sarah.pk}/").content.decode()
    answer = client.get(address)
    assert answer.streaming
    assert json.loads(answer.getvalue())["contact"] == sarah.pk
    assert answer["Content-Disposition"] == f'attachment; filename="contact-{sarah.pk}.json"'
    [entry] = ContactLogEntry.objects.all()
    assert (entry.contact, entry.what, entry.by) == (sarah, "exported", manager)
    assert client.post(address).status_code == 405


def test_a_call_of_a_household_is_in_the_export_of_each_once() -> None:
    anna, ben = make_contact("Anna"), make_contact("Ben")
    first, second = make_due_reminder(anna), make_due_reminder(ben)
    call = CallRecord.objects.create(
        reminder=first,
        number=make_number(),
        channel="voice",
        try_number=1,
        from_number="+18005550199",
        script_text=first.step.script.texts.get(),
        submitting_at=timezone.now(),
    )
    call.companions.create(reminder=second)
    for person in (anna, ben):
        tables = json.loads("".join(write_person(person.pk, timezone.now())))["tables"]
        assert [one["id"] for one in tables["reminders.CallRecord"]] == [call.pk]
