"""The audit trail: who did what, and who looked at whom. It can't be changed, and outlives whoever did it."""

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db import DatabaseError, connection, transaction
from django.db.models import PROTECT, ManyToOneRel

from contacts.audit.trail import record_deed, record_page
from contacts.models import AuditEntry, Contact
from tests.people import make_contact, make_user

pytestmark = pytest.mark.django_db
Kind = AuditEntry.Kind
CHANGES = [
    "UPDATE contacts_auditentry SET by_id = NULL",
    "DELETE FROM contacts_auditentry",
    "TRUNCATE contacts_auditentry",
]


def execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # else a table with pending checks isn't truncated
        cursor.execute("SET LOCAL callboard.ledger_may_be_emptied = off")  # it is on for tests
        cursor.execute(sql)


@pytest.mark.parametrize("sql", CHANGES)
def test_an_entry_is_neither_changed_nor_deleted(sql: str) -> None:
    record_deed("sending_paused", by=make_user(), note="fire drill")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        execute(sql)
    assert AuditEntry.objects.get().note == "fire drill"


def test_a_user_is_never_deleted_and_keeps_what_they_did() -> None:
    rosa = make_user("rosa")
    LogEntry.objects.create(
        user=rosa, content_type=ContentType.objects.get_for_model(Contact), object_id="1", action_flag=2
    )
    with pytest.raises(DatabaseError, match="never deleted"), transaction.atomic():
        rosa.delete()
    with pytest.raises(DatabaseError, match="never deleted"), transaction.atomic():
        User.objects.filter(username="rosa")._raw_delete("default")
    assert LogEntry.objects.get().user == rosa


def test_whatever_of_ours_refers_to_a_user_protects_them() -> None:
    """Tables of Django and its packages are protected by the trigger alone."""
    ours = {app.label for app in apps.get_app_configs() if not app.name.startswith(("django", "allauth"))}
    found = [
        f"{relation.related_model._meta.label}.{relation.field.name}"
        for relation in User._meta.get_fields(include_hidden=True)
        if isinstance(relation, ManyToOneRel)
        and relation.related_model._meta.app_label in ours
        and relation.on_delete is not PROTECT
    ]
    assert found == []


def test_looks_at_the_same_thing_within_minutes_are_one_entry() -> None:
    sarah, tom, rosa = make_contact(), make_contact("Tom", number=None), make_user("rosa")
    for contact in (sarah, sarah, tom):
        record_page(Kind.LOOK, "contact", by=rosa, about="contacts.Contact", about_id=contact.pk)
    seen = AuditEntry.objects.order_by("id").values_list("contact_key", flat=True)
    assert list(seen) == [sarah.pk, tom.pk]
