"""Each event fault, as seen by a webhook."""

import json

import pytest

from reminders.robotalker.events import EventKind, parse_event
from reminders.sandbox.damages import (
    DAMAGES,
    MACHINE_WORDS,
    damage,
    label_as_machine,
    write_number_nationally,
)
from tests.reminders.sandbox.requests import order_call
from tests.reminders.sandbox.webhook import Webhook
from tests.sandbox_server import SandboxServer
from tests.waiting import wait_until

OPTS_OUT = "+12125557709"
CONFIRMS = "+12125557701"


def place_call(sandbox: SandboxServer, webhook: Webhook, to: str = CONFIRMS) -> None:
    assert sandbox.api("POST", "/api/v1/calls", order_call(to, webhook.url)).status_code == 201


def test_events_arrive_in_order_without_a_fault(sandbox: SandboxServer, webhook: Webhook) -> None:
    place_call(sandbox, webhook, OPTS_OUT)
    sandbox.wait_for_post("call.completed", OPTS_OUT)
    assert webhook.events == ["contact.optout", "call.completed"]


def test_doubled_events_arrive_twice_with_the_same_body(sandbox: SandboxServer, webhook: Webhook) -> None:
    sandbox.faults({"kind": "doubled", "events": ["call.completed"]})
    place_call(sandbox, webhook)
    wait_until(lambda: len(webhook.received) == 3, "both events")
    assert webhook.events == ["call.dtmf", "call.completed", "call.completed"]
    assert webhook.received[1] == webhook.received[2]


def test_the_sandbox_counts_the_events_that_were_taken(sandbox: SandboxServer, webhook: Webhook) -> None:
    def count() -> int:
        delivered: int = sandbox.control("GET", "/sandbox/health")["delivered"]
        return delivered

    before = count()
    sandbox.faults(
        {"kind": "doubled", "events": ["call.completed"]}, {"kind": "lost", "events": ["call.dtmf"]}
    )
    place_call(sandbox, webhook)
    wait_until(lambda: count() == before + 2, "the one that isn't lost, twice")
    assert webhook.events == ["call.completed", "call.completed"]


def test_doubled_events_can_arrive_at_the_same_time(sandbox: SandboxServer, webhook: Webhook) -> None:
    sandbox.faults({"kind": "doubled", "events": ["call.completed"], "times": 5, "together": True})
    place_call(sandbox, webhook)
    wait_until(lambda: len(webhook.received) == 6, "all six")
    assert webhook.events.count("call.completed") == 5


def test_shuffled_events_arrive_in_a_different_order(sandbox: SandboxServer, webhook: Webhook) -> None:
    sandbox.faults({"kind": "shuffled"})
    place_call(sandbox, webhook, OPTS_OUT)
    wait_until(lambda: len(webhook.received) == 2, "both events")
    assert webhook.events == ["call.completed", "contact.optout"]


def test_a_late_event_does_not_delay_the_others(sandbox: SandboxServer, webhook: Webhook) -> None:
    sandbox.faults({"kind": "late", "events": ["call.dtmf"], "seconds": 0.8})
    place_call(sandbox, webhook)
    wait_until(lambda: len(webhook.received) == 2, "both events")
    assert webhook.events == ["call.completed", "call.dtmf"]


def test_a_lost_event_never_arrives(sandbox: SandboxServer, webhook: Webhook) -> None:
    sandbox.faults({"kind": "lost", "events": ["call.dtmf"]})
    place_call(sandbox, webhook)
    sandbox.wait_for_post("call.completed", CONFIRMS)
    assert webhook.events == ["call.completed"]
    assert sandbox.posts("call.dtmf")[0]["state"] == "lost"


def test_events_can_arrive_before_the_response_to_the_request(
    sandbox: SandboxServer, webhook: Webhook
) -> None:
    sandbox.faults({"kind": "before_answer"})
    place_call(sandbox, webhook)
    assert webhook.events == ["call.dtmf", "call.completed"]


