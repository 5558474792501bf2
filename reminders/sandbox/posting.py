"""Posts events to webhooks: in order for one call, again after a failure, and changed by fault rules."""

import asyncio
import json
import random
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import httpx

from reminders.sandbox.behaviour import Behaviour
from reminders.sandbox.clock import current_time, format_precise
from reminders.sandbox.damages import damage, label_as_machine, write_number_nationally
from reminders.sandbox.faults import FaultRules
from reminders.sandbox.records import make_id
from reminders.sandbox.stream import Stream

Json = dict[str, Any]
MOST_REMEMBERED = 20_000
MOST_AT_ONCE = 64
ANSWER_TIMEOUT_SECONDS = 15.0
LATE_SECONDS = 5.0
REPEATED_SECONDS = 60.0


@dataclass(slots=True)
class Post:
    """One event for one URL. ``subject`` is the id of the call or message."""

    subject: str
    url: str
    body: Json
    id: str = field(default_factory=lambda: make_id("evt"))
    at: datetime = field(default_factory=current_time)
    state: Literal["waiting", "delivered", "refused", "given_up", "lost", "held"] = "waiting"
    fault: str | None = None
    attempts: list[Json] = field(default_factory=list)
    content: bytes = b""  # what is posted where that isn't simply the body

    def describe(self) -> Json:
        """One item of ``GET /sandbox/posts``."""
        return {
            "id": self.id,
            "at": format_precise(self.at),
            "subject": self.subject,
            "url": self.url,
            "event": self.body["event"],
            "body": self.body,
            "state": self.state,
            "fault": self.fault,
            "attempts": self.attempts,
        }


