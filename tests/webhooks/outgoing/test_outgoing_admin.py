"""What an admin does with endpoints and deliveries in the admin."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from contacts.optouts import record_optout
from contacts.roles import ADMIN, AUDITOR
from tests.office import act
from tests.people import make_number, make_user
from tests.webhooks.outgoing.receiver import Receiver
from webhooks.outgoing.deliveries import deliver_due
from webhooks.outgoing.models import (
    DeliveryAttempt,
    OutgoingDelivery,
    OutgoingEndpoint,
)
from webhooks.outgoing.signing import make_secret

pytestmark = pytest.mark.django_db

LIST = "/admin/webhooks/outgoingendpoint/"


def log_in(role: str) -> Client:
    client = Client()
    client.force_login(make_user(f"a {role}", role=role, is_staff=True))
    return client


def enter(**changes: Any) -> dict[str, Any]:
    return {
        "name": "Practice system",
        "url": "http://127.0.0.1:9/hook",
        "types": ["appointment.confirmed", "number.opted_out"],
        "secret": make_secret(),
        "send_again_since_0": "",
        "send_again_since_1": "",
    } | changes


def opt_out() -> None:
    record_optout(make_number().pk, scope="all", source="staff", at=timezone.now())


def test_an_endpoint_is_entered_with_the_secret_that_was_offered() -> None:
    admin = log_in(ADMIN)
    page = admin.get(f"{LIST}add/").content.decode()
    assert "whsec_" in page
    assert admin.post(f"{LIST}add/", enter()).status_code == 302
    endpoint = OutgoingEndpoint.objects.get()
    assert endpoint.types == ["appointment.confirmed", "number.opted_out"]
    assert (endpoint.state, endpoint.with_number) == ("on", False)


@pytest.mark.parametrize(
    ("field", "entered", "words"),
    [
        ("url", "http://example.org/", "must begin with https://"),
        ("url", "https://10.0.0.1/hook", "private network"),
        ("url", "https://127.0.0.1/hook", "private network"),
        ("url", "https://user:pw@example.org/", "user name or password"),
        ("url", "https://no-such-name.invalid/", "can&#x27;t be found"),
        ("secret", "hunter2", "whsec_"),
        ("types", [], "required"),
    ],
)
def test_what_can_not_work_is_refused_in_words(field: str, entered: Any, words: str, settings: Any) -> None:
    settings.LOOPBACK_MAY_BE_ASKED = False
    admin = log_in(ADMIN)
    answer = admin.post(f"{LIST}add/", enter(url="https://1.1.1.1/hook") | {field: entered})
    assert answer.status_code == 200
    assert words in answer.content.decode()
    assert not OutgoingEndpoint.objects.exists()


def test_an_auditor_sees_no_secret_and_changes_nothing(endpoint: OutgoingEndpoint) -> None:
    auditor = log_in(AUDITOR)
    page = auditor.get(f"{LIST}{endpoint.pk}/change/").content.decode()
    assert endpoint.name in page
    assert endpoint.secret not in page
    assert auditor.post(f"{LIST}{endpoint.pk}/change/", enter()).status_code == 403
    assert "Send a test event" not in auditor.get(LIST).content.decode()


def test_saving_does_not_undo_what_a_worker_writes_meanwhile(endpoint: OutgoingEndpoint) -> None:
    admin = log_in(ADMIN)
    OutgoingEndpoint.objects.update(failures=7)
    wish = enter(name="Another name", url=endpoint.url, types=endpoint.types, secret=endpoint.secret)
    assert admin.post(f"{LIST}{endpoint.pk}/change/", wish).status_code == 302
    endpoint.refresh_from_db()
    assert (endpoint.name, endpoint.failures) == ("Another name", 7)


def test_all_since_a_moment_are_sent_once_more(endpoint: OutgoingEndpoint, receiver: Receiver) -> None:
    opt_out()
    deliver_due()
    since = timezone.now() - timedelta(days=2)
    wish = enter(name=endpoint.name, url=endpoint.url, types=endpoint.types, secret=endpoint.secret)
    wish |= {"send_again_since_0": f"{since:%Y-%m-%d}", "send_again_since_1": "00:00:00"}
    page = log_in(ADMIN).post(f"{LIST}{endpoint.pk}/change/", wish, follow=True).content.decode()
    assert "Sent once more: 1 events." in page
    deliver_due()
    assert len(receiver.requests) == 2


@pytest.mark.parametrize(
    ("action", "words"),
    [
        ("send_test", "1 test events will be sent within seconds."),
        ("switch_off", "1 switched off."),
        ("switch_on", "0 switched on."),
        ("rotate_secrets", "1 new secrets."),
        ("end_old_secrets", "0 old secrets ended."),
    ],
)
def test_each_action_says_what_it_did(
    office: Client, endpoint: OutgoingEndpoint, action: str, words: str
) -> None:
    assert words in act(office, OutgoingEndpoint, action, endpoint)


def test_a_delivery_shows_its_attempts_and_can_be_sent_again(
    office: Client, endpoint: OutgoingEndpoint, receiver: Receiver
) -> None:
    receiver.answers = [(500, {}, b"<b>no room</b>")]
    opt_out()
    deliver_due()
    delivery = OutgoingDelivery.objects.get()
    page = office.get(f"/admin/webhooks/outgoingdelivery/{delivery.pk}/change/").content.decode()
    assert "&lt;b&gt;no room&lt;/b&gt;" in page
    assert "500" in page
    assert str(DeliveryAttempt.objects.get().milliseconds) in page
    assert "1 is sent again." in act(office, OutgoingDelivery, "send_again", delivery)
    deliver_due()
    assert len(receiver.requests) == 2
    assert "delivered" in office.get("/admin/webhooks/outgoingdelivery/").content.decode()
    assert office.get("/admin/webhooks/outgoingevent/").status_code == 200


def test_the_list_says_what_waits_and_what_was_given_up(office: Client, endpoint: OutgoingEndpoint) -> None:
    opt_out()
    deliver_due()
    OutgoingDelivery.objects.update(state="given_up")
    page = office.get(LIST).content.decode()
    assert '<td class="field-given_up">1</td>' in page
    assert '<td class="field-waiting">0</td>' in page
