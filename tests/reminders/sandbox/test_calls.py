"""Playing calls and text messages: scenarios, the mix, actions of a person, and the events."""

from collections import Counter
from collections.abc import Iterator

import pytest
import requests

from reminders.sandbox.scenarios import DEFAULT_MIX, SCENARIO_BY_ENDING, Scenario, choose_scenario
from tests.reminders.sandbox.requests import order_call, order_campaign, order_sms
from tests.reminders.sandbox.webhook import Webhook
from tests.sandbox_server import SandboxServer, run_sandbox
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def attended_process() -> Iterator[SandboxServer]:
    with run_sandbox(["--attended", "--ring-seconds", "100"], speed=4) as server:
        yield server


@pytest.fixture
def attended(attended_process: SandboxServer) -> SandboxServer:
    attended_process.reset()
    return attended_process


@pytest.mark.parametrize(
    ("ending", "events", "status", "key", "reason"),
    [
        ("7701", ["call.dtmf", "call.completed"], "answered", "1", None),
        ("7702", ["call.dtmf", "call.completed"], "answered", "2", None),
        ("7703", ["call.no_answer"], "no_answer", None, None),
        ("7704", ["call.failed"], "failed", None, "busy"),
        ("7705", ["call.completed"], "answered", "5", None),
        ("7706", ["call.voicemail"], "voicemail", None, None),
        ("7707", ["call.failed"], "failed", None, "invalid_number"),
        ("7708", ["call.completed"], "answered", None, None),
        ("7709", ["contact.optout", "call.completed"], "answered", "9", None),
        ("7710", ["call.completed"], "answered", None, None),
        ("7711", ["call.failed"], "failed", None, "carrier"),
        ("7712", ["call.dtmf", "call.completed"], "answered", "1", None),
    ],
)
def test_each_scenario_posts_its_events(
    sandbox: SandboxServer,
    webhook: Webhook,
    ending: str,
    events: list[str],
    status: str,
    key: str | None,
    reason: str | None,
) -> None:
    number = f"+1212555{ending}"
    sandbox.api("POST", "/api/v1/calls", order_call(number, webhook.url))
    sandbox.wait_for_post(events[-1], number)
    last = webhook.received[-1][1]
    assert webhook.events == events
    assert (last["status"], last.get("dtmf_response"), last.get("reason")) == (status, key, reason)


def test_every_scenario_has_a_number() -> None:
    assert set(SCENARIO_BY_ENDING.values()) == set(Scenario)


def test_the_event_of_a_completed_call_is_as_in_the_guide(sandbox: SandboxServer, webhook: Webhook) -> None:
    sandbox.api("POST", "/api/v1/calls", order_call("+12125557701", webhook.url))
    wait_until(lambda: len(webhook.received) == 2, "both events")
    path, body = webhook.received[1]
    assert path == "/call-status"
    assert list(body) == [
        "event",
        "call_id",
        "to",
        "status",
        "duration_seconds",
        "dtmf_response",
        "amd_result",
        "timestamp",
    ]
    assert body["duration_seconds"] > 0
    assert body["amd_result"] == "human"


def test_a_key_is_posted_to_its_own_url(sandbox: SandboxServer, webhook: Webhook) -> None:
    sandbox.api("POST", "/api/v1/calls", order_call("+12125557702", webhook.url))
    wait_until(lambda: webhook.received, "the key")
    path, body = webhook.received[0]
    assert (path, body["event"], body["digit"], body["to"]) == (
        "/reschedule",
        "call.dtmf",
        "2",
        "+12125557702",
    )


def test_the_events_of_a_campaign_have_its_id(sandbox: SandboxServer, webhook: Webhook) -> None:
    order = order_campaign(["+12125557701"], webhook.url)
    campaign_id = sandbox.api("POST", "/api/v1/campaigns", order).json()["campaign_id"]
    wait_until(lambda: len(webhook.received) == 2, "both events")
    assert {body["campaign_id"] for _, body in webhook.received} == {campaign_id}
    assert all(body["call_id"] and body["to"] for _, body in webhook.received)


def test_the_opt_out_key_opts_the_contact_out(sandbox: SandboxServer, webhook: Webhook) -> None:
    sandbox.api("POST", "/api/v1/calls", order_call("+12125557709", webhook.url))
    sandbox.wait_for_post("contact.optout", "+12125557709")
    path, body = webhook.received[0]
    assert (path, body["channel"]) == ("/call-status", "voice")
    (contact,) = sandbox.api("GET", "/api/v1/contacts?to=%2B12125557709").json()["contacts"]
    assert contact["opted_out"] == {"voice": True, "sms": False}


def test_a_number_can_be_given_a_scenario_for_each_try(sandbox: SandboxServer) -> None:
    number = "+12125550142"
    sandbox.set_scenarios({number: ["no_answer", "press_1"]})
    outcomes = []
    for _ in range(3):
        call_id = sandbox.api("POST", "/api/v1/calls", order_call(number)).json()["call_id"]
        wait_until(
            lambda: [c for c in sandbox.calls(number, "ended") if c["call_id"] == call_id],  # noqa: B023
            "the call to end",
        )
        outcomes.append(sandbox.api("GET", f"/api/v1/calls/{call_id}").json()["status"])
    assert outcomes == ["no_answer", "answered", "answered"]


