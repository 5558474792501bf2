"""Delivering over real HTTP: signed, at least once, in order, by one process at a time."""

import json
import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.utils import timezone
from standardwebhooks.webhooks import WebhookVerificationError

from contacts.appointments import move_appointment, record_answer
from contacts.models import Appointment
from contacts.optouts import record_optout
from contacts.people import change_phone
from reminders.lifecycle.follow_ups import open_follow_up
from tests.people import (
    SARAH,
    make_appointment,
    make_contact,
    make_due_reminder,
    make_location,
    make_number,
)
from tests.waiting import find_free_port
from tests.webhooks.outgoing.receiver import Answer, Receiver
from webhooks.outgoing.deliveries import (
    AttemptResult,
    begin_attempt,
    claim_endpoint,
    deliver_due,
    distribute_events,
    record_attempt,
    release_endpoint,
    send_attempt,
)
from webhooks.outgoing.endpoints import (
    describe_trouble,
    end_old_secrets,
    replay_deliveries,
    replay_since,
    rotate_secrets,
    send_test_events,
    switch_off,
    switch_on,
)
from webhooks.outgoing.models import (
    DeliveryAttempt,
    OutgoingDelivery,
    OutgoingEndpoint,
    OutgoingEvent,
)
from webhooks.outgoing.schedule import MOST_TRIES, OFF_AFTER

pytestmark = pytest.mark.django_db

BUSY: Answer = (500, {}, b"busy")


def opt_out(*numbers: str) -> None:
    for e164 in numbers or (SARAH,):
        record_optout(make_number(e164).pk, scope="all", source="key", at=timezone.now(), evidence="call x")


def confirm(appointment: Appointment) -> None:
    record_answer(appointment.pk, "confirmed", revision=1, at=timezone.now(), how="key_1")


def wait_over() -> None:
    """As if all waits were over."""
    OutgoingDelivery.objects.update(next_attempt_at=timezone.now() - timedelta(seconds=1))
    OutgoingEndpoint.objects.update(paused_until=None)


def list_states() -> list[str]:
    return list(OutgoingDelivery.objects.order_by("event_id").values_list("state", flat=True))


