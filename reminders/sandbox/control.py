"""The sandbox's own controls, under ``/sandbox``: JSON, and no key."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from reminders.sandbox.clock import format_precise
from reminders.sandbox.records import Call, Json
from reminders.sandbox.requests import KEYS, RequestRefused, read_json
from reminders.sandbox.responses import ELSEWHERE, JsonAnswer, make_error
from reminders.sandbox.sandbox import Sandbox, find_sandbox
from reminders.sandbox.switchboard import Impossible

Act = Callable[[Sandbox, Call, Json], None]


async def show_health(request: Request) -> Response:
    """``strays`` counts requests that followed a redirect."""
    sandbox = find_sandbox(request)
    return JsonAnswer(
        {
            "status": "ok",
            "service": "robotalker-sandbox",
            "calls": len(sandbox.world.calls),
            "ledger": len(sandbox.ledger.entries),
            "strays": sandbox.world.strays,
        }
    )


async def show_ledger(request: Request) -> Response:
    """Every entry from ``since`` (a count, 0 when left out) on; ``next`` is the ``since`` to come."""
    entries = find_sandbox(request).ledger.entries
    since = request.query_params.get("since", "0")
    if not since.isdecimal():
        return refuse("since must be a whole number.")
    return JsonAnswer({"entries": entries[int(since) :], "next": len(entries)})


async def list_requests(request: Request) -> Response:
    """When each of the API's newest requests came in, the oldest of them first, refused ones included."""
    return JsonAnswer({"requests": [format_precise(moment) for moment in find_sandbox(request).asked]})


async def list_calls(request: Request) -> Response:
    """The phones, newest last; ``state`` and ``to`` narrow them down, ``limit`` keeps the newest."""
    wanted = request.query_params
    calls = [
        call.describe_phone()
        for call in find_sandbox(request).world.calls.values()
        if wanted.get("state") in {None, call.state} and wanted.get("to") in {None, call.to}
    ]
    return JsonAnswer({"calls": keep_newest(calls, wanted.get("limit"))})


async def list_texts(request: Request) -> Response:
    texts = [sms.describe() for sms in find_sandbox(request).world.texts.values()]
    return JsonAnswer({"texts": keep_newest(texts, request.query_params.get("limit"))})


async def list_posts(request: Request) -> Response:
    """What was posted to webhooks and what they answered, oldest first; ``subject`` is a call or SMS id."""
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


async def act_on_call(request: Request, act: Act) -> Response:
    """Do this to the call in the path; 409 when its state doesn't allow it."""
    sandbox = find_sandbox(request)
    call = sandbox.world.calls.get(request.path_params["id"])
    if call is None:
        return not_found()
    raw = await request.body()
    try:
        act(sandbox, call, read_json(raw) if raw else {})
    except Impossible as impossible:
        return make_error(409, "impossible", str(impossible))
    except RequestRefused as refused:
        return JsonAnswer(refused.body, status_code=400)
    return JsonAnswer(call.describe_phone())


async def reply_to_sms(request: Request) -> Response:
    """Body: ``{"to": the patient's number, "text": ...}``; answers the newest message sent to it."""
    sandbox = find_sandbox(request)
    try:
        body = read_json(await request.body())
    except RequestRefused as refused:
        return JsonAnswer(refused.body, status_code=400)
    sms = sandbox.world.find_last_text(str(body.get("to")))
    if sms is None:
        return not_found()
    return JsonAnswer(sandbox.texting.reply(sms, str(body.get("text", ""))).describe())


async def show_faults(request: Request) -> Response:
    return JsonAnswer({"faults": [fault.describe() for fault in find_sandbox(request).faults.faults]})


async def set_faults(request: Request) -> Response:
    """Body: ``{"faults": [rule, ...]}``; they replace what was there."""
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


async def count_unknown_path(request: Request) -> Response:
    """Where a redirect leads by default: nobody should ever come here."""
    find_sandbox(request).world.strays += 1
    return JsonAnswer({"status": "you should not have followed me"})


def keep_newest(items: list[Json], limit: str | None) -> list[Json]:
    return items[-int(limit) :] if limit and limit.isdecimal() and int(limit) else items


def refuse(message: str) -> Response:
    return make_error(400, "invalid_field", message)


def not_found() -> Response:
    return make_error(404, "not_found", "There is nothing with this id.")


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
    Route(ELSEWHERE, count_unknown_path, methods=["GET", "POST"]),
]