def test_the_mix_has_the_usual_shares_of_outcomes() -> None:
    outcomes: Counter[str] = Counter()
    for index in range(5000):
        scenario = choose_scenario(DEFAULT_MIX, seed=1, number=f"+1212555{index:04}", attempt=1)
        kind = "failed" if scenario.failure else "voicemail" if scenario is Scenario.VOICEMAIL else "answered"
        outcomes[kind] += 1
    shares = {kind: count / 5000 for kind, count in outcomes.items()}
    assert shares == pytest.approx({"answered": 0.36, "voicemail": 0.53, "failed": 0.11}, abs=0.03)


def test_the_same_seed_gives_the_same_scenarios() -> None:
    def play(seed: int) -> list[Scenario]:
        numbers = [f"+1212555{index:04}" for index in range(50)]
        return [choose_scenario(DEFAULT_MIX, seed=seed, number=number, attempt=1) for number in numbers]

    assert play(1) == play(1) != play(2)


def test_a_person_can_answer_press_a_key_and_hang_up(attended: SandboxServer, webhook: Webhook) -> None:
    number = "+12125557706"  # its scenario is a voicemail
    attended.api("POST", "/api/v1/calls", order_call(number, webhook.url))
    call_id = attended.wait_for_call(number, "ringing")["call_id"]
    attended.answer(call_id)
    attended.press(call_id, "1")
    assert attended.hang_up(call_id)["status"] == "answered"
    attended.wait_for_post("call.completed", number)
    assert webhook.events == ["call.dtmf", "call.completed"]


def test_a_declined_call_counts_as_not_answered(attended: SandboxServer, webhook: Webhook) -> None:
    attended.api("POST", "/api/v1/calls", order_call("+12125557701", webhook.url))
    attended.hang_up(attended.wait_for_call("+12125557701", "ringing")["call_id"])
    attended.wait_for_post("call.no_answer", "+12125557701")


def test_a_call_that_no_person_answers_plays_its_scenario(attended: SandboxServer) -> None:
    attended.behave(ring_seconds=0.2, speed=50)
    attended.api("POST", "/api/v1/calls", order_call("+12125557701"))
    call = attended.wait_for_call("+12125557701", "ended")
    assert (call["answered_by"], call["keys"]) == ("scenario", ["1"])


def test_a_call_ends_after_a_key_with_an_action(attended: SandboxServer) -> None:
    attended.api("POST", "/api/v1/calls", order_call("+12125557706"))
    call_id = attended.wait_for_call("+12125557706", "ringing")["call_id"]
    attended.answer(call_id)
    attended.press(call_id, "2")
    assert attended.wait_for_call("+12125557706", "ended")["keys"] == ["2"]


@pytest.mark.parametrize("action", ["answer", "hangup"])
def test_an_ended_call_refuses_further_actions(sandbox: SandboxServer, action: str) -> None:
    sandbox.api("POST", "/api/v1/calls", order_call("+12125557704"))
    call_id = sandbox.wait_for_call("+12125557704", "ended")["call_id"]
    with pytest.raises(requests.HTTPError, match="409"):
        sandbox.control("POST", f"/sandbox/calls/{call_id}/{action}")


def test_a_text_message_is_delivered_and_answered_by_its_scenario(
    sandbox: SandboxServer, webhook: Webhook
) -> None:
    sandbox.api("POST", "/api/v1/sms", order_sms("+12125557701", webhook.url))
    wait_until(lambda: len(webhook.received) == 2, "both events")
    assert webhook.events == ["sms.delivered", "sms.received"]
    assert webhook.received[1][1]["text"] == "1"


def test_stop_opts_the_number_out_of_text_messages(sandbox: SandboxServer, webhook: Webhook) -> None:
    number = "+12125557706"
    sandbox.api("POST", "/api/v1/sms", order_sms(number, webhook.url))
    sandbox.wait_for_post("sms.delivered", number)
    sandbox.reply(number, " stop ")
    sandbox.wait_for_post("contact.optout", number)
    assert webhook.events == ["sms.delivered", "sms.received", "contact.optout"]
    assert webhook.received[2][1]["channel"] == "sms"
    sandbox.api("POST", "/api/v1/sms", order_sms(number, webhook.url))
    assert sandbox.wait_for_post("sms.failed", number)["body"]["reason"] == "opted_out"


@pytest.mark.parametrize("change", [{"speed": 0}, {"mix": {"dance": 1}}, {"colour": 1}, {"speed": "x"}])
def test_an_invalid_behaviour_is_refused(sandbox: SandboxServer, change: dict[str, object]) -> None:
    with pytest.raises(requests.HTTPError, match="400"):
        sandbox.behave(**change)
