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

from contacts.models import Appointment, Contact
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
    f"appointments/?starts_from={YESTERDAY}&starts_before={TOMORROW}": "appointment_start_and_id",
    f"appointments/?starts_from={TOMORROW}": "appointment_start_and_id",
    "appointments/?status=no_show": "appointment_status_and_start",
    f"appointments/?status=booked&starts_from={TOMORROW}": "appointment_status_and_start",
    "appointments/?source=dentrix": "appointment_by_source",
    "reminders/": "reminders_reminder_pkey",
    f"reminders/?due_from={YESTERDAY}&due_before={TOMORROW}": "reminder_by_due",
    "reminders/?state=skipped": "reminder_state_and_due",
    f"reminders/?state=planned&due_before={TOMORROW}": "reminder_state_and_due",
    "calls/": "reminders_callrecord_pkey",
    "calls/?state=failed": "call_by_state",
    "calls/?channel=sms": "call_by_channel",
    "calls/?state=failed&channel=sms": "call_by_state",
    f"reminders/?updated_since={YESTERDAY}": "reminder_by_change",
    f"opt-outs/?since={YESTERDAY}": "number_opted_out",
    "opt-outs/": "number_opted_out",
}


def explain(api: ApiClient, address: str) -> str:
    """The plan of the list's query, when PostgreSQL must neither read all rows nor sort."""
    with CaptureQueriesContext(connection) as queries:
        assert api.get(address).status_code == 200
    [listed] = [one["sql"] for one in queries if "LIMIT 101" in one["sql"]]
    with transaction.atomic(), connection.cursor() as cursor:
        for way in ("seqscan", "sort"):
            cursor.execute(f"SET LOCAL enable_{way} = off")
        cursor.execute(f"EXPLAIN {listed}")
        return "\n".join(line for (line,) in cursor.fetchall())


@pytest.mark.parametrize(("address", "index"), PLANS.items(), ids=[name.partition("=")[0] for name in PLANS])
def test_a_list_is_read_by_its_index(api: ApiClient, address: str, index: str) -> None:
    plan = explain(api, address)
    assert index in plan
    assert "Sort" not in plan


KEPT = [
    "appointments/?status=booked",
    "reminders/?state=planned",
    "calls/?state=failed",
    "calls/?channel=sms",
]


@pytest.mark.parametrize("address", KEPT)
def test_a_filter_that_few_rows_fit_is_read_by_no_other_index(api: ApiClient, address: str) -> None:
    """By id PostgreSQL would pass over all that is older: the order itself holds it to the index."""
    [line] = [line for line in explain(api, address).splitlines() if "Index Cond" in line and ">=" in line]
    assert "<=" in line


def test_lists_by_start_and_by_due_are_in_that_order_and_pass_over_no_row(api: ApiClient) -> None:
    """Whatever order they were made in, and where several start at the same moment."""
    starts = [timezone.now() + timedelta(days=days) for days in (5, 3, 3, 9, 3, 0.5)]
    contact = make_contact(number=None)
    made = [make_appointment(contact, starts_at=start) for start in starts]
    cancelled = make_appointment(contact, starts_at=starts[0])
    Appointment.objects.filter(pk=cancelled.pk).update(status="cancelled")
    wanted = [each.pk for each in sorted(made, key=lambda each: (each.starts_at, each.pk))]
    for filters, found in (
        ("status=booked", wanted),
        (f"starts_from={TOMORROW}&status=booked", [pk for pk in wanted if pk != made[5].pk]),
    ):
        seen: list[int] = []
        cursor = ""
        while True:
            page = api.get(f"appointments/?{filters}&limit=1{cursor}").json()
            seen += [row["id"] for row in page["results"]]
            if not page["next_cursor"]:
                break
            cursor = f"&cursor={page['next_cursor']}"
        assert seen == found
        assert len(seen) >= 5


@pytest.mark.parametrize(
    "filters",
    ["state=planned", f"due_from={YESTERDAY}", "state=planned&due_before=2099-01-01T00:00:00Z"],
    ids=["by state", "by due time", "by both"],
)
def test_reminders_by_due_go_on_where_the_last_page_ended(api: ApiClient, filters: str) -> None:
    made = [make_due_reminder(make_contact(f"P{last}", number=f"+1202555010{last}")) for last in range(3)]
    for days, reminder in enumerate(reversed(made)):
        reminder.due_at = timezone.now() + timedelta(hours=days)
        reminder.save()
    seen, cursor = [], ""
    for _ in made:
        page = api.get(f"reminders/?{filters}&limit=1{cursor}").json()
        seen += [row["id"] for row in page["results"]]
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == [each.pk for each in reversed(made)]
    assert page["next_cursor"] is None


@pytest.mark.parametrize("kind", ["contacts", "appointments", "reminders"])
def test_the_next_page_of_changes_begins_where_the_last_one_ended(api: ApiClient, kind: str) -> None:
    """By a comparison of both columns at once, which the index answers also where many changed together."""
    for last in range(2):
        make_due_reminder(make_contact(f"P{last}", number=f"+1202555010{last}"))
    cursor = api.get(f"{kind}/?updated_since={YESTERDAY}&limit=1").json()["next_cursor"]
    plan = explain(api, f"{kind}/?updated_since={YESTERDAY}&cursor={cursor}")
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
    by_start = api.get(f"appointments/?limit=1&starts_from={YESTERDAY}").json()["next_cursor"]
    for address in (
        f"appointments/?updated_since={YESTERDAY}&cursor={by_start}",
        f"appointments/?status=booked&cursor={by_change}",
        f"appointments/?starts_from={YESTERDAY}&cursor={by_id}",
        f"appointments/?cursor={by_start}",
        "appointments/?status=booked&cursor=cy05OTk5OTk5OTk5OTk5OTk5OTox",
        f"appointments/?updated_since={YESTERDAY}&cursor={by_id}",
        f"appointments/?cursor={by_change}",
        "appointments/?updated_since=2026-01-01T00:00:00Z&cursor=OTk5OTk5OTk5OTk5OTk5OTo5OTk5OTk5OTk5OTk5OTk5OTk5OQ",
    ):
        assert api.get(address).status_code == 422, address
