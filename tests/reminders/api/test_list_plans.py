"""Each list of the API is read in the order of an index, so that a page costs the same however much there is.

The plans are held to their indexes, not to a time; docs/performance.md has the times at 1,000,000
appointments, also of the filters for which PostgreSQL reads by id.
"""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from contacts.models import Contact
from tests.people import make_appointment, make_contact, make_due_reminder
from tests.reminders.api.client import ApiClient

pytestmark = pytest.mark.django_db
YESTERDAY = f"{timezone.now() - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
TOMORROW = f"{timezone.now() + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"

# what is asked -> the index by which PostgreSQL can find it without sorting, or without reading all rows
PLANS = {
    "contacts/": "contacts_contact_pkey",
    f"contacts/?updated_since={YESTERDAY}": "contact_by_change",
    "appointments/": "contacts_appointment_pkey",
    f"appointments/?updated_since={YESTERDAY}": "appointment_by_change",
    f"appointments/?starts_from={YESTERDAY}&starts_before={TOMORROW}": "appointment_by_start",
    "appointments/?status=no_show": "appointment_by_status",
    "appointments/?source=dentrix": "appointment_by_source",
    "reminders/": "reminders_reminder_pkey",
    "reminders/?state=skipped": "reminder_by_state",
    f"reminders/?updated_since={YESTERDAY}": "reminder_by_change",
    f"opt-outs/?since={YESTERDAY}": "number_opted_out",
    "opt-outs/": "number_opted_out",
}


def explain(api: ApiClient, address: str, *, off: str) -> str:
    """The plan of the list's query, when PostgreSQL must not read all rows, nor do what is `off`."""
    with CaptureQueriesContext(connection) as queries:
        assert api.get(address).status_code == 200
    [listed] = [one["sql"] for one in queries if "LIMIT 101" in one["sql"]]
    with transaction.atomic(), connection.cursor() as cursor:
        for way in ("seqscan", *off.split()):
            cursor.execute(f"SET LOCAL enable_{way} = off")
        cursor.execute(f"EXPLAIN {listed}")
        return "\n".join(line for (line,) in cursor.fetchall())


@pytest.mark.parametrize(("address", "index"), PLANS.items(), ids=[name.partition("=")[0] for name in PLANS])
def test_a_list_is_read_by_its_index(api: ApiClient, address: str, index: str) -> None:
    by_window = "from=" in address
    plan = explain(api, address, off="indexscan" if by_window else "sort")
    assert index in plan
    assert by_window or "Sort" not in plan


@pytest.mark.parametrize("kind", ["contacts", "appointments", "reminders"])
def test_the_next_page_of_changes_begins_where_the_last_one_ended(api: ApiClient, kind: str) -> None:
    """By a comparison of both columns at once, which the index answers also where many changed together."""
    for last in range(2):
        make_due_reminder(make_contact(f"P{last}", number=f"+1202555010{last}"))
    cursor = api.get(f"{kind}/?updated_since={YESTERDAY}&limit=1").json()["next_cursor"]
    plan = explain(api, f"{kind}/?updated_since={YESTERDAY}&cursor={cursor}", off="sort")
    [condition] = [line for line in plan.splitlines() if "Index Cond" in line and "updated_at" in line]
    assert "ROW(" in condition


def test_a_copy_that_is_kept_by_changes_misses_no_row_that_changes_meanwhile(api: ApiClient) -> None:
    people = [make_contact(f"P{last}", number=None) for last in range(5)]
    seen: list[int] = []
    cursor = ""
    while True:
        page = api.get(f"contacts/?updated_since={YESTERDAY}&limit=2{cursor}").json()
        seen += [row["id"] for row in page["results"]]
        if len(seen) == 2:
            people[0].save()  # it was read already, and changes now: it comes once more
            people[4].save()
        if not page["next_cursor"]:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == [person.pk for person in [*people[:4], people[0], people[4]]]


def test_rows_that_changed_at_the_same_moment_are_all_listed(api: ApiClient) -> None:
    people = [make_contact(f"P{last}", number=None).pk for last in range(5)]
    Contact.objects.update(updated_at=timezone.now())
    seen, cursor = [], ""
    for _ in range(5):
        page = api.get(f"contacts/?updated_since={YESTERDAY}&limit=1{cursor}").json()
        seen.append(page["results"][0]["id"])
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == people


def test_a_cursor_of_one_order_is_refused_in_the_other(api: ApiClient, settings: Settings) -> None:
    for last in range(2):
        make_appointment(make_contact(f"P{last}", number=None))
    by_id = api.get("appointments/?limit=1").json()["next_cursor"]
    by_change = api.get(f"appointments/?limit=1&updated_since={YESTERDAY}").json()["next_cursor"]
    for address in (
        f"appointments/?updated_since={YESTERDAY}&cursor={by_id}",
        f"appointments/?cursor={by_change}",
        "appointments/?updated_since=2026-01-01T00:00:00Z&cursor=OTk5OTk5OTk5OTk5OTk5OTo5OTk5OTk5OTk5OTk5OTk5OTk5OQ",
    ):
        assert api.get(address).status_code == 422, address
