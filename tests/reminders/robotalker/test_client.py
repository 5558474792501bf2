"""How requests are sent, and how the responses to accepted requests are read."""

import json
import re
import select
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reminders.robotalker.client import RobotalkerClient, RobotalkerSettings
from reminders.robotalker.errors import AnswerUnusable, RobotalkerError
from reminders.robotalker.payloads import (
    CallPayload,
    Recipient,
    build_campaign,
    build_contact,
    build_sms,
    build_sms_batch,
)
from reminders.robotalker.responses import (
    CallAccepted,
    CallStatus,
    CampaignAccepted,
    CampaignStatus,
    ContactList,
    ContactStatus,
    SmsAccepted,
    SmsBatchAccepted,
)
from reminders.robotalker.vocabulary import AmdResult
from tests.reminders.robotalker.conftest import API_KEY, SARAH, OpenClient
from tests.reminders.robotalker.guide import CALL_ANSWER, CALL_REQUEST
from tests.reminders.robotalker.raw_server import RawServer, answer, send, send_and_close, write_answer

CREATED = datetime(2025, 4, 15, 10, 30, tzinfo=UTC)
GUIDE_ANSWER = json.loads(CALL_ANSWER)

OTHER = "+12125550142"


def test_the_guides_request_is_sent_and_its_response_is_read(
    open_client: OpenClient, sarahs_call: CallPayload
) -> None:
    with RawServer(answer(201, CALL_ANSWER.encode())) as server, open_client(server.url) as client:
        accepted = client.create_call(sarahs_call)
    assert accepted == CallAccepted("cal_9x7k2m4p", "queued", SARAH, CREATED)
    [request] = server.requests
    assert (request.method, request.target) == ("POST", "/api/v1/calls")
    assert request.headers["authorization"] == f"Bearer {API_KEY}"
    assert request.headers["content-type"] == "application/json"
    assert (
        request.headers["accept-encoding"] == "identity"
    )  # else a small compressed body could exceed the size limit
    assert request.json() == json.loads(CALL_REQUEST)


@pytest.mark.parametrize("status", [200, 201, 202])
@pytest.mark.parametrize(
    ("body", "accepted"),
    [
        ({"call_id": "cal_1"}, CallAccepted("cal_1")),
        ({"call_id": "cal_1", "status": 5, "to": None, "created_at": "soon"}, CallAccepted("cal_1")),
        ({"call_id": "cal_1", "cost": 0.02, "more": {"a": [1]}}, CallAccepted("cal_1")),
    ],
)
def test_a_response_with_an_id_is_usable_whatever_the_other_fields_are(
    open_client: OpenClient,
    sarahs_call: CallPayload,
    status: int,
    body: dict[str, Any],
    accepted: CallAccepted,
) -> None:
    with RawServer(answer(status, body)) as server, open_client(server.url) as client:
        assert client.create_call(sarahs_call) == accepted


def test_the_status_of_a_call_is_read(open_client: OpenClient) -> None:
    body = GUIDE_ANSWER | {
        "status": "answered",
        "duration_seconds": 28,
        "dtmf_response": "1",
        "amd_result": "human",
        "campaign_id": "cmp_1",
    }
    with RawServer(answer(200, body)) as server, open_client(server.url) as client:
        found = client.get_call("cal_9x7k2m4p")
    assert found == CallStatus(
        "cal_9x7k2m4p",
        "answered",
        SARAH,
        CREATED,
        28,
        "1",
        amd_result=AmdResult.HUMAN,
        amd_word="human",
        campaign_id="cmp_1",
    )
    [request] = server.requests
    assert (request.method, request.target, request.body) == ("GET", "/api/v1/calls/cal_9x7k2m4p", b"")


def test_a_response_about_another_call_is_unusable(open_client: OpenClient) -> None:
    body = {"call_id": "cal_2", "campaign_id": "cmp_2"}
    with RawServer(answer(200, body)) as server, open_client(server.url) as client:
        with pytest.raises(AnswerUnusable):
            client.get_call("cal_1")
        with pytest.raises(AnswerUnusable):
            client.get_campaign("cmp_1")


