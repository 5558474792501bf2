"""The Robotalker client: one method for each endpoint of the guide, one HTTP request for each method call.

It doesn't retry, doesn't follow redirects, and ignores the environment's proxies and netrc. A method returns
a value, or raises a RobotalkerError whose `meaning` says what became of the request. A client must be used by
one thread only.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, Self, TypeVar
from urllib.parse import quote, urlsplit

import requests

from reminders.robotalker import responses
from reminders.robotalker.errors import AnswerTooLarge, AnswerUnusable, DeadlinePassed, RobotalkerError
from reminders.robotalker.fields import MAX_ID, WrongField
from reminders.robotalker.payloads import (
    CallPayload,
    CampaignPayload,
    ContactPayload,
    SmsBatchPayload,
    SmsPayload,
    check_e164,
)
from reminders.robotalker.status_codes import error_for_status
from reminders.robotalker.strict_json import UnreadableJson, read_object
from reminders.robotalker.transport import FAILURES, Exchange, PlainSession, explain_failure, read_limited

T = TypeVar("T")
KEEP_ALIVE_SECONDS = 2.0  # the server may be closing a connection that has been idle for longer


@dataclass(frozen=True)
class RobotalkerSettings:
    """Robotalker's address and timeouts, in seconds. Raises ValueError for invalid values.

    `base_url` is without /api/v1. `read_timeout` limits each wait for a byte. `total_deadline` limits the
    whole request, from connecting to the last byte received. A DNS lookup can't be interrupted; if the
    deadline has passed when it ends, the request isn't sent.
    """

    base_url: str
    api_key: str = field(repr=False)
    connect_timeout: float = 3.05
    read_timeout: float = 10.0
    total_deadline: float = 20.0
    max_answer_bytes: int = 65_536
    max_list_bytes: int = 8_388_608  # for GET /contacts

    def __post_init__(self) -> None:
        parts = urlsplit(self.base_url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.username:
            raise ValueError("base_url must be an http or https address without user or query")
        if (
            not self.api_key.isascii()
            or not self.api_key.isprintable()
            or " " in self.api_key
            or not self.api_key
        ):
            raise ValueError("the API key must be printable ASCII without spaces")
        limits = [self.connect_timeout, self.read_timeout, self.total_deadline]
        if min([*limits, self.max_answer_bytes, self.max_list_bytes]) <= 0:
            raise ValueError("timeouts and sizes must be greater than 0")


class Payload(Protocol):
    """A request body."""

    def as_json(self) -> dict[str, Any]: ...


# Called with the path and the body of each request before it is built; what it raises is raised instead.
CheckRequest = Callable[[str, Mapping[str, Any] | None], None]
# Called with the path, the body sent, the status and the body received (empty if it couldn't be read).
NoteExchange = Callable[[str, Mapping[str, Any] | None, int, bytes], None]


class RobotalkerClient:
    """`with RobotalkerClient(settings) as client:` opens a fresh session and closes it at the end."""

    def __init__(
        self,
        settings: RobotalkerSettings,
        *,
        check_request: CheckRequest | None = None,
        note_exchange: NoteExchange | None = None,
    ) -> None:
        self._settings = settings
        self._check_request, self._note_exchange = check_request, note_exchange
        self._session = PlainSession()
        self._session.headers.update(
            {
                "Authorization": f"Bearer {settings.api_key}",
                "Accept": "application/json",
                "Accept-Encoding": "identity",  # else a small compressed body could exceed the size limit
                "User-Agent": "callboard",
            }
        )
        self._last_used = time.monotonic()
        self._prepared: dict[str, requests.PreparedRequest] = {}  # POSTs without their bodies, by path

    def __repr__(self) -> str:
        return f"RobotalkerClient({self._settings.base_url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        self._session.close()

    def create_call(self, payload: CallPayload) -> responses.CallAccepted:
        """POST /calls: one call, queued at once."""
        return self._post("calls", payload, responses.read_call_accepted)

    def get_call(self, call_id: str) -> responses.CallStatus:
        """GET /calls/{id}. For reconciliation only: the guide discourages polling."""
        found = self._get(f"calls/{quote_id(call_id)}", responses.read_call_status)
        if found.call_id != call_id:
            raise AnswerUnusable("about another call")
        return found

    def create_campaign(self, payload: CampaignPayload) -> responses.CampaignAccepted:
        """POST /campaigns: several calls with one message."""
        return self._post("campaigns", payload, responses.read_campaign_accepted)

    def get_campaign(self, campaign_id: str) -> responses.CampaignStatus:
        """GET /campaigns/{id}: status and counts."""
        found = self._get(f"campaigns/{quote_id(campaign_id)}", responses.read_campaign_status)
        if found.campaign_id != campaign_id:
            raise AnswerUnusable("about another campaign")
        return found

    def send_sms(self, payload: SmsPayload) -> responses.SmsAccepted:
        """POST /sms: one text message."""
        return self._post("sms", payload, responses.read_sms_accepted)

    def send_sms_batch(self, payload: SmsBatchPayload) -> responses.SmsBatchAccepted:
        """POST /sms: one text message to several recipients."""
        return self._post("sms", payload, responses.read_sms_batch_accepted)

    def create_contact(self, payload: ContactPayload) -> responses.ContactStatus:
        """POST /contacts: set a number's opt-outs at Robotalker."""
        return self._post("contacts", payload, responses.read_contact)

    def get_contacts(
        self, phone: str | None = None, *, opted_out: bool | None = None
    ) -> responses.ContactList:
        """GET /contacts: all, or the one with this number (E.164), or those that have (not) opted out."""
        params = {} if phone is None else {"to": check_e164(phone)}
        if opted_out is not None:
            params["opted_out"] = "true" if opted_out else "false"
        return self._get("contacts", responses.read_contacts, params)

    def check_responds(self, phone: str) -> None:
        """GET /contacts for one of our own numbers (E.164), to find out whether Robotalker responds.

        Raises AnswerUnusable for a 2xx whose body isn't a JSON object, although that is a response too.
        """
        self._get("contacts", lambda source: source, {"to": check_e164(phone)})

    def _post(self, path: str, payload: Payload, read: Callable[[dict[str, Any]], T]) -> T:
        content = payload.as_json()
        return self._exchange("POST", path, read, content=content)

    def _get(
        self, path: str, read: Callable[[dict[str, Any]], T], params: Mapping[str, str] | None = None
    ) -> T:
        return self._exchange("GET", path, read, params=params)

    def _exchange(
        self,
        method: str,
        path: str,
        read: Callable[[dict[str, Any]], T],
        *,
        content: dict[str, Any] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> T:
        if self._check_request:
            self._check_request(path, content)
        request = self._prepare(method, path, content, params)
        limit = self._settings.max_list_bytes if path == "contacts" else self._settings.max_answer_bytes
        note = partial(self._note_exchange, path, content) if self._note_exchange else None
        outcome = self._send(request, limit, note, private=[*_texts_in(content), self._settings.api_key])
        if isinstance(outcome, RobotalkerError):
            raise outcome  # not within `except`: the errors of requests hold headers and body
        usable, problem = _read_answer(outcome, read)
        if usable is None:
            raise AnswerUnusable(problem)
        return usable

    def _prepare(
        self, method: str, path: str, content: dict[str, Any] | None, params: Mapping[str, str] | None
    ) -> requests.PreparedRequest:
        address = f"{self._settings.base_url.rstrip('/')}/api/v1/{path}"
        if content is None:
            return self._session.prepare_request(requests.Request(method, address, params=dict(params or {})))
        if path not in self._prepared:  # to prepare one takes a third as long as to send it
            request = requests.Request(method, address, headers={"Content-Type": "application/json"})
            self._prepared[path] = self._session.prepare_request(request)
        prepared = self._prepared[path].copy()
        prepared.body = json.dumps(content, allow_nan=False).encode()
        prepared.headers["Content-Length"] = str(len(prepared.body))
        return prepared

    def _send(
        self,
        request: requests.PreparedRequest,
        limit: int,
        note: Callable[[int, bytes], None] | None,
        *,
        private: list[str],
    ) -> bytes | RobotalkerError:
        """Send the request once. Returns the body of a 2xx, or the error for the failure or status."""
        if time.monotonic() - self._last_used > KEEP_ALIVE_SECONDS:
            self._session.close()
        with Exchange(self._settings.total_deadline) as exchange:
            try:
                response = self._session.send(
                    request,
                    stream=True,
                    allow_redirects=False,
                    proxies={},
                    timeout=(self._settings.connect_timeout, self._settings.read_timeout),
                )
            except FAILURES as error:
                return explain_failure(error, exchange)
            finally:
                self._last_used = time.monotonic()
            with response:
                body = read_body(response, exchange, limit)
        self._last_used = time.monotonic()
        known = b"" if isinstance(body, RobotalkerError) else body
        if note:
            note(response.status_code, known)
        return error_for_status(response.status_code, response.headers, known, private=private) or body


def read_body(response: requests.Response, exchange: Exchange, limit: int) -> bytes | RobotalkerError:
    """The response's body, or the error that prevented reading it."""
    try:
        body = read_limited(response, limit)
    except FAILURES as error:
        return explain_failure(error, exchange)
    if exchange.is_over_time:  # a closed connection looks like the end of a body without Content-Length
        return DeadlinePassed()
    return AnswerTooLarge() if body is None else body


def _read_answer(body: bytes, read: Callable[[dict[str, Any]], T]) -> tuple[T | None, str]:
    try:
        return read(read_object(body, max_bytes=len(body))), ""
    except (UnreadableJson, WrongField) as error:
        return None, str(error)


def _texts_in(value: object) -> Iterator[str]:
    """Every string in a request body: none of them may appear in an error."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts_in(item)


def quote_id(found: str) -> str:
    """An id of Robotalker's, quoted as one path segment. Raises ValueError for an invalid id."""
    if not found.strip(".") or len(found) > MAX_ID:
        raise ValueError("not an id of Robotalker's")
    return quote(found, safe="")
