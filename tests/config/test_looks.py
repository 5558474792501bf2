"""Whatever shows a patient is recorded as a look, or stands in docs/security.md as an exception."""

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from contacts.models import AuditEntry, Contact
from tests.config.test_hostile_values import PAGES, clinic, find_argument, list_patterns

__all__ = ["clinic"]
pytestmark = pytest.mark.django_db
# A line of each of many people, which refreshes by itself or is searched for.
OF_MANY = {
    "today",
    "calendar",
    "calendar_events",
    "contacts",
    "find",
    "offer_contacts",
    "texts",
    "worklist",
    "worklist_changes",
    "worklist_closed",
}
NAME = "Quisenberry"


def find_unrecorded(office: Client, method: str, address: str, values: dict[str, object]) -> bool:
    """Whether the answer names the patient, and nothing is recorded. What the page changed is taken back."""
    with transaction.atomic():
        answer = getattr(office, method)(address, values)
        is_shown = answer.status_code in (200, 422) and NAME in getattr(answer, "content", b"").decode()
        is_recorded = AuditEntry.objects.exclude(kind="sign_in").exists()
        transaction.set_rollback(True)
    return is_shown and not is_recorded


@pytest.mark.parametrize("method", ["get", "post"])
def test_no_page_shows_a_patient_unrecorded(office: Client, clinic: dict[str, object], method: str) -> None:
    """A form that is refused comes back with its page, and shows as much as if that had been opened."""
    Contact.objects.update(last_name=NAME)
    tries: list[dict[str, object]] = [{}, {"contact": clinic["contact"], "chosen": clinic["contact"]}, clinic]
    routes = {pattern: route for route, pattern in list_patterns()}
    unrecorded = []
    for name, pattern in PAGES.items():
        given = {one: find_argument(routes[pattern], one, clinic) for one in pattern.pattern.converters}
        address = reverse(name, kwargs=given)
        for values in tries if method == "get" else tries[:2]:
            if name not in OF_MANY and find_unrecorded(office, method, address, values):
                unrecorded.append((name, values))
    assert unrecorded == []
