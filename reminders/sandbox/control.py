"""The sandbox's control API, under ``/sandbox``: JSON, without an API key."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from reminders.sandbox.clock import format_precise
from reminders.sandbox.records import Call, Json
from reminders.sandbox.requests import KEYS, RequestRefused, read_json
from reminders.sandbox.responses import REDIRECT_TARGET, JsonAnswer, make_error
from reminders.sandbox.sandbox import Sandbox, find_sandbox
from reminders.sandbox.switchboard import ActionNotAllowed

Action = Callable[[Sandbox, Call, Json], None]


async def show_health(request: Request) -> Response:
    """``followed_redirects`` counts requests to the default target of redirects, ``delivered`` posts to
    webhooks that were taken.
    """
    sandbox = find_sandbox(request)
    return JsonAnswer(
        {
            "status": "ok",
            "service": "robotalker-sandbox",
            "calls": len(sandbox.state.calls),
            "ledger": len(sandbox.ledger.entries),
            "delivered": sandbox.poster.delivered,
            "followed_redirects": sandbox.state.followed_redirects,
        }
    )


async def show_ledger(request: Request) -> Response:
    """The entries from number ``since`` (default 0) on; ``next`` is the ``since`` of the next request."""
    entries = find_sandbox(request).ledger.entries
    since = request.query_params.get("since", "0")
    if not since.isdecimal():
        return refuse("since must be a whole number.")
    return JsonAnswer({"entries": entries[int(since) :], "next": len(entries)})


async def list_requests(request: Request) -> Response:
    """When the API's latest requests were received, oldest first, including refused ones."""
    return JsonAnswer({"requests": [format_precise(moment) for moment in find_sandbox(request).received_at]})


async def list_calls(request: Request) -> Response:
    """The calls, newest last, filtered by ``state`` and ``to``; ``limit`` keeps the newest."""
    wanted = request.query_params
    calls = [
        call.describe_phone()
        for call in find_sandbox(request).state.calls.values()
        if wanted.get("state") in {None, call.state} and wanted.get("to") in {None, call.to}
    ]
    return JsonAnswer({"calls": keep_newest(calls, wanted.get("limit"))})


async def list_texts(request: Request) -> Response:
    texts = [sms.describe() for sms in find_sandbox(request).state.texts.values()]
    return JsonAnswer({"texts": keep_newest(texts, request.query_params.get("limit"))})


async def list_posts(request: Request) -> Response:
    """The posts to webhooks with their responses, oldest first; ``subject`` is the id of a call or SMS."""
    subject = request.query_params.get("subject")
    posts = [
        post.describe() for post in find_sandbox(request).poster.posts if subject in {None, post.subject}
    ]
    return JsonAnswer({"posts": keep_newest(posts, request.query_params.get("limit"))})


async def post_again(request: Request) -> Response:
    poster = find_sandbox(request).poster
    found = next((post for post in poster.posts if post.id == request.path_params["id"]), None)
    if found is None:
        return not_found()
    return JsonAnswer(poster.post_again(found).describe())


async def answer_call(request: Request) -> Response:
    return await act_on_call(request, lambda sandbox, call, _: sandbox.switchboard.answer(call))


async def press_key(request: Request) -> Response:
    """Body: ``{"digit": "1"}``."""
    return await act_on_call(request, press)


async def hang_up(request: Request) -> Response:
    return await act_on_call(request, lambda sandbox, call, _: sandbox.switchboard.hang_up(call))


def press(sandbox: Sandbox, call: Call, body: Json) -> None:
    digit = body.get("digit")
    if not isinstance(digit, str) or digit not in KEYS:
        raise RequestRefused("invalid_field", "digit must be one of 0 to 9, * and #.", "digit")
    sandbox.switchboard.press(call, digit)


async def act_on_call(request: Request, act: Action) -> Response:
    """Apply the action to the call in the path; 409 if the call's state doesn't allow it."""
    sandbox = find_sandbox(request)
    call = sandbox.state.calls.get(request.path_params["id"])
    if call is None:
        return not_found()
    raw = await request.body()
    try:
        act(sandbox, call, read_json(raw) if raw else {})
    except ActionNotAllowed as error:
        return make_error(409, "not_allowed", str(error))
    except RequestRefused as refused:
        return JsonAnswer(refused.body, status_code=400)
    return JsonAnswer(call.describe_phone())


