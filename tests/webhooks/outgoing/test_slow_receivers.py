"""One receiver that is slow or away holds up no other, and who sets it up is told when it is given up."""

import time
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from contacts.optouts import record_optout
from tests.people import make_number
from tests.webhooks.outgoing.receiver import Receiver, run_receiver
from webhooks.outgoing import deliveries
from webhooks.outgoing.deliveries import MOST_IN_A_TURN, claim_endpoint, deliver_due
from webhooks.outgoing.endpoints import switch_on
from webhooks.outgoing.models import OutgoingDelivery, OutgoingEndpoint

pytestmark = pytest.mark.django_db


def make_endpoint(name: str, url: str) -> OutgoingEndpoint:
    return OutgoingEndpoint.objects.create(name=name, url=url, types=["number.opted_out"])


def opt_out(count: int) -> None:
    for last in range(count):
        number = make_number(f"+120255501{last:02}")
        record_optout(number.pk, scope="all", source="key", at=timezone.now())


def count_delivered(endpoint: OutgoingEndpoint) -> int:
    return OutgoingDelivery.objects.filter(endpoint=endpoint, state="delivered").count()


def test_after_a_slow_receivers_turn_the_others_have_theirs(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A turn is over after ROUND_SECONDS, however few requests it had; then who waited longest is served."""
    passed = [time.monotonic()]
    monkeypatch.setattr(time, "monotonic", lambda: passed[0])

    def answer_after_14_seconds(path: str) -> None:
        if path == "/slow":
            passed[0] += 14

    receiver.before_answering = answer_after_14_seconds
    slow = make_endpoint("slow", receiver.url.replace("/hook", "/slow"))
    quick = make_endpoint("quick", receiver.url)
    opt_out(5)
    deliver_due()
    assert 1 <= count_delivered(slow) <= 2, "the round ends with the request that is under way"
    deliver_due()
    assert count_delivered(quick) == 5


def test_who_has_very_much_to_get_lets_others_in_between(receiver: Receiver) -> None:
    many = make_endpoint("many", receiver.url)
    opt_out(MOST_IN_A_TURN + 5)
    deliveries.distribute_events()
    few = make_endpoint("few", receiver.url)
    OutgoingDelivery.objects.create(
        endpoint=few, event_id=OutgoingDelivery.objects.latest("event_id").event_id
    )
    first = claim_endpoint()
    assert first
    assert first.endpoint_id == many.pk
    second = claim_endpoint()
    assert second
    assert second.endpoint_id == few.pk, "by another process, while the first is being served"


def test_a_receiver_that_is_away_rests_and_the_others_get_theirs(receiver: Receiver) -> None:
    with run_receiver() as gone:
        url = gone.url
    away = make_endpoint("away", url)
    quick = make_endpoint("quick", receiver.url)
    opt_out(6)
    deliver_due()
    assert count_delivered(quick) == 6
    away.refresh_from_db()
    assert away.failures == 3
    assert away.paused_until


@pytest.mark.parametrize("how", ["gone", "for days"])
def test_admins_are_told_on_their_pages_when_an_endpoint_was_switched_off(
    receiver: Receiver, office: Client, how: str
) -> None:
    receiver.answers = [(410, {}, b"") if how == "gone" else (500, {}, b"")]
    since = timezone.now() - timedelta(days=4) if how == "for days" else None
    endpoint = make_endpoint("Practice system", receiver.url)
    OutgoingEndpoint.objects.update(failing_since=since)
    opt_out(1)
    deliver_due()
    endpoint.refresh_from_db()
    assert endpoint.state == "failed"
    for page in ("/admin/", "/admin/webhooks/outgoingendpoint/"):
        shown: Any = office.get(page)
        assert "Events are no longer sent to Practice system." in shown.content.decode(), page
    switch_on([endpoint.pk])
    assert "no longer sent" not in office.get("/admin/").content.decode()
