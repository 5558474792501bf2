"""The page of the audit trail, and its file."""

import csv
from io import StringIO

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from contacts.audit.reading import PAGE
from contacts.audit.trail import Kind, PageUse, record_deed, record_page
from contacts.models import AuditEntry, ContactMerge
from contacts.roles import AUDITOR, FRONT_DESK
from tests.people import make_contact, make_user

pytestmark = pytest.mark.django_db
ADDRESS, FILE = "/audit/", "/audit/file/"


@pytest.fixture
def auditor() -> Client:
    client = Client()
    client.force_login(make_user("ann", role=AUDITOR))
    return client


def read_file(client: Client, query: str = "") -> list[dict[str, str]]:
    text = client.get(FILE + query).getvalue().decode()
    return list(csv.DictReader(StringIO(text.removeprefix("\ufeff"))))


def test_an_auditor_reads_who_changed_what_and_who_looked(
    auditor: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    sarah, rosa = make_contact(), make_user("rosa", role=FRONT_DESK, first_name="Rosa", last_name="Quint")
    changes = {"first_name": ("Sara", "Sarah"), "phone_id": (None, sarah.phone_id)}
    record_deed("contact_changed", by=rosa, about=sarah, contact=sarah.pk, changes=changes)
    record_page(Kind.LOOK, PageUse("evidence", rosa))
    record_deed("sending_paused", by=None, changes={"cause": ("", "key_refused")})
    with django_assert_max_num_queries(12):
        page = auditor.get(ADDRESS).content.decode()
    assert "Rosa Quint (rosa)" in page
    assert "changed a contact" in page
    assert "Sara → Sarah" in page
    assert "– → +1 ••• ••• ••00" in page
    assert f'<a href="/contacts/{sarah.pk}/">Sarah Lindqvist</a>' in page
    assert "opened the evidence of a call" in page
    assert "Callboard" in page
    assert "5550100" not in page


def test_whoever_looks_at_the_trail_or_takes_its_file_is_in_it(auditor: Client) -> None:
    auditor.get(ADDRESS)
    read_file(auditor)
    found = AuditEntry.objects.exclude(kind="sign_in").order_by("pk").values_list("kind", "what", "by_name")
    assert list(found) == [("look", "audit_trail", "ann"), ("look", "audit_file", "ann")]


def test_the_trail_is_filtered_by_person_matter_and_contact_and_keeps_who_was_merged(auditor: Client) -> None:
    sarah, rosa, tom = make_contact(), make_user("rosa"), make_user("tom")
    for by, key in ((rosa, sarah.pk), (tom, sarah.pk + 1000), (tom, sarah.pk + 2000)):
        record_deed("contact_changed", by=by, contact=key)
    record_deed("sending_paused", by=tom, note="=1+1")
    ContactMerge.objects.create(
        survivor=sarah, merged_id=sarah.pk + 1000, at=AuditEntry.objects.latest("pk").at
    )
    assert [row["Who"] for row in read_file(auditor, f"?person={rosa.pk}")] == ["rosa"]
    assert [row["Who"] for row in read_file(auditor, f"?contact={sarah.pk}")] == ["tom", "rosa"]
    [paused] = read_file(auditor, "?kind=sending")
    assert (paused["code"], paused["Why"]) == ("sending_paused", "'=1+1")
    assert read_file(auditor, "?since=2001-01-01&until=2001-01-02") == []
    assert auditor.get(f"{ADDRESS}?person=x&kind=x&since=x&contact=%00&before=x").status_code == 200


def test_its_pages_follow_each_other_without_a_gap_and_the_file_has_all(auditor: Client) -> None:
    rosa = make_user("rosa")
    for number in range(PAGE + 2):
        record_deed("order_call", by=rosa, note=f"n{number}")
    first = auditor.get(f"{ADDRESS}?person={rosa.pk}")
    more = first.context["more"]
    assert f"?person={rosa.pk}&amp;before={more}" in first.content.decode()
    second = auditor.get(f"{ADDRESS}?person={rosa.pk}&before={more}")
    shown = [line.entry.note for page in (first, second) for line in page.context["lines"]]
    assert shown == [f"n{number}" for number in range(PAGE + 1, -1, -1)]
    assert (second.context["more"], [row["Why"] for row in read_file(auditor, f"?person={rosa.pk}")]) == (
        None,
        shown,
    )