class TestWhatIsSent:
    def test_a_confirmation_arrives_signed_with_ids_and_times_and_without_a_name(
        self, receiver: Receiver, endpoint: OutgoingEndpoint
    ) -> None:
        contact = make_contact(source="dentrix", external_id="P-7")
        appointment = make_appointment(contact, source="dentrix", external_id="A-9")
        confirm(appointment)
        assert deliver_due() == 1
        body = receiver.verify(endpoint.secret)
        event = OutgoingEvent.objects.get()
        appointment.refresh_from_db()
        assert body["type"] == "appointment.confirmed"
        assert body["timestamp"] == f"{event.occurred_at:%Y-%m-%dT%H:%M:%SZ}"
        assert body["data"] == {
            "number": "+1 ••• ••• ••00",
            "appointment": {
                "id": appointment.pk,
                "source": "dentrix",
                "external_id": "A-9",
                "revision": 1,
                "starts_at": f"{appointment.starts_at:%Y-%m-%dT%H:%M:%SZ}",
                "local_start": appointment.local_start.isoformat(timespec="seconds"),
                "time_zone": appointment.time_zone,
                "location_id": appointment.location_id,
                "provider_id": appointment.provider_id,
                "status": "booked",
                "is_current": True,
            },
            "contacts": [{"id": contact.pk, "source": "dentrix", "external_id": "P-7"}],
            "how": "key_1",
        }
        headers, raw = receiver.requests[0]
        assert headers["webhook-id"] == f"msg_{event.public_id.hex}"
        assert headers["content-type"] == "application/json"
        for personal in (b"Sarah", b"Lindqvist", SARAH.encode(), b"Chen"):
            assert personal not in raw

    def test_an_opt_out_names_everybody_who_shares_the_number(
        self, receiver: Receiver, endpoint: OutgoingEndpoint
    ) -> None:
        first, second = make_contact("Sarah"), make_contact("Noah")
        opt_out()
        deliver_due()
        data = receiver.verify(endpoint.secret)["data"]
        assert [one["id"] for one in data["contacts"]] == [first.pk, second.pk]
        assert (data["scope"], data["source"], "appointment" in data) == ("all", "key", False)

    def test_who_was_not_reached_is_told_with_the_reason(
        self, receiver: Receiver, endpoint: OutgoingEndpoint
    ) -> None:
        open_follow_up("could_not_reach", reminder=make_due_reminder())
        deliver_due()
        body = receiver.verify(endpoint.secret)
        assert (body["type"], body["data"]["reason"]) == ("appointment.not_reached", "could_not_reach")

    def test_the_number_is_sent_in_full_only_to_an_endpoint_that_says_so(
        self, receiver: Receiver, endpoint: OutgoingEndpoint
    ) -> None:
        OutgoingEndpoint.objects.update(with_number=True)
        opt_out()
        deliver_due()
        assert receiver.verify(endpoint.secret)["data"]["number"] == SARAH

    def test_an_appointment_that_was_moved_meanwhile_says_so_and_keeps_the_time_of_the_answer(
        self, receiver: Receiver, endpoint: OutgoingEndpoint
    ) -> None:
        appointment = make_appointment()
        confirm(appointment)
        later = appointment.starts_at + timedelta(days=1)
        move_appointment(appointment.pk, starts_at=later, ends_at=later + timedelta(minutes=30))
        deliver_due()
        told = receiver.verify(endpoint.secret)["data"]["appointment"]
        assert (told["is_current"], told["revision"]) == (False, 1)
        assert told["starts_at"] == f"{appointment.starts_at:%Y-%m-%dT%H:%M:%SZ}"

    def test_an_answer_that_counts_for_another_number_of_the_patient_too_is_current(
        self, receiver: Receiver, endpoint: OutgoingEndpoint
    ) -> None:
        appointment = make_appointment()
        confirm(appointment)
        change_phone(appointment.contact, make_number("+12025550142"))
        deliver_due()
        told = receiver.verify(endpoint.secret)["data"]["appointment"]
        assert (told["is_current"], told["revision"]) == (True, 1)

    def test_a_time_is_told_with_its_zone_or_with_none(
        self, receiver: Receiver, endpoint: OutgoingEndpoint
    ) -> None:
        appointment = make_appointment()
        confirm(appointment)
        there = make_location("Uptown", time_zone="Asia/Kolkata")  # no other is half an hour off
        later = appointment.starts_at + timedelta(days=1)
        move_appointment(
            appointment.pk, starts_at=later, ends_at=later + timedelta(minutes=30), location=there
        )
        deliver_due()
        told = receiver.verify(endpoint.secret)["data"]["appointment"]
        assert (told["is_current"], told["time_zone"]) == (False, None)
        assert told["local_start"] == appointment.local_start.isoformat(timespec="seconds")

    def test_a_corrected_zone_is_told_with_the_moment_of_now(
        self, receiver: Receiver, endpoint: OutgoingEndpoint
    ) -> None:
        appointment = make_appointment()
        confirm(appointment)
        moved = appointment.starts_at + timedelta(hours=1)
        ends = moved + timedelta(minutes=30)
        Appointment.objects.update(time_zone="America/Chicago", starts_at=moved, ends_at=ends)
        deliver_due()
        told = receiver.verify(endpoint.secret)["data"]["appointment"]
        assert (told["is_current"], told["time_zone"]) == (True, "America/Chicago")
        assert told["starts_at"] == f"{moved:%Y-%m-%dT%H:%M:%SZ}"

    def test_a_body_that_was_tampered_with_does_not_verify(
        self, receiver: Receiver, endpoint: OutgoingEndpoint
    ) -> None:
        opt_out()
        deliver_due()
        headers, body = receiver.requests[0]
        receiver.requests[0] = headers, body.replace(b"opted_out", b"opted_inn")
        with pytest.raises(WebhookVerificationError):
            receiver.verify(endpoint.secret)

    def test_while_secrets_are_rotated_both_verify_and_then_only_the_new_one(
        self, receiver: Receiver, endpoint: OutgoingEndpoint
    ) -> None:
        rotate_secrets([endpoint.pk])
        new = OutgoingEndpoint.objects.get().secret
        assert new != endpoint.secret
        opt_out()
        deliver_due()
        assert receiver.verify(endpoint.secret) == receiver.verify(new)
        end_old_secrets([endpoint.pk])
        send_test_events([endpoint.pk])
        deliver_due()
        assert receiver.verify(new)["type"] == "callboard.test"
        with pytest.raises(WebhookVerificationError):
            receiver.verify(endpoint.secret)

    def test_an_event_whose_row_was_deleted_is_not_sent(
        self, receiver: Receiver, endpoint: OutgoingEndpoint
    ) -> None:
        opt_out()
        distribute_events()
        OutgoingEvent.objects.update(row_id=424242)
        deliver_due()
        assert (receiver.requests, list_states()) == ([], ["gone"])
        assert not DeliveryAttempt.objects.exists()