async def reply_to_sms(request: Request) -> Response:
    """Body: ``{"to": the patient's number, "text": ...}``; replies to the newest message to it."""
    sandbox = find_sandbox(request)
    try:
        body = read_json(await request.body())
    except RequestRefused as refused:
        return JsonAnswer(refused.body, status_code=400)
    sms = sandbox.state.find_last_text(str(body.get("to")))
    if sms is None:
        return not_found()
    return JsonAnswer(sandbox.texting.reply(sms, str(body.get("text", ""))).describe())


async def show_faults(request: Request) -> Response:
    return JsonAnswer({"faults": [fault.describe() for fault in find_sandbox(request).faults.faults]})


async def set_faults(request: Request) -> Response:
    """Body: ``{"faults": [rule, ...]}``; they replace the existing rules."""
    try:
        find_sandbox(request).faults.replace(read_json(await request.body()))
    except (RequestRefused, ValueError, TypeError) as error:
        return refuse(str(error))
    return await announce_faults(request)


async def clear_faults(request: Request) -> Response:
    find_sandbox(request).faults.replace([])
    return await announce_faults(request)


async def announce_faults(request: Request) -> Response:
    sandbox = find_sandbox(request)
    sandbox.stream.publish("faults", lambda: [fault.describe() for fault in sandbox.faults.faults])
    return await show_faults(request)


async def show_behaviour(request: Request) -> Response:
    return JsonAnswer(find_sandbox(request).behaviour.describe())


async def set_behaviour(request: Request) -> Response:
    """Body: the fields to change."""
    sandbox = find_sandbox(request)
    try:
        sandbox.behaviour.change(read_json(await request.body()))
    except (RequestRefused, ValueError, TypeError) as error:
        return refuse(str(error))
    sandbox.stream.publish("behaviour", sandbox.behaviour.describe)
    return await show_behaviour(request)


async def reset(request: Request) -> Response:
    await find_sandbox(request).reset()
    return JsonAnswer({"status": "ok"})


async def count_followed_redirect(request: Request) -> Response:
    """The default target of redirects, which no client should follow."""
    find_sandbox(request).state.followed_redirects += 1
    return JsonAnswer({"status": "the redirect should not have been followed"})


def keep_newest(items: list[Json], limit: str | None) -> list[Json]:
    return items[-int(limit) :] if limit and limit.isdecimal() and int(limit) else items


def refuse(message: str) -> Response:
    return make_error(400, "invalid_field", message)


def not_found() -> Response:
    return make_error(404, "not_found", "Nothing has this id.")


CONTROL_ROUTES = [
    Route("/sandbox/health", show_health),
    Route("/sandbox/ledger", show_ledger),
    Route("/sandbox/requests", list_requests),
    Route("/sandbox/calls", list_calls),
    Route("/sandbox/calls/{id}/answer", answer_call, methods=["POST"]),
    Route("/sandbox/calls/{id}/press", press_key, methods=["POST"]),
    Route("/sandbox/calls/{id}/hangup", hang_up, methods=["POST"]),
    Route("/sandbox/sms", list_texts),
    Route("/sandbox/sms/reply", reply_to_sms, methods=["POST"]),
    Route("/sandbox/posts", list_posts),
    Route("/sandbox/posts/{id}/again", post_again, methods=["POST"]),
    Route("/sandbox/faults", show_faults, methods=["GET"]),
    Route("/sandbox/faults", set_faults, methods=["PUT"]),
    Route("/sandbox/faults", clear_faults, methods=["DELETE"]),
    Route("/sandbox/behaviour", show_behaviour, methods=["GET"]),
    Route("/sandbox/behaviour", set_behaviour, methods=["PUT"]),
    Route("/sandbox/reset", reset, methods=["POST"]),
    Route(REDIRECT_TARGET, count_followed_redirect, methods=["GET", "POST"]),
]
