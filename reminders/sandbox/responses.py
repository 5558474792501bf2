"""The responses: correct ones, and one for each request fault."""

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from reminders.sandbox.clock import current_time
from reminders.sandbox.faults import Fault

DEFAULT_SECONDS = 30.0
REDIRECT_TARGET = "/sandbox/redirect-target"
ERROR_PAGE = "<!doctype html><title>Robotalker</title><h1>We'll be right back</h1>"


class JsonAnswer(Response):
    """JSON in ASCII, so that any text that was received can be sent."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return json.dumps(content).encode()


class Dropped(Response):
    """No response: the connection is closed with FIN or RST."""

    def __init__(self, *, reset: bool = False) -> None:
        super().__init__()
        self.reset = reset

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        transport: asyncio.Transport = scope["state"]["transport"]
        if self.reset:
            linger_0_seconds = struct.pack("ii", 1, 0)
            transport.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, linger_0_seconds
            )
        transport.abort()
        await wait_for_disconnect(receive)


class Truncated(Response):
    """Announces more bytes than it sends, then closes the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        half = bytes(self.body)[: len(self.body) // 2]
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": half, "more_body": True})
        transport: asyncio.Transport = scope["state"]["transport"]
        transport.close()
        await wait_for_disconnect(receive)


class Delayed(Response):
    """The correct response, delayed by ``seconds``."""

    def __init__(self, answer: Response, seconds: float) -> None:
        super().__init__()
        self.answer = answer
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(self.seconds)
        await self.answer(scope, receive, send)


def make_error(status: int, code: str, message: str, **headers: str) -> JsonAnswer:
    """An error in the API's shape; header names are written with underscores."""
    body = {"error": {"code": code, "message": message, "field": None}}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return JsonAnswer(body, status_code=status, headers=named)


def make_unauthorized() -> JsonAnswer:
    """401: the API key is missing or wrong."""
    message = "The API key is missing or not valid."
    return make_error(401, "unauthorized", message, WWW_Authenticate="Bearer")


def apply_fault(fault: Fault, answer: JsonAnswer | None) -> Response:
    """The response for this fault. ``answer`` is the correct one, or None if the request isn't accepted."""
    correct = answer or JsonAnswer({})
    seconds = DEFAULT_SECONDS if fault.seconds is None else fault.seconds
    match fault.kind:
        case "drop_before" | "drop_after":
            return Dropped(reset=fault.reset)
        case "slow_drip":
            return make_drip(correct, seconds)
        case "slow_headers":
            return Delayed(correct, seconds)
        case "truncated":
            return make_truncated(correct, half_json=fault.half_json)
        case "no_id":
            return make_answer_without_id(correct)
        case "html":
            return HTMLResponse(ERROR_PAGE)
        case "redirect":
            return RedirectResponse(fault.location or REDIRECT_TARGET, status_code=307)
        case "huge":
            return make_huge(correct, fault.megabytes)
        case _:
            return make_error_answer(fault)


def make_error_answer(fault: Fault) -> Response:
    """The error response with the status in the fault's name."""
    retry_after = make_retry_after(fault)
    if fault.kind == "rate_limit":
        return make_error(429, "rate_limited", "Too many requests.", **retry_after)
    if fault.kind in {"error_502", "error_504"}:
        return HTMLResponse(ERROR_PAGE, status_code=int(fault.kind[-3:]))
    if fault.kind == "error_400":
        return make_error(400, "invalid_field", "A fault rule of the sandbox refuses this request.")
    if fault.kind == "error_401":
        return make_unauthorized()
    status = 503 if fault.kind == "error_503" else 500
    return make_error(status, "server_error", "Something went wrong on our side.", **retry_after)


def make_retry_after(fault: Fault) -> dict[str, str]:
    """The Retry-After header, in seconds or as an HTTP date; {} for none."""
    if fault.retry_after is None:
        return {}
    if not fault.as_date:
        return {"Retry_After": str(fault.retry_after)}
    moment = current_time() + timedelta(seconds=fault.retry_after)
    return {"Retry_After": format_datetime(moment, usegmt=True)}


def make_drip(answer: Response, seconds: float) -> Response:
    """The correct response, sent byte by byte over ``seconds``."""

    async def drip() -> AsyncIterator[bytes]:
        body = bytes(answer.body)
        for index in range(len(body)):
            yield body[index : index + 1]
            await asyncio.sleep(seconds / len(body))

    return StreamingResponse(drip(), answer.status_code, media_type="application/json")


def make_truncated(answer: Response, *, half_json: bool) -> Response:
    """Half of the response, with the Content-Length of the whole or (``half_json``) of the half."""
    if not half_json:
        return Truncated(answer.body, answer.status_code, media_type="application/json")
    half = bytes(answer.body)[: len(answer.body) // 2]
    return Response(half, answer.status_code, media_type="application/json")


def make_answer_without_id(answer: Response) -> Response:
    body = json.loads(bytes(answer.body))
    kept = {name: value for name, value in body.items() if not name.endswith("_id")}
    return JsonAnswer(kept, status_code=answer.status_code)


def make_huge(answer: Response, megabytes: int) -> Response:
    """The correct response after many megabytes of padding; still valid JSON."""

    before, _, after = json.dumps({"padding": "|"} | json.loads(bytes(answer.body))).partition("|")

    async def pour() -> AsyncIterator[bytes]:
        yield before.encode()
        for _ in range(megabytes):
            yield b"x" * 2**20
        yield after.encode()

    return StreamingResponse(pour(), answer.status_code, media_type="application/json")


async def wait_for_disconnect(receive: Receive) -> None:
    """Return when uvicorn has noticed the disconnect, so that it doesn't send a response itself."""
    while (await receive())["type"] != "http.disconnect":
        pass
