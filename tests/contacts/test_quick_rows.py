"""Rows that are read and written past Django's slow ways are the same as by those."""

import pytest
from django.apps import apps
from django.db import connection, models
from django.db.models.query_utils import DeferredAttribute
from django.db.models.signals import post_init, pre_init
from django.test.utils import CaptureQueriesContext

from contacts.database.quick_rows import QuickRows
from contacts.database.saving import insert_rows
from contacts.models import Appointment
from reminders.models import CallRecord, Reminder, ScriptText
from tests.people import make_contact, make_due_reminder

QUICK = [model for model in apps.get_models() if issubclass(model, QuickRows)]


@pytest.mark.parametrize("model", QUICK, ids=lambda model: model.__name__)
def test_no_constructor_is_missed(model: type[models.Model]) -> None:
    assert "__init__" not in vars(model)
    assert not pre_init.has_listeners(model)
    assert not post_init.has_listeners(model)
    for field in model._meta.concrete_fields:
        kept = vars(model)[field.attname]
        assert isinstance(kept, DeferredAttribute), f"{field} has a setter of its own"


@pytest.mark.django_db
def test_a_row_that_is_read_equals_one_that_is_made() -> None:
    reminder = make_due_reminder()
    read = Reminder.objects.select_related("appointment__contact__phone").get(pk=reminder.pk)
    names = [field.attname for field in Reminder._meta.concrete_fields]
    made = Reminder(**{name: getattr(read, name) for name in names})
    assert {name: vars(read)[name] for name in names} == {name: vars(made)[name] for name in names}
    assert not read._state.adding
    with CaptureQueriesContext(connection) as queries:
        assert read.appointment.contact.phone is not None
        later = Appointment.objects.only("pk").get(pk=reminder.appointment_id)
        assert later.kind == read.appointment.kind
    assert len(queries) == 2, "what was left out is read when it is used"


@pytest.mark.django_db
def test_a_row_that_is_attached_is_the_one_that_an_assignment_gives() -> None:
    reminder = make_due_reminder()
    attached, assigned = (Reminder.objects.get() for _each in range(2))
    visit = Appointment.objects.get()
    attached.attach(appointment=visit)
    assigned.appointment = visit
    assert attached._state.fields_cache == assigned._state.fields_cache == {"appointment": visit}
    with CaptureQueriesContext(connection) as queries:
        assert attached.appointment is visit
        assert attached.appointment_id == reminder.appointment_id
    assert len(queries) == 0


@pytest.mark.django_db
def test_a_row_that_is_made_equals_one_of_the_constructor() -> None:
    reminder = make_due_reminder()
    values = {"reminder": reminder, "batch": None, "ordered_by_id": None, "text": "Hello", "public_id": "x"}
    quick, plain = CallRecord.make(**values), CallRecord(**values)
    kept = [vars(row) | vars(row._state) for row in (quick, plain)]
    for row in kept:
        del row["_state"]
        row.pop("db", None)  # Django sets it as soon as a row is related to one
        assert type(row.pop("missing_language")).__name__ == "DatabaseDefault"
    assert kept[0] == kept[1]
    assert CallRecord.make().keys is not CallRecord.make().keys


@pytest.mark.django_db
def test_rows_are_inserted_as_they_are_and_each_gets_its_own_key() -> None:
    texts = ["plain", 'a "quoted" \\ and \n two lines', "Zoë {FIRST_NAME} 😀", "NULL", ""]
    rows = [
        CallRecord(
            reminder=(reminder := make_due_reminder(make_contact(number=f"+120255501{index:02}"))),
            number=reminder.appointment.contact.phone,
            channel="voice",
            try_number=1,
            from_number="+18005550199",
            script_text=ScriptText.objects.get(),
            missing_language="",
            variables={"FIRST_NAME": text, "list": [1, None]},
            text=text,
            decision={"text": text} if index else None,
            submitting_at=reminder.due_at,
        )
        for index, text in enumerate(texts)
    ]
    insert_rows(rows)
    assert len({row.pk for row in rows}) == len(texts)
    for row in rows:
        read = CallRecord.objects.get(public_id=row.public_id)
        assert {name: getattr(read, name) for name in vars(read) if name != "_state"} == {
            name: getattr(row, name) for name in vars(read) if name != "_state"
        }
    assert CallRecord.objects.filter(decision__isnull=True).count() == 1, "SQL's NULL, and not JSON's"