def test_an_id_is_quoted_as_one_path_segment(open_client: OpenClient) -> None:
    with RawServer(answer(200, {"call_id": "../x?y#z"})) as server, open_client(server.url) as client:
        client.get_call("../x?y#z")
        for bad in ("", ".", "..", "a" * 101):
            with pytest.raises(ValueError, match="not an id"):
                client.get_call(bad)
    assert [request.target for request in server.requests] == ["/api/v1/calls/..%2Fx%3Fy%23z"]


def test_a_campaign_is_sent_and_its_status_is_read(open_client: OpenClient) -> None:
    campaign = build_campaign(
        recipients=[Recipient(SARAH, {"FIRST_NAME": "Sarah"})],
        from_number="+18005550199",
        message="Hello {FIRST_NAME}.",
        voice="en-US-Neural-F",
        status_url="https://yourapp.com/s",
        key_urls={"1": "https://yourapp.com/1"},
    )
    body = {"campaign_id": "cmp_1", "status": "queued", "created_at": "2025-04-15T10:30:00Z"}
    stats = {"stats": {"answered": 1, "odd": "x"}}
    plays = [answer(201, body), answer(200, body | stats)]
    with RawServer(plays) as server, open_client(server.url) as client:
        assert client.create_campaign(campaign) == CampaignAccepted("cmp_1", "queued", CREATED)
        assert client.get_campaign("cmp_1") == CampaignStatus("cmp_1", "queued", CREATED, {"answered": 1})
    assert [request.target for request in server.requests] == ["/api/v1/campaigns", "/api/v1/campaigns/cmp_1"]
    assert server.requests[0].json() == campaign.as_json()


def test_text_messages_are_sent_one_by_one_or_as_a_batch(open_client: OpenClient) -> None:
    sender = {"from_number": "+18005550199", "message": "Reply C.", "status_url": "https://yourapp.com/s"}
    sms = build_sms(to=SARAH, variables={}, **sender)
    batch = build_sms_batch(recipients=[Recipient(SARAH, {})], **sender)
    one = {"sms_id": "sms_1", "status": "queued", "to": SARAH, "created_at": "2025-04-15T10:30:00Z"}
    plays = [
        answer(201, one),
        answer(201, {"batch_id": "bat_1", "status": "queued", "messages": [one, {}, 5]}),
    ]
    with RawServer(plays) as server, open_client(server.url) as client:
        sent = SmsAccepted("sms_1", "queued", SARAH, CREATED)
        assert client.send_sms(sms) == sent
        assert client.send_sms_batch(batch) == SmsBatchAccepted("bat_1", "queued", (sent,))
    assert [request.json() for request in server.requests] == [sms.as_json(), batch.as_json()]


def test_contacts_are_sent_and_read(open_client: OpenClient) -> None:
    contact = {"contact_id": "con_1", "to": SARAH, "opted_out": {"voice": True, "sms": False}}
    plays = [answer(201, contact), answer(200, {"contacts": [contact]})]
    with RawServer(plays) as server, open_client(server.url) as client:
        known = ContactStatus(SARAH, voice_opted_out=True, sms_opted_out=False, contact_id="con_1")
        assert client.create_contact(build_contact(to=SARAH, voice_opted_out=True)) == known
        assert client.get_contacts(SARAH).contacts == (known,)
        assert client.get_contacts().contacts == (known,)
        assert client.get_contacts(opted_out=True) == ContactList((known,))
    targets = [request.target for request in server.requests]
    assert targets == [
        "/api/v1/contacts",
        "/api/v1/contacts?to=%2B12125550100",
        "/api/v1/contacts",
        "/api/v1/contacts?opted_out=true",
    ]