class Poster:
    """Posts the events of one subject one after the other; they don't wait for repeats of failed posts."""

    def __init__(self, behaviour: Behaviour, faults: FaultRules, stream: Stream) -> None:
        self.behaviour = behaviour
        self.faults = faults
        self.stream = stream
        self.posts: deque[Post] = deque(maxlen=MOST_REMEMBERED)
        self.delivered = 0  # posts that were taken, repeats and forgotten ones too, since it started
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(ANSWER_TIMEOUT_SECONDS, pool=None),
            limits=httpx.Limits(max_connections=MOST_AT_ONCE, max_keepalive_connections=MOST_AT_ONCE),
            trust_env=False,  # a webhook on this machine must not go through a proxy
        )
        self._at_once = asyncio.Semaphore(MOST_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()
        self._last: dict[str, asyncio.Task[None]] = {}
        self._held: dict[str, list[Post]] = {}

    def submit(self, subject: str, url: str | None, body: Json) -> None:
        """Post this event to this URL, subject to the fault rules. Returns at once."""
        if url is None:
            return
        post = Post(subject, url, body)
        self.posts.append(post)
        self._write_otherwise(post)
        if self._apply_fault(post, "lost"):
            self._set_state(post, "lost")
        elif self._apply_fault(post, "shuffled"):
            self._held.setdefault(subject, []).append(post)
            self._set_state(post, "held")
        else:
            self._post(post)

    def release(self, subject: str) -> None:
        """The subject has ended: post the events that were held back, in a different order."""
        held = self._held.pop(subject, [])
        shuffled = held[:]
        while len(held) > 1 and shuffled == held:
            random.shuffle(shuffled)
        for post in shuffled:
            self._post(post)

    def post_again(self, post: Post) -> Post:
        """Post the same body to the same URL again, as a new entry."""
        again = Post(post.subject, post.url, post.body, fault="again", content=post.content)
        self.posts.append(again)
        self._start(self._try(again))
        return again

    async def wait_until_tried(self, subject: str) -> None:
        """Return when every event of this subject so far has been posted once."""
        while subject in self._last:
            await asyncio.wait([self._last[subject]])

    def reset(self) -> None:
        """Cancel all posts and forget them."""
        for task in self._tasks:
            task.cancel()
        self.posts.clear()
        self._held.clear()
        self._last.clear()

    async def close(self) -> None:
        self.reset()
        await self._client.aclose()

    def _write_otherwise(self, post: Post) -> None:
        """Change the number, the words or the bytes, by the faults for that. The body shown is as it was."""
        body, number, event = post.body, post.body.get("to", ""), post.body["event"]
        if self._apply_fault(post, "machine"):
            body = label_as_machine(body)
        if self._apply_fault(post, "national"):
            body = write_number_nationally(body)
        damaged = self.faults.pick_for_event("damaged", event, number)
        if damaged:
            post.fault = "damaged"
        if damaged or body is not post.body:
            post.content = damage(body, damaged.how) if damaged else json.dumps(body).encode()

    async def _repeat_later(self, post: Post, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self.post_again(post)

    def _apply_fault(self, post: Post, kind: str) -> bool:
        number = post.body.get("to", "")
        fault = self.faults.pick_for_event(kind, post.body["event"], number)
        if fault:
            post.fault = kind
        return fault is not None

    def _post(self, post: Post) -> None:
        number, event = post.body.get("to", ""), post.body["event"]
        post.state = "waiting"
        if repeated := self.faults.pick_for_event("repeated", event, number):
            seconds = REPEATED_SECONDS if repeated.seconds is None else repeated.seconds
            self._start(self._repeat_later(post, seconds))
        if late := self.faults.pick_for_event("late", event, number):
            post.fault = "late"
            seconds = LATE_SECONDS if late.seconds is None else late.seconds
            self._start(self._try_later(post, seconds))
            return
        copies = [post]
        doubled = self.faults.pick_for_event("doubled", event, number)
        if doubled:
            post.fault = "doubled"
            copies += [self._copy(post) for _ in range(doubled.times - 1)]
        before = self._last.get(post.subject)
        task = self._start(self._try_in_turn(copies, before, together=bool(doubled and doubled.together)))
        self._last[post.subject] = task
        task.add_done_callback(lambda done: self._remove_last(post.subject, done))

    def _copy(self, post: Post) -> Post:
        copy = Post(post.subject, post.url, post.body, fault="doubled", content=post.content)
        self.posts.append(copy)
        return copy

    def _remove_last(self, subject: str, task: asyncio.Task[None]) -> None:
        if self._last.get(subject) is task:
            del self._last[subject]

    async def _try_in_turn(
        self, copies: list[Post], before: asyncio.Task[None] | None, *, together: bool
    ) -> None:
        if before is not None:
            await asyncio.wait([before])
        if together:
            await asyncio.gather(*(self._try(post) for post in copies))
            return
        for post in copies:
            await self._try(post)

    async def _try_later(self, post: Post, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._try(post)

    async def _try(self, post: Post) -> None:
        """Post once; after a failure that may be temporary, schedule the next try."""
        waits = self.behaviour.repost_after_seconds
        tried = len(post.attempts)
        if await self._attempt(post):
            return
        if tried >= len(waits):
            self._set_state(post, "given_up")
            return
        self._start(self._try_later(post, waits[tried] / self.behaviour.speed))

    async def _attempt(self, post: Post) -> bool:
        """Post once. Returns False if it should be repeated: after a 5xx or no response."""
        attempt: Json = {"at": format_precise(current_time()), "status": None, "error": None}
        post.attempts.append(attempt)
        try:
            async with self._at_once:
                answer = await self._client.post(
                    post.url,
                    content=post.content or json.dumps(post.body),
                    headers={"Content-Type": "application/json"},
                )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            attempt["error"] = type(error).__name__
            self._set_state(post, "waiting")
            return False
        attempt["status"] = answer.status_code
        self.delivered += answer.is_success
        again = answer.status_code >= 500
        self._set_state(post, "waiting" if again else "delivered" if answer.is_success else "refused")
        return not again

    def _set_state(
        self, post: Post, state: Literal["waiting", "delivered", "refused", "given_up", "lost", "held"]
    ) -> None:
        post.state = state
        self.stream.publish("post", post.describe)

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