def test_events_can_arrive_although_the_response_is_lost(sandbox: SandboxServer, webhook: Webhook) -> None:
    sandbox.faults({"kind": "before_answer"}, {"kind": "error_502"})
    answer = sandbox.api("POST", "/api/v1/calls", order_call(CONFIRMS, webhook.url))
    assert answer.status_code == 502
    assert webhook.events == ["call.dtmf", "call.completed"]


def test_an_event_is_posted_again_after_a_5xx_response(sandbox: SandboxServer, webhook: Webhook) -> None:
    webhook.statuses = [503, 500]
    place_call(sandbox, webhook, "+12125557703")
    post = sandbox.wait_for_post("call.no_answer", "+12125557703")
    assert [attempt["status"] for attempt in post["attempts"]] == [503, 500, 200]


def test_an_event_is_posted_again_without_a_connection_until_it_is_given_up(sandbox: SandboxServer) -> None:
    sandbox.behave(repost_after_seconds=[0.01, 0.01])
    sandbox.api("POST", "/api/v1/calls", order_call("+12125557703"))
    post = sandbox.wait_for_post("call.no_answer", "+12125557703", state="given_up")
    assert [attempt["error"] for attempt in post["attempts"]] == ["ConnectError"] * 3


def test_an_event_is_not_posted_again_after_a_4xx_response(sandbox: SandboxServer, webhook: Webhook) -> None:
    webhook.statuses = [404]
    place_call(sandbox, webhook, "+12125557703")
    post = sandbox.wait_for_post("call.no_answer", "+12125557703", state="refused")
    assert [attempt["status"] for attempt in post["attempts"]] == [404]


def test_an_event_can_be_posted_again_on_request(sandbox: SandboxServer, webhook: Webhook) -> None:
    place_call(sandbox, webhook, "+12125557703")
    post = sandbox.wait_for_post("call.no_answer", "+12125557703")
    sandbox.post_again(post["id"])
    wait_until(lambda: len(webhook.received) == 2, "the second post")
    assert webhook.received[0] == webhook.received[1]


@pytest.mark.parametrize("how", [*DAMAGES, None])
def test_a_damaged_event_is_no_longer_the_guides_json_but_says_the_same(how: str | None) -> None:
    body = {"event": "call.completed", "to": CONFIRMS, "dtmf_response": "1", "duration_seconds": 28}
    raw = damage(body, how)
    assert raw != json.dumps(body).encode()
    if how and how != "cut":
        event = parse_event(raw)
        assert (event.kind, event.keys, event.to) == (EventKind.CALL_COMPLETED, "1", CONFIRMS)


def test_events_are_posted_damaged_and_again_after_a_while(sandbox: SandboxServer, webhook: Webhook) -> None:
    sandbox.faults(
        {"kind": "damaged", "how": "data", "events": ["call.completed"]},
        {"kind": "repeated", "seconds": 0.2, "events": ["call.completed"]},
    )
    place_call(sandbox, webhook)
    wait_until(lambda: len(webhook.received) == 3, "the event and its repetition")
    [_, (_, body), (_, again)] = webhook.received
    assert body == again
    assert body["data"]["event"] == "call.completed"


def test_a_voicemail_can_be_reported_as_an_answer_of_a_machine() -> None:
    said = label_as_machine({"event": "call.voicemail", "status": "voicemail", "amd_result": "machine"})
    assert (said["event"], said["status"]) == ("call.completed", "answered")
    assert said["amd_result"] in MACHINE_WORDS
    assert label_as_machine({"event": "call.completed"}) == {"event": "call.completed"}


def test_a_number_can_be_written_as_people_do() -> None:
    written = write_number_nationally({"to": "+12125550100"})["to"]
    assert written in ("(212) 555-0100", "2125550100", "0012125550100")
    assert write_number_nationally({"to": "+4420"}) == {"to": "+4420"}
