"""The client and the sandbox, which share no code, work together over HTTP."""

from collections.abc import Iterator

import pytest

from reminders.robotalker.client import RobotalkerClient, RobotalkerSettings
from reminders.robotalker.errors import Refused, Rejected, Unauthorized
from reminders.robotalker.payloads import (
    CallPayload,
    Recipient,
    build_campaign,
    build_contact,
    build_sms,
    build_sms_batch,
)
from tests.reminders.robotalker.conftest import MESSAGE, SARAH, VARIABLES
from tests.sandbox_server import SandboxServer

TOM = "+12125550177"
STATUS_URL = "http://127.0.0.1:9/status"
SENDER = {"from_number": "+18005550199", "message": MESSAGE, "status_url": STATUS_URL}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxServer]:
    server = SandboxServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def client(sandbox: SandboxServer) -> Iterator[RobotalkerClient]:
    with RobotalkerClient(RobotalkerSettings(base_url=sandbox.url, api_key=sandbox.api_key)) as opened:
        yield opened


def test_a_call_is_accepted_and_its_status_can_be_read(
    client: RobotalkerClient, sarahs_call: CallPayload
) -> None:
    accepted = client.create_call(sarahs_call)
    assert (accepted.status, accepted.to) == ("queued", SARAH)
    assert accepted.created_at is not None
    assert client.get_call(accepted.call_id).call_id == accepted.call_id


def test_a_campaign_is_accepted_and_its_status_can_be_read(client: RobotalkerClient) -> None:
    recipients = [Recipient(SARAH, VARIABLES), Recipient(TOM, VARIABLES)]
    campaign = build_campaign(recipients=recipients, voice="en-US-Neural-F", key_urls={}, **SENDER)
    accepted = client.create_campaign(campaign)
    found = client.get_campaign(accepted.campaign_id)
    assert sum(found.stats.values()) == 2


def test_text_messages_are_accepted(client: RobotalkerClient) -> None:
    assert client.send_sms(build_sms(to=SARAH, variables=VARIABLES, **SENDER)).to == SARAH
    recipients = [Recipient(SARAH, VARIABLES), Recipient(TOM, VARIABLES)]
    batch = client.send_sms_batch(build_sms_batch(recipients=recipients, **SENDER))
    assert {message.to for message in batch.messages} == {SARAH, TOM}


def test_an_opt_out_is_stored(client: RobotalkerClient) -> None:
    number = "+12125550188"
    stored = client.create_contact(build_contact(to=number, voice_opted_out=True))
    assert (stored.voice_opted_out, stored.sms_opted_out) == (True, False)
    assert client.get_contacts(number).contacts == (stored,)
    assert stored in client.get_contacts().contacts
    assert stored in client.get_contacts(opted_out=True).contacts
    assert client.get_contacts(TOM).contacts == ()


def test_a_wrong_api_key_is_refused_as_unauthorized(sandbox: SandboxServer, sarahs_call: CallPayload) -> None:
    settings = RobotalkerSettings(base_url=sandbox.url, api_key="another-key")
    with RobotalkerClient(settings) as client, pytest.raises(Unauthorized):
        client.create_call(sarahs_call)


def test_a_rejected_number_is_reported_with_its_field(client: RobotalkerClient) -> None:
    bad = CallPayload(
        to="+1 (212) 555-0100",  # built without build_call, which would refuse it
        from_number="+18005550199",
        message="Hello.",
        voice="en-US-Neural-F",
        variables={},
        status_url=STATUS_URL,
        key_urls={},
        optout_key="9",
    )
    with pytest.raises(Rejected) as caught:
        client.create_call(bad)
    assert (caught.value.status, caught.value.field) == (400, "to")
    assert caught.value.is_about_the_number


def test_the_status_of_an_unknown_call_is_refused(client: RobotalkerClient) -> None:
    with pytest.raises(Refused) as caught:
        client.get_call("cal_unknown1")
    assert caught.value.status == 404