def test_a_list_of_contacts_has_a_higher_size_limit_than_other_responses(open_client: OpenClient) -> None:
    contact = {"to": SARAH, "opted_out": {"voice": True, "sms": False}}
    play = answer(200, {"contacts": [contact] * 5000})
    with RawServer(play) as server, open_client(server.url) as client:
        assert len(client.get_contacts().contacts) == 5000


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"contacts": None},
        {"contacts": [{"to": SARAH}]},
        {"contacts": [{"to": SARAH, "opted_out": True}]},
        {"contacts": [SARAH]},
        {"contacts": [{"opted_out": {"voice": False, "sms": False}}]},
    ],
)
def test_a_contact_without_clear_opt_outs_is_unusable(open_client: OpenClient, body: dict[str, Any]) -> None:
    with (
        RawServer(answer(200, body)) as server,
        open_client(server.url) as client,
        pytest.raises(AnswerUnusable),
    ):
        client.get_contacts()


def test_an_entry_that_is_not_clear_hides_no_other_and_counts_as_a_no(open_client: OpenClient) -> None:
    entries = [
        {"to": OTHER, "opted_out": {"voice": True, "sms": None}},
        {"to": "", "opted_out": {"voice": True, "sms": True}},
        {"to": OTHER},
        OTHER,
        {"to": SARAH, "opted_out": {"voice": False, "sms": True}},
    ]
    with RawServer(answer(200, {"contacts": entries})) as server, open_client(server.url) as client:
        found = client.get_contacts()
    said = [(one.to, one.voice_opted_out, one.sms_opted_out) for one in found.contacts]
    assert said == [(OTHER, True, True), (SARAH, False, True)]
    assert (found.unreadable, found.is_whole) == (3, True)


@pytest.mark.parametrize("more", [{"next": "abc"}, {"has_more": True}, {"next_cursor": "x"}, {"total": 2}])
def test_a_list_that_says_that_there_is_more_is_not_the_whole_list(
    open_client: OpenClient, more: dict[str, Any]
) -> None:
    entry = {"to": SARAH, "opted_out": {"voice": True, "sms": True}}
    for said, is_whole in ((more, False), ({"next": None, "has_more": False, "total": 1}, True)):
        body = {"contacts": [entry], **said}
        with RawServer(answer(200, body)) as server, open_client(server.url) as client:
            assert client.get_contacts().is_whole is is_whole


def test_one_client_uses_one_connection_for_all_its_requests(
    open_client: OpenClient, sarahs_call: CallPayload
) -> None:
    with RawServer(answer(201, GUIDE_ANSWER)) as server, open_client(server.url) as client:
        for _ in range(3):
            client.create_call(sarahs_call)
    assert (server.connections, len(server.requests)) == (1, 3)


def test_a_connection_that_was_idle_for_too_long_is_not_reused(
    open_client: OpenClient, sarahs_call: CallPayload, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reminders.robotalker.client.KEEP_ALIVE_SECONDS", 0)
    with RawServer(answer(201, GUIDE_ANSWER)) as server, open_client(server.url) as client:
        client.create_call(sarahs_call)
        client.create_call(sarahs_call)
    assert server.connections == 2


def test_a_connection_that_the_server_closed_is_not_reused(
    open_client: OpenClient, sarahs_call: CallPayload
) -> None:
    with (
        RawServer(send_and_close(write_answer(201, GUIDE_ANSWER))) as server,
        open_client(server.url) as client,
    ):
        for _ in range(3):
            client.create_call(sarahs_call)
            # The server's FIN has to arrive first: a request sent before it is lost for any client.
            assert select.select([find_idle_socket(client, server.url)], [], [], 10)[0]
    assert (server.connections, len(server.requests)) == (3, 3)


def test_closing_a_client_closes_its_connections_at_once(
    open_client: OpenClient, sarahs_call: CallPayload
) -> None:
    with RawServer(answer(201, GUIDE_ANSWER)) as server:
        with open_client(server.url) as client:
            client.create_call(sarahs_call)
            idle = find_idle_socket(client, server.url)
        assert idle.fileno() == -1


def find_idle_socket(client: RobotalkerClient, url: str) -> socket.socket:
    """The socket of the one idle connection."""
    [pool] = client._session.get_adapter(url).poolmanager.pools._container.values()  # type: ignore[attr-defined]
    [connection] = [connection for connection in pool.pool.queue if connection]
    idle: socket.socket = connection.sock
    return idle


def test_two_clients_share_no_connection(open_client: OpenClient, sarahs_call: CallPayload) -> None:
    with RawServer(answer(201, GUIDE_ANSWER)) as server:
        for _ in range(2):
            with open_client(server.url) as client:
                client.create_call(sarahs_call)
    assert server.connections == 2


def test_a_chunked_response_is_read(open_client: OpenClient, sarahs_call: CallPayload) -> None:
    content = json.dumps(GUIDE_ANSWER).encode()
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (content[:10], content[10:]))
    whole = b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"
    with RawServer(send(whole)) as server, open_client(server.url) as client:
        assert client.create_call(sarahs_call).call_id == "cal_9x7k2m4p"


