"""The guide's API, under ``/api/v1``.

Each POST goes the same way: key, body, faults that strike before, accept, ledger on disk, play, faults that
strike after.
"""

import hmac
from collections.abc import Awaitable, Callable

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from reminders.sandbox.clock import format_timestamp
from reminders.sandbox.faults import Fault
from reminders.sandbox.ledger import make_call_entry, make_sms_entry
from reminders.sandbox.records import Call, Json, ListedContact, TextMessage
from reminders.sandbox.requests import (
    CallRequest,
    RequestRefused,
    SmsRequest,
    read_call_request,
    read_campaign_request,
    read_contact_request,
    read_json,
    read_number,
    read_sms_request,
)
from reminders.sandbox.responses import JsonAnswer, make_error, make_unauthorized, spoil
from reminders.sandbox.sandbox import Sandbox, find_sandbox

Endpoint = Callable[[Request], Awaitable[Response]]


def needs_key(endpoint: Endpoint) -> Endpoint:
    """Answer 401 without the right key, and 400 where the body is refused."""

    async def guarded(request: Request) -> Response:
        find_sandbox(request).note_asked()
        if not has_key(request):
            return make_unauthorized()
        try:
            return await endpoint(request)
        except RequestRefused as refused:
            return JsonAnswer(refused.body, status_code=400)
        except ClientDisconnect:  # whoever asked was killed in the middle of it: nobody hears an answer
            return Response(status_code=400)

    return guarded