class TestWhenItFails:
    def test_a_refused_event_is_sent_again_with_the_same_id_and_another_time_of_its_own(
        self, receiver: Receiver, endpoint: OutgoingEndpoint
    ) -> None:
        receiver.answers = [BUSY]
        opt_out()
        assert deliver_due() == 1
        assert list_states() == ["waiting"]
        assert deliver_due() == 0, "not before its time"
        wait_over()
        assert deliver_due() == 1
        assert receiver.ids()[0] == receiver.ids()[1]
        assert list_states() == ["delivered"]
        first, second = DeliveryAttempt.objects.order_by("pk")
        assert (first.status, first.answer, second.status, second.answer) == (500, "busy", 200, "thank you")
        assert first.milliseconds is not None

    def test_an_event_that_fails_does_not_hold_up_the_next_one(
        self, receiver: Receiver, endpoint: OutgoingEndpoint
    ) -> None:
        receiver.answers = [BUSY]
        opt_out(SARAH, "+12025550142")
        assert deliver_due() == 2
        assert list_states() == ["waiting", "delivered"]

    def test_events_arrive_in_their_order(self, receiver: Receiver, endpoint: OutgoingEndpoint) -> None:
        opt_out(*(f"+1202555010{last}" for last in range(6)))
        deliver_due()
        sent = [f"msg_{event.public_id.hex}" for event in OutgoingEvent.objects.order_by("pk")]
        assert receiver.ids() == sent

    def test_an_endpoint_that_fails_three_times_in_a_row_rests_and_then_gets_the_oldest_first(
        self, receiver: Receiver, endpoint: OutgoingEndpoint
    ) -> None:
        receiver.answers = [BUSY] * 3
        opt_out(*(f"+1202555010{last}" for last in range(6)))
        assert deliver_due() == 3
        assert deliver_due() == 0
        wait_over()
        assert deliver_due() == 6
        assert receiver.ids()[3:] == [
            f"msg_{event.public_id.hex}" for event in OutgoingEvent.objects.order_by("pk")
        ]
        assert OutgoingEndpoint.objects.get().failures == 0

    def test_after_ten_tries_it_is_kept_for_a_person_and_health_says_so(
        self, receiver: Receiver, endpoint: OutgoingEndpoint
    ) -> None:
        receiver.answers = [BUSY] * MOST_TRIES
        opt_out()
        for _ in range(MOST_TRIES):
            wait_over()
            assert deliver_due() == 1
        wait_over()
        assert deliver_due() == 0
        assert list_states() == ["given_up"]
        assert describe_trouble() == ["1 outgoing deliveries were given up"]

    def test_an_endpoint_that_fails_for_days_is_switched_off_and_keeps_what_it_would_get(
        self, receiver: Receiver, endpoint: OutgoingEndpoint
    ) -> None:
        receiver.answers = [BUSY]
        OutgoingEndpoint.objects.update(failing_since=timezone.now() - OFF_AFTER)
        opt_out()
        deliver_due()
        assert OutgoingEndpoint.objects.get().state == "failed"
        assert describe_trouble() == ["1 outgoing endpoints are switched off, since they kept failing"]
        opt_out("+12025550142")
        wait_over()
        assert deliver_due() == 0
        assert switch_on([endpoint.pk]) == 1
        assert deliver_due() == 2
        assert (list_states(), describe_trouble()) == (["delivered", "delivered"], [])

    def test_gone_switches_an_endpoint_off_at_once(
        self, receiver: Receiver, endpoint: OutgoingEndpoint
    ) -> None:
        receiver.answers = [(410, {}, b"")]
        opt_out()
        deliver_due()
        assert OutgoingEndpoint.objects.get().state == "failed"

    def test_a_receiver_that_asks_to_wait_is_left_alone(
        self, receiver: Receiver, endpoint: OutgoingEndpoint
    ) -> None:
        receiver.answers = [(429, {"Retry-After": "600"}, b"")]
        opt_out(SARAH, "+12025550142")
        assert deliver_due() == 1
        soonest = timezone.now() + timedelta(seconds=590)
        assert OutgoingDelivery.objects.order_by("pk")[0].next_attempt_at > soonest
        paused_until = OutgoingEndpoint.objects.get().paused_until
        assert paused_until
        assert paused_until > soonest

    def test_no_redirect_is_followed(self, receiver: Receiver, endpoint: OutgoingEndpoint) -> None:
        receiver.answers = [(307, {"Location": receiver.url}, b"")]
        opt_out()
        deliver_due()
        assert (len(receiver.requests), DeliveryAttempt.objects.get().status) == (1, 307)

    def test_of_an_endless_answer_only_the_beginning_is_kept(
        self, receiver: Receiver, endpoint: OutgoingEndpoint
    ) -> None:
        receiver.answers = [(500, {}, b"a\x00\xff" + b"x" * 1_000_000)]
        opt_out()
        deliver_due()
        assert DeliveryAttempt.objects.get().answer == "a\ufffd\ufffd" + "x" * 497

    def test_a_server_that_is_away_is_a_failure_with_its_code(self) -> None:
        url = f"http://127.0.0.1:{find_free_port()}/"
        OutgoingEndpoint.objects.create(name="away", url=url, types=["number.opted_out"])
        opt_out()
        deliver_due()
        attempt = DeliveryAttempt.objects.get()
        assert (attempt.status, attempt.fault) == (None, "no_connection")

    def test_an_address_that_leads_into_a_private_network_by_now_gets_nothing(
        self, receiver: Receiver, endpoint: OutgoingEndpoint, settings: Any
    ) -> None:
        settings.LOOPBACK_MAY_BE_ASKED = False
        OutgoingEndpoint.objects.update(url=receiver.url.replace("http:", "https:"))
        opt_out()
        deliver_due()
        assert (receiver.requests, DeliveryAttempt.objects.get().fault) == ([], "private")

    def test_times_from_before_the_clock_was_set_back_hold_nothing_up(
        self, receiver: Receiver, endpoint: OutgoingEndpoint
    ) -> None:
        """Product rule 28."""
        opt_out()
        distribute_events()
        ahead = timezone.now() + timedelta(days=400)
        OutgoingDelivery.objects.update(next_attempt_at=ahead)
        OutgoingEndpoint.objects.update(paused_until=ahead, lease_until=ahead, lease_token=None)
        assert deliver_due() == 1