def test_proxies_and_netrc_of_the_environment_are_ignored(
    open_client: OpenClient, sarahs_call: CallPayload, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with RawServer(answer(201, GUIDE_ANSWER)) as server, open_client(server.url) as client:
        client.create_call(sarahs_call)
    assert server.requests[0].headers["authorization"] == f"Bearer {API_KEY}"


def test_cookies_are_not_stored(open_client: OpenClient, sarahs_call: CallPayload) -> None:
    play = answer(201, GUIDE_ANSWER, Set_Cookie="session=1; Path=/")
    with RawServer(play) as server, open_client(server.url) as client:
        client.create_call(sarahs_call)
        client.create_call(sarahs_call)
    assert all("cookie" not in request.headers for request in server.requests)


@pytest.mark.parametrize(
    "change",
    [
        {"base_url": "api.robotalker.example"},
        {"base_url": "ftp://api.robotalker.example"},
        {"base_url": "https://"},
        {"base_url": "https://me:secret@api.robotalker.example"},
        {"base_url": "https://api.robotalker.example/?key=1"},
        {"api_key": ""},
        {"api_key": f"{API_KEY}\n"},
        {"api_key": f"{API_KEY} "},
        {"api_key": f"{API_KEY}é"},
        {"total_deadline": 0},
        {"read_timeout": -1},
    ],
)
def test_invalid_settings_are_refused(change: dict[str, Any]) -> None:
    good: dict[str, Any] = {"base_url": "https://api.robotalker.example", "api_key": API_KEY}
    assert RobotalkerSettings(**good)
    with pytest.raises(ValueError, match=r"must be") as caught:
        RobotalkerSettings(**good | change)
    assert API_KEY not in str(caught.value)


def test_the_api_key_is_in_no_repr(open_client: OpenClient) -> None:
    settings = RobotalkerSettings(base_url="https://api.robotalker.example", api_key=API_KEY)
    with open_client("http://127.0.0.1:9") as client:
        for shown in (repr(settings), str(settings), repr(client), str(client)):
            assert API_KEY not in shown


def test_the_repr_of_a_response_shows_no_number() -> None:
    shown = repr(
        [CallAccepted("cal_1", to=SARAH), CallStatus("cal_1", to=SARAH), SmsAccepted("sms_1", to=SARAH)]
    )
    shown += repr(ContactStatus(SARAH, voice_opted_out=True, sms_opted_out=True))
    assert not re.search(r"\d{5}", shown)


def test_logs_at_the_lowest_level_contain_no_key_number_or_text(
    open_client: OpenClient, sarahs_call: CallPayload, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    refusal = {
        "error": {"code": "invalid_number", "message": f"{SARAH} (Sarah) can't be called", "field": "to"}
    }
    plays = [answer(200, {"contacts": []}), answer(400, refusal), answer(502)]
    with RawServer(plays) as server, open_client(server.url) as client:
        client.get_contacts(SARAH)
        for _ in range(2):
            with pytest.raises(RobotalkerError):
                client.create_call(sarahs_call)
    assert "/api/v1/contacts" in caplog.text  # else nothing was logged
    for secret in (API_KEY, SARAH, "2125550100", "Sarah", "Hello"):
        assert secret not in caplog.text
