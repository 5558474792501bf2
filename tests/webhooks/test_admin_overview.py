"""The admin's first page: how Callboard is doing, for whoever may see it; each count leads to its list."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from contacts.roles import ADMIN
from reminders.models import FollowUp, SendingSwitch
from reminders.rules.reasons import CallReason
from reminders.rules.states import CallState
from tests.office import make_call, make_event
from tests.people import make_contact, make_due_reminder, make_location, make_user, zone_at_noon
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db

LINE = r'<a href="(/admin/reminders/callrecord/\?[^"]+)">(.*?)</a></th>\s*<td>(\d+)</td>'


@pytest.fixture
def admin() -> Client:
    client = Client()
    client.force_login(make_user("ada", role=ADMIN, is_staff=True))
    return client


def fill_a_day() -> None:
    """Two calls that the phone network could not connect, one that was answered, a message that is stuck."""
    make_location("Alder", time_zone=zone_at_noon(timezone.now()))  # the first by name: its clock counts
    calls = []
    for number, state in enumerate((CallState.FAILED, CallState.FAILED, CallState.ANSWERED)):
        person = make_contact(f"Person{number}", number=f"+1202555010{number}")
        reason = CallReason.CARRIER if state == CallState.FAILED else ""
        calls.append(make_call(make_due_reminder(person), state=state, reason=reason))
    make_event(calls[0], state=WebhookEvent.State.QUARANTINED)
    reminder = calls[0].reminder
    FollowUp.objects.create(
        kind=FollowUp.Kind.COULD_NOT_REACH,
        contact=reminder.appointment.contact,
        appointment=reminder.appointment,
        reminder=reminder,
        due_at=timezone.now() - timedelta(hours=2),
    )


def read_first_page(client: Client) -> str:
    return unescape(client.get("/admin/").content.decode())


def test_each_count_leads_to_a_list_of_as_many(admin: Client) -> None:
    fill_a_day()
    page = read_first_page(admin)
    lines = re.findall(
        r'<a href="(/admin/reminders/callrecord/\?[^"]+)">(.*?)</a></th>\s*<td>(\d+)</td>', page
    )
    assert [count for _, _, count in lines] == ["2", "1", "2"], "failed, answered, and the reason"
    assert "The phone network could not connect the call." in lines[-1][1]
    for address, _, count in lines:
        answer = admin.get(address)
        assert answer.status_code == 200
        assert answer.context["cl"].result_count == int(count), address
    [stuck] = re.findall(r'href="(/admin/webhooks/webhookevent/\?[^"]+)"', page)
    assert admin.get(stuck).context["cl"].result_count == 1
    assert "to do; the oldest is due" in page


def test_it_takes_few_queries(admin: Client) -> None:
    fill_a_day()
    with CaptureQueriesContext(connection) as queries:
        admin.get("/admin/")
    assert len(queries) <= 12, [query["sql"] for query in queries]


def test_it_says_how_robotalker_answers(admin: Client) -> None:
    make_location()
    assert "Nothing is failing, and nothing is paused." in read_first_page(admin)
    SendingSwitch.objects.update_or_create(pk=1, defaults={"failures": 3})
    assert "The last 3 requests failed." in read_first_page(admin)
    SendingSwitch.objects.update(gate_until=timezone.now() + timedelta(minutes=5))
    assert "It asked us to slow down" in read_first_page(admin)


def test_who_may_not_see_calls_is_told_nothing_of_them() -> None:
    fill_a_day()
    user = make_user("lou", role="", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_location"))
    client = Client()
    client.force_login(user)
    page = read_first_page(client)
    assert "/admin/contacts/location/" in page
    for hidden in ("callrecord", "webhookevent", "Robotalker", "Worklist", "sendingswitch"):
        assert hidden not in page, hidden
