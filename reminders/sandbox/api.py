"""The guide's API, under ``/api/v1``.

Each POST has the same steps: check the key, read the body, apply faults that refuse it, accept it, write the
ledger to disk, play, apply faults to the response.
"""

import hmac
from collections.abc import Awaitable, Callable

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from reminders.sandbox.clock import format_timestamp
from reminders.sandbox.faults import Fault
from reminders.sandbox.ledger import make_call_entry, make_sms_entry
from reminders.sandbox.records import Call, Json, TextMessage
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
from reminders.sandbox.responses import JsonAnswer, apply_fault, make_error, make_unauthorized
from reminders.sandbox.sandbox import Sandbox, find_sandbox

Endpoint = Callable[[Request], Awaitable[Response]]


def needs_key(endpoint: Endpoint) -> Endpoint:
    """Respond with 401 without the right key, and with 400 to a body that is refused."""

    async def guarded(request: Request) -> Response:
        find_sandbox(request).record_request()
        if not has_key(request):
            return make_unauthorized()
        try:
            return await endpoint(request)
        except RequestRefused as refused:
            return JsonAnswer(refused.body, status_code=400)
        except ClientDisconnect:  # the client disconnected: nobody reads the response
            return Response(status_code=400)

    return guarded


def has_key(request: Request) -> bool:
    """Whether the request has ``Authorization: Bearer <the key>``."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    right = find_sandbox(request).settings.api_key
    return scheme.lower() == "bearer" and hmac.compare_digest(key.strip().encode(), right.encode())


@needs_key
async def create_call(request: Request) -> Response:
    sandbox = find_sandbox(request)
    order = read_call_request(read_json(await request.body()))
    fault = pick_fault(sandbox, "calls", order)
    if fault and not fault.accepted:
        return apply_fault(fault, None)
    call = sandbox.state.accept_call(order, order.recipients[0])
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
    return apply_fault(fault, answer) if fault else answer


@needs_key
async def create_campaign(request: Request) -> Response:
    sandbox = find_sandbox(request)
    order = read_campaign_request(read_json(await request.body()))
    fault = pick_fault(sandbox, "campaigns", order)
    if fault and not fault.accepted:
        return apply_fault(fault, None)
    campaign = sandbox.state.accept_campaign(order)
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
    return apply_fault(fault, answer) if fault else answer


@needs_key
async def create_sms(request: Request) -> Response:
    sandbox = find_sandbox(request)
    order = read_sms_request(read_json(await request.body()))
    fault = pick_fault(sandbox, "sms", order)
    if fault and not fault.accepted:
        return apply_fault(fault, None)
    texts = sandbox.state.accept_texts(order)
    await sandbox.ledger.append([make_sms_entry(sms, fault.kind if fault else None) for sms in texts])
    await play_texts(sandbox, texts)
    answer = JsonAnswer(describe_sms_acceptance(texts), status_code=201)
    return apply_fault(fault, answer) if fault else answer


@needs_key
async def save_contact(request: Request) -> Response:
    sandbox = find_sandbox(request)
    order = read_contact_request(read_json(await request.body()))
    fault = sandbox.faults.pick_for_request("contacts", "POST", [order.to])
    if fault and not fault.accepted:
        return apply_fault(fault, None)
    contact, created = sandbox.state.save_contact(order)
    answer = JsonAnswer(contact.describe(), status_code=201 if created else 200)
    return apply_fault(fault, answer) if fault else answer


@needs_key
async def show_call_status(request: Request) -> Response:
    sandbox = find_sandbox(request)
    call = sandbox.state.calls.get(request.path_params["id"])
    return answer_get(sandbox, "calls", call.describe() if call else None)


@needs_key
async def show_campaign_status(request: Request) -> Response:
    sandbox = find_sandbox(request)
    campaign = sandbox.state.campaigns.get(request.path_params["id"])
    return answer_get(sandbox, "campaigns", campaign.describe() if campaign else None)


@needs_key
async def list_contacts(request: Request) -> Response:
    """All contacts, or the one with ``to``, or with ``opted_out`` those that have (not) opted out."""
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
        for contact in sandbox.state.contacts.values()
        if number in {None, contact.to}
        and (opted_out is None or any(contact.opted_out.values()) == (opted_out == "true"))
    ]
    return answer_get(sandbox, "contacts", {"contacts": found})


def answer_get(sandbox: Sandbox, endpoint: str, body: Json | None) -> Response:
    """The body, or 404, or what a fault turns it into."""
    fault = sandbox.faults.pick_for_request(endpoint, "GET", [body.get("to", "")] if body else [])
    if body is None:
        return make_error(404, "not_found", "Nothing has this id.")
    answer = JsonAnswer(body)
    return apply_fault(fault, answer) if fault else answer


def pick_fault(sandbox: Sandbox, endpoint: str, order: CallRequest | SmsRequest) -> Fault | None:
    numbers = [recipient.to for recipient in order.recipients]
    return sandbox.faults.pick_for_request(endpoint, "POST", numbers)


async def play_calls(sandbox: Sandbox, calls: list[Call]) -> None:
    """Start each call. One with the fault ``before_answer`` has ended, events posted, when this returns."""
    gap = sandbox.behaviour.campaign_gap_seconds
    for index, call in enumerate(calls):
        if sandbox.faults.pick_for_event("before_answer", "", call.to):
            await sandbox.switchboard.play_at_once(call)
        else:
            sandbox.switchboard.start(call, after_seconds=index * gap)


async def play_texts(sandbox: Sandbox, texts: list[TextMessage]) -> None:
    for sms in texts:
        if sandbox.faults.pick_for_event("before_answer", "", sms.to):
            await sandbox.texting.play_at_once(sms)
        else:
            sandbox.texting.start(sms)


def describe_sms_acceptance(texts: list[TextMessage]) -> Json:
    """The response to one message or to a batch."""
    first = texts[0]
    created_at = format_timestamp(first.created_at)
    if not first.batch_id:
        return {"sms_id": first.id, "status": "queued", "to": first.to, "created_at": created_at}
    messages = [{"sms_id": sms.id, "to": sms.to} for sms in texts]
    return {"batch_id": first.batch_id, "status": "queued", "created_at": created_at, "messages": messages}


async def save_or_list_contacts(request: Request) -> Response:
    return await (save_contact if request.method == "POST" else list_contacts)(request)


API_ROUTES = [
    Route("/api/v1/calls", create_call, methods=["POST"]),
    Route("/api/v1/calls/{id}", show_call_status, methods=["GET"]),
    Route("/api/v1/campaigns", create_campaign, methods=["POST"]),
    Route("/api/v1/campaigns/{id}", show_campaign_status, methods=["GET"]),
    Route("/api/v1/sms", create_sms, methods=["POST"]),
    Route("/api/v1/contacts", save_or_list_contacts, methods=["GET", "POST"]),
]
