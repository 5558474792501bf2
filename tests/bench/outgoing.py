"""Measure dispatch with a sandbox that answers immediately, compared with plain POSTs of the same bodies."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from typing import Any

import requests
from django.conf import settings
from django.test.utils import override_settings

from reminders.dispatch.rounds import dispatch_due
from reminders.models import CallBatch, CallRecord
from reminders.robotalker.payloads import Recipient, build_call, build_campaign
from reminders.rules.states import CallState
from reminders.traffic.callback_urls import key_urls, status_url
from reminders.wording.scripts import message_of
from tests.bench.measure import Line, compare, stopwatch
from tests.bench.rows import make_due
from tests.sandbox_server import SandboxServer

ROUNDS = 5
SINGLE = 400  # calls per round
BY_CAMPAIGN = 2_000  # reminders per round
Json = dict[str, Any]


def bench_outgoing(sandbox: SandboxServer) -> Iterator[Line]:
    """Measure single calls, then campaigns. Each round dispatches reminders, then posts the same bodies."""
    with override_settings(ROBOTALKER_BASE_URL=sandbox.url, ROBOTALKER_API_KEY=sandbox.api_key):
        with override_settings(ROBOTALKER_CAMPAIGNS=False):
            yield from compare(
                f"single calls submitted, {settings.ROBOTALKER_THREADS} at once",
                lambda: _dispatch(SINGLE, sandbox),
                {"bare requests.Session": lambda: _post_directly("calls", _read_calls())},
                unit="/s",
                rounds=ROUNDS,
            )
        yield from compare(
            "reminders submitted by campaigns",
            lambda: _dispatch(BY_CAMPAIGN, sandbox),
            {"bare requests.Session": lambda: _post_directly("campaigns", _read_campaigns())},
            unit="/s",
            rounds=ROUNDS,
        )


def _dispatch(count: int, sandbox: SandboxServer) -> float:
    """Return the reminders per second of one dispatch task with this many due; it stops after 20 s."""
    make_due(count)
    sandbox.reset()
    with stopwatch() as watch:
        dispatch_due()
    taken = CallRecord.objects.filter(state=CallState.SUBMITTED).count()
    if not taken or taken != len(sandbox.ledger()):
        raise RuntimeError(f"{taken} of {count} submitted, {len(sandbox.ledger())} in the ledger")
    return watch.rate(taken)


def _post_directly(path: str, bodies: Sequence[Json]) -> float:
    """Post the bodies, calls with as many threads as dispatch uses; return recipients per second."""
    threads = settings.ROBOTALKER_THREADS if path == "calls" else 1
    with stopwatch() as watch, ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda thread: _post_all(path, bodies[thread::threads]), range(threads)))
    return watch.rate(sum(len(body.get("recipients", ["one"])) for body in bodies))


def _post_all(path: str, bodies: Sequence[Json]) -> None:
    with requests.Session() as session:
        session.trust_env = False  # otherwise it looks for a proxy and a netrc file at each request
        session.headers["Authorization"] = f"Bearer {settings.ROBOTALKER_API_KEY}"
        for body in bodies:
            session.post(f"{settings.ROBOTALKER_BASE_URL}/api/v1/{path}", json=body).raise_for_status()


def _read_calls() -> list[Json]:
    """Rebuild the request bodies of the calls that were just dispatched."""
    calls = CallRecord.objects.select_related("number", "script_text").order_by("pk")
    return [
        build_call(
            to=call.number.e164,
            from_number=call.from_number,
            message=message_of(call),
            voice=call.script_text.voice,
            variables=call.variables,
            status_url=status_url(call),
            key_urls=key_urls(call),
        ).as_json()
        for call in calls
    ]


def _read_campaigns() -> list[Json]:
    """Rebuild the request bodies of the campaigns that were just dispatched."""
    calls = CallRecord.objects.select_related("number", "script_text", "batch").order_by("batch", "pk")
    return [
        _build_campaign(batch, list(members)) for batch, members in groupby(calls, lambda call: call.batch)
    ]


def _build_campaign(batch: CallBatch | None, calls: Sequence[CallRecord]) -> Json:
    if batch is None:
        raise RuntimeError("a call was sent on its own, so no campaign was measured")
    script = calls[0].script_text
    return build_campaign(
        recipients=[Recipient(call.number.e164, call.variables) for call in calls],
        from_number=calls[0].from_number,
        message=script.text,
        voice=script.voice,
        status_url=status_url(batch),
        key_urls=key_urls(batch),
    ).as_json()
