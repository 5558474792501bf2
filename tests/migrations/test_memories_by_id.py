"""What lists said of merged ids, as the releases before kept it, and as this one does."""

from importlib import import_module

import pytest
from django.apps import apps
from django.utils import timezone

from contacts.models import Contact, ContactMerge
from tests.people import make_contact

pytestmark = pytest.mark.django_db
WAS = {"first_name": "Aisha", "last_name": "Okafor", "phone": "+12025550109", "notes": "Parks behind."}
OTHER = {"source": "pms", "external_id": "P9"}


def migrate() -> None:
    import_module("contacts.migrations.0033_memories_by_id").move_to_survivors(apps, None)


def make_survivor(name: str, *was: dict[str, object], external_id: str = "P1") -> Contact:
    survivor = make_contact(name, number=None, source="pms", external_id=external_id)
    for place, one in enumerate(was):
        merged_id = survivor.pk * 10 + place
        ContactMerge.objects.create(survivor=survivor, merged_id=merged_id, was=one, at=timezone.now())
    return survivor


def test_what_lists_said_of_merged_ids_stands_with_the_survivor() -> None:
    said = {"first_name": "Aysha", "phone": "+12025550110"}
    both = make_survivor("Aisha", WAS | OTHER | {"said": said}, WAS | {"source": "pms", "external_id": "P8"})
    took_the_id = make_survivor("Omar", WAS | OTHER, external_id="P9")
    had_no_id = make_survivor("Lena", WAS, external_id="P3")
    migrate()
    migrate()
    both.refresh_from_db()
    assert both.file_values["pms\nP9"] == said
    assert {name: value for name, value in both.file_values["pms\nP8"].items() if value} == {
        name: WAS[name] for name in ("first_name", "last_name", "phone")
    }
    for one in (took_the_id, had_no_id):
        one.refresh_from_db()
        assert one.file_values == {}
    assert not ContactMerge.objects.filter(was__has_key="said").exists()