class TestKilledProcesses:
    def test_killed_before_the_request_it_is_sent_once_the_lease_and_the_wait_are_over(
        self, receiver: Receiver, endpoint: OutgoingEndpoint
    ) -> None:
        opt_out()
        distribute_events()
        claim = claim_endpoint()
        assert claim
        assert begin_attempt(claim)  # and killed here
        assert deliver_due() == 0, "the lease stands"
        OutgoingEndpoint.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        wait_over()
        assert deliver_due() == 1
        assert list_states() == ["delivered"]
        killed, good = DeliveryAttempt.objects.order_by("pk")
        assert (killed.status, killed.fault, good.status) == (None, "", 200)

    def test_killed_after_the_request_it_is_sent_again_with_the_same_id(
        self, receiver: Receiver, endpoint: OutgoingEndpoint
    ) -> None:
        opt_out()
        distribute_events()
        claim = claim_endpoint()
        assert claim
        begun = begin_attempt(claim)
        assert begun
        assert send_attempt(begun)  # and killed here
        OutgoingEndpoint.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        wait_over()
        deliver_due()
        assert len(receiver.requests) == 2
        assert len(set(receiver.ids())) == 1

    def test_killed_again_and_again_it_waits_longer_each_time(
        self, receiver: Receiver, endpoint: OutgoingEndpoint
    ) -> None:
        opt_out()
        distribute_events()
        waits = []
        for _ in range(3):
            claim = claim_endpoint()
            assert claim
            assert begin_attempt(claim)
            delivery = OutgoingDelivery.objects.get()
            waits.append(delivery.next_attempt_at - timezone.now())
            OutgoingEndpoint.objects.update(lease_until=None)
            wait_over()
        assert waits == sorted(waits)
        assert waits[-1] > timedelta(minutes=25)

    def test_a_process_that_was_suspended_past_its_lease_sends_nothing(
        self, receiver: Receiver, endpoint: OutgoingEndpoint, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        opt_out()
        distribute_events()
        claim = claim_endpoint()
        assert claim
        begun = begin_attempt(claim)
        assert begun
        now = time.monotonic()
        monkeypatch.setattr(time, "monotonic", lambda: now + 40)
        result = send_attempt(begun)
        assert (receiver.requests, result and result.fault) == ([], "too_slow")

    def test_a_lease_that_another_process_took_over_begins_nothing_and_releases_nothing(
        self, endpoint: OutgoingEndpoint
    ) -> None:
        opt_out()
        distribute_events()
        old = claim_endpoint()
        assert old
        OutgoingEndpoint.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        new = claim_endpoint()
        assert new
        assert begin_attempt(old) is None
        release_endpoint(old)
        assert OutgoingEndpoint.objects.get().lease_token == new.token


class TestPeople:
    def test_one_that_was_delivered_is_sent_again_with_its_id(
        self, receiver: Receiver, endpoint: OutgoingEndpoint
    ) -> None:
        opt_out()
        deliver_due()
        assert replay_deliveries(OutgoingDelivery.objects.values_list("pk", flat=True)) == 1
        deliver_due()
        assert len(receiver.requests) == 2
        assert len(set(receiver.ids())) == 1

    def test_all_since_a_moment_are_sent_those_too_that_it_never_got(
        self, receiver: Receiver, endpoint: OutgoingEndpoint
    ) -> None:
        opt_out()
        deliver_due()
        assert switch_off([endpoint.pk]) == 1
        opt_out("+12025550142")
        deliver_due()
        switch_on([endpoint.pk])
        deliver_due()
        assert len(receiver.requests) == 1, "what happened while it was off isn't sent by itself"
        assert replay_since(endpoint.pk, timezone.now() - timedelta(hours=1)) == 2
        deliver_due()
        assert [len(receiver.requests), len(set(receiver.ids()))] == [3, 2]
        assert replay_since(endpoint.pk, timezone.now() + timedelta(hours=1)) == 0
        OutgoingEvent.objects.update(occurred_at=timezone.now() - timedelta(days=1))
        assert replay_since(endpoint.pk, timezone.now() - timedelta(hours=1)) == 2, "recorded since"

    def test_one_put_on_the_list_anew_while_it_is_sent_is_not_given_up_by_what_was_under_way(
        self, endpoint: OutgoingEndpoint
    ) -> None:
        opt_out()
        distribute_events()
        OutgoingDelivery.objects.update(attempts=MOST_TRIES - 1)
        claim = claim_endpoint()
        assert claim
        begun = begin_attempt(claim)
        assert begun
        replay_deliveries([begun.delivery.pk])
        record_attempt(begun, AttemptResult(status=500))
        assert list_states() == ["waiting"]

    def test_what_is_late_is_told(self, endpoint: OutgoingEndpoint) -> None:
        opt_out()
        distribute_events()
        assert describe_trouble() == []
        OutgoingDelivery.objects.update(next_attempt_at=F("next_attempt_at") - timedelta(hours=1))
        assert describe_trouble() == ["1 outgoing deliveries have waited for 15 minutes"]


@pytest.mark.django_db(transaction=True)
def test_two_processes_never_send_to_an_endpoint_at_the_same_moment(
    receiver: Receiver, endpoint: OutgoingEndpoint
) -> None:
    opt_out(SARAH, "+12025550142")
    made_by_second: list[int] = []

    def deliver_in_second_process(_path: str) -> None:
        if made_by_second:
            return

        def deliver() -> None:
            try:
                made_by_second.append(deliver_due())
            finally:
                connection.close()

        thread = threading.Thread(target=deliver)
        thread.start()
        thread.join(20)

    receiver.before_answering = deliver_in_second_process
    assert deliver_due() == 2
    assert made_by_second == [0]
    assert len(set(receiver.ids())) == len(receiver.ids()) == 2
    assert json.loads(receiver.requests[0][1])["type"] == "number.opted_out"