def has_key(request: Request) -> bool:
    """Whether ``Authorization: Bearer <the key>`` came along."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    right = find_sandbox(request).settings.api_key
    return scheme.lower() == "bearer" and hmac.compare_digest(key.strip().encode(), right.encode())


@needs_key
async def create_call(request: Request) -> Response:
    sandbox = find_sandbox(request)
    order = read_call_request(read_json(await request.body()))
    fault = pick_fault(sandbox, "calls", order)
    if fault and not fault.accepted:
        return spoil(fault, None)
    call = sandbox.world.accept_call(order, order.recipients[0])
    await sandbox.ledger.append([make_call_entry(call, fault.kind if fault else None)])
    await play_calls(sandbox, [call])
    answer = JsonAnswer(
        {
            "call_id": call.id,
            "status": "queued",
            "to": call.to,
            "created_at": format_timestamp(call.created_at),
        },
        status_code=201,
    )
    return spoil(fault, answer) if fault else answer


@needs_key
async def create_campaign(request: Request) -> Response:
    sandbox = find_sandbox(request)
    order = read_campaign_request(read_json(await request.body()))
    fault = pick_fault(sandbox, "campaigns", order)
    if fault and not fault.accepted:
        return spoil(fault, None)
    campaign = sandbox.world.accept_campaign(order)
    await sandbox.ledger.append(
        [make_call_entry(call, fault.kind if fault else None) for call in campaign.calls]
    )
    await play_calls(sandbox, campaign.calls)
    answer = JsonAnswer(
        {
            "campaign_id": campaign.id,
            "status": "queued",
            "created_at": format_timestamp(campaign.created_at),
        },
        status_code=201,
    )
    return spoil(fault, answer) if fault else answer


@needs_key
async def create_sms(request: Request) -> Response:
    sandbox = find_sandbox(request)
    order = read_sms_request(read_json(await request.body()))
    fault = pick_fault(sandbox, "sms", order)
    if fault and not fault.accepted:
        return spoil(fault, None)
    texts = sandbox.world.accept_texts(order)
    await sandbox.ledger.append([make_sms_entry(sms, fault.kind if fault else None) for sms in texts])
    await play_texts(sandbox, texts)
    answer = JsonAnswer(describe_sms_acceptance(texts), status_code=201)
    return spoil(fault, answer) if fault else answer


@needs_key
async def keep_contact(request: Request) -> Response:
    sandbox = find_sandbox(request)
    order = read_contact_request(read_json(await request.body()))
    fault = sandbox.faults.pick_for_request("contacts", "POST", [order.to])
    if fault and not fault.accepted:
        return spoil(fault, None)
    contact, created = sandbox.world.keep_contact(order)
    answer = JsonAnswer(contact.describe(), status_code=201 if created else 200)
    return spoil(fault, answer) if fault else answer


@needs_key
async def show_call_status(request: Request) -> Response:
    sandbox = find_sandbox(request)
    call = sandbox.world.calls.get(request.path_params["id"])
    return answer_get(sandbox, "calls", call.describe() if call else None)


@needs_key
async def show_campaign_status(request: Request) -> Response:
    sandbox = find_sandbox(request)
    campaign = sandbox.world.campaigns.get(request.path_params["id"])
    return answer_get(sandbox, "campaigns", campaign.describe() if campaign else None)


@needs_key
async def list_contacts(request: Request) -> Response:
    """All contacts, or those with ``to``, or those (not) opted out of anything by ``opted_out``."""
    sandbox = find_sandbox(request)
    wanted = dict(request.query_params)
    if unknown := wanted.keys() - {"to", "opted_out"}:
        raise RequestRefused("unknown_filter", "The filters are to and opted_out.", min(unknown))
    number = read_number(wanted, "to") if "to" in wanted else None
    opted_out = wanted.get("opted_out")
    if opted_out not in {None, "true", "false"}:
        raise RequestRefused("invalid_field", "opted_out must be true or false.", "opted_out")
    found = [
        contact.describe()
        for contact in sandbox.world.contacts.values()
        if number in {None, contact.to} and is_wanted(contact, opted_out)
    ]
    return answer_get(sandbox, "contacts", {"contacts": found})


def is_wanted(contact: ListedContact, opted_out: str | None) -> bool:
    return opted_out is None or any(contact.opted_out.values()) == (opted_out == "true")


def answer_get(sandbox: Sandbox, endpoint: str, body: Json | None) -> Response:
    """The body, or 404, or what a fault makes of it."""
    fault = sandbox.faults.pick_for_request(endpoint, "GET", [body.get("to", "")] if body else [])
    if body is None:
        return make_error(404, "not_found", "There is nothing with this id.")
    answer = JsonAnswer(body)
    return spoil(fault, answer) if fault else answer


def pick_fault(sandbox: Sandbox, endpoint: str, order: CallRequest | SmsRequest) -> Fault | None:
    numbers = [recipient.to for recipient in order.recipients]
    return sandbox.faults.pick_for_request(endpoint, "POST", numbers)


async def play_calls(sandbox: Sandbox, calls: list[Call]) -> None:
    """Start each call; one struck by ``before_answer`` is over, and its events posted, when this returns."""
    gap = sandbox.behaviour.campaign_gap_seconds
    for place, call in enumerate(calls):
        if sandbox.faults.pick_for_event("before_answer", "", call.to):
            await sandbox.switchboard.play_at_once(call)
        else:
            sandbox.switchboard.start(call, after_seconds=place * gap)


async def play_texts(sandbox: Sandbox, texts: list[TextMessage]) -> None:
    for sms in texts:
        if sandbox.faults.pick_for_event("before_answer", "", sms.to):
            await sandbox.texting.play_at_once(sms)
        else:
            sandbox.texting.start(sms)


def describe_sms_acceptance(texts: list[TextMessage]) -> Json:
    """The answer to one message, or to a batch of them."""
    first = texts[0]
    created_at = format_timestamp(first.created_at)
    if not first.batch_id:
        return {"sms_id": first.id, "status": "queued", "to": first.to, "created_at": created_at}
    messages = [{"sms_id": sms.id, "to": sms.to} for sms in texts]
    return {"batch_id": first.batch_id, "status": "queued", "created_at": created_at, "messages": messages}


async def keep_or_list_contacts(request: Request) -> Response:
    return await (keep_contact if request.method == "POST" else list_contacts)(request)


API_ROUTES = [
    Route("/api/v1/calls", create_call, methods=["POST"]),
    Route("/api/v1/calls/{id}", show_call_status, methods=["GET"]),
    Route("/api/v1/campaigns", create_campaign, methods=["POST"]),
    Route("/api/v1/campaigns/{id}", show_campaign_status, methods=["GET"]),
    Route("/api/v1/sms", create_sms, methods=["POST"]),
    Route("/api/v1/contacts", keep_or_list_contacts, methods=["GET", "POST"]),
]
