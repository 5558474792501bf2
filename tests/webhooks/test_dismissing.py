"""Events that can't be applied are dismissed by a person with a reason, and every body can be looked at."""

import json

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, transaction
from django.test import Client

from contacts.roles import AUDITOR
from reminders.models import FollowUp
from tests.office import act, address_of, make_call, make_event
from tests.people import make_due_reminder, make_user
from webhooks.admin import write_out
from webhooks.applying import count_stuck, is_stuck
from webhooks.models import EventDismissal, WebhookEvent

pytestmark = pytest.mark.django_db
State = WebhookEvent.State
# As JSON names it, as bytes of no encoding, with NUL, as UTF-16, cut off, and nothing at all.
BODIES = [
    rb'{"text": "\ud83d Hi", "k\udc00": "\ud800"}',
    b'{"text": "\xed\xa0\xbd"}',
    b'{"text": "a\x00b"}',
    '{"text": "Zoë"}'.encode("utf-16"),
    b'{"text": "Zo\xc3',
    b"[" * 5_000 + b"]" * 5_000,
    b"9" * 5_000,
    b"",
]


def make_stuck(body: bytes = b"{}") -> WebhookEvent:
    return make_event(make_call(make_due_reminder()), body, state=State.QUARANTINED, error="DoesNotFit")


def dismiss(office: Client, *events: WebhookEvent, **more: str) -> str:
    form = {"action": "dismiss", "_selected_action": [str(event.pk) for event in events], **more}
    return office.post(address_of(WebhookEvent), form, follow=True).content.decode()


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_every_page_that_shows_a_body_opens_whatever_is_in_it(office: Client, body: bytes) -> None:
    event = make_stuck(body)
    call = event.call
    assert call is not None
    visit = call.reminder.appointment_id
    pages = [
        address_of(WebhookEvent, f"{event.pk}/change/"),
        address_of(WebhookEvent),
        f"/appointments/{visit}/",
        f"/calls/{call.pk}/evidence/",
        f"/contacts/{call.reminder.appointment.contact_id}/data.json",
    ]
    for page in pages:
        answer = office.get(page)
        assert answer.status_code == 200, page
        (answer.getvalue() if answer.streaming else answer.content).decode()


def test_a_lone_surrogate_stays_as_the_body_names_it() -> None:
    assert json.loads(write_out(BODIES[0])) == json.loads(BODIES[0])
    assert "Zoë" in write_out('{"text": "Zoë"}'.encode())


def test_a_body_nested_for_its_blanks_is_shown_as_it_came() -> None:
    body = b"[" + b",".join([b"[" * 400 + b"]" * 400] * 20) + b"]"
    assert write_out(body) == body.decode()


def test_it_is_dismissed_with_a_reason_and_counts_no_longer_as_stuck(office: Client, sam: User) -> None:
    event, other = make_stuck(), make_event(make_call(make_due_reminder()), state=State.APPLIED)
    page = office.get(address_of(WebhookEvent, f"{event.pk}/change/")).content.decode()
    assert 'value="dismiss"' in page
    assert "Write why" not in dismiss(office, event)
    assert "Write why" in dismiss(office, event, reason=" \x00 ")
    assert count_stuck() == 1
    assert "1 message was dismissed." in dismiss(office, event, other, reason="Their\ntest,\x00 by phone.")
    [entry] = EventDismissal.objects.all()
    assert (entry.event, entry.by, entry.reason) == (event, sam, "Their test, by phone.")
    assert count_stuck() == 0
    other.refresh_from_db()
    assert other.state == State.APPLIED
    page = office.get(address_of(WebhookEvent, f"{event.pk}/change/")).content.decode()
    assert "Their test, by phone." in page
    assert 'value="dismiss"' not in page
    assert "None of these waits for a person." in dismiss(office, event)


def test_a_dismissed_event_can_still_be_applied_again_and_waits_again_if_it_fails(office: Client) -> None:
    event = make_stuck(b"no event")
    dismiss(office, event, reason="nonsense")
    act(office, WebhookEvent, "apply_again", event)
    event.refresh_from_db()
    assert (event.state, count_stuck()) == (State.QUARANTINED, 1)
    assert FollowUp.objects.exclude(state="resolved").count() == 1


def test_an_auditor_dismisses_nothing() -> None:
    event, auditor = make_stuck(), Client()
    auditor.force_login(make_user("lou", role=AUDITOR, is_staff=True))
    dismiss(auditor, event, reason="No.")
    page = auditor.get(address_of(WebhookEvent, f"{event.pk}/change/")).content.decode()
    assert 'value="dismiss"' not in page
    assert (count_stuck(), EventDismissal.objects.count()) == (1, 0)


def test_a_dismissal_is_neither_changed_nor_deleted(office: Client) -> None:
    dismiss(office, make_stuck(), reason="Seen.")
    rows = EventDismissal.objects.all()
    for change in (rows.delete, lambda: rows.update(reason="")):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            change()
    assert rows.get().reason == "Seen."


def test_events_that_need_a_person_are_counted_without_reading_all_others() -> None:
    """Monitors ask for it several times a minute: of 600,000 events it took 0.8 s, more than /readyz has."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")  # which is right for a table as small as a test's
        plan = WebhookEvent.objects.filter(is_stuck()).order_by().explain()
    assert "webhook_event_quarantined" in plan
    assert "webhook_event_unapplied" in plan
