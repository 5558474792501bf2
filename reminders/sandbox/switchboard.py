"""Plays calls: dials, rings, lets a person or a scenario answer, takes keys, and posts to the webhooks."""

import asyncio
import random
from typing import Literal

from reminders.sandbox.clock import current_time
from reminders.sandbox.events import describe_call_end, describe_key, describe_voice_optout
from reminders.sandbox.posting import Poster
from reminders.sandbox.records import Call
from reminders.sandbox.scenarios import Scenario
from reminders.sandbox.state import SandboxState
from reminders.sandbox.stream import Stream

Answerer = Literal["person", "scenario"]

# The phases of a call in seconds, divided by the speed.
DIAL_SECONDS = 0.6
RING_SECONDS = (2.0, 6.0)
RING_OUT_SECONDS = 20.0
HANG_UP_AFTER_SECONDS = 1.5
BETWEEN_KEYS_SECONDS = 1.5
GOODBYE_SECONDS = 4.0
# How long a real person may take to press a key; not divided by the speed.
PATIENCE_SECONDS = 45.0
WORDS_PER_SECOND = 2.6


class ActionNotAllowed(Exception):
    """The state of the call doesn't allow this action."""


class Switchboard:
    """Plays each accepted call in its own task."""

    def __init__(self, state: SandboxState, poster: Poster, stream: Stream) -> None:
        self.state = state
        self.poster = poster
        self.stream = stream
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, call: Call, *, after_seconds: float = 0.0) -> None:
        """Start the call ``after_seconds`` from now (divided by the speed)."""
        task = asyncio.create_task(self.play(call, after_seconds=after_seconds))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def play(self, call: Call, *, after_seconds: float = 0.0) -> None:
        """One call from queued to ended."""
        self._show(call)
        await asyncio.sleep(self._scale(call, after_seconds + DIAL_SECONDS))
        if call.opted_out_at_acceptance:
            self._end(call, "failed", "opted_out")
        elif call.scripted and call.scenario.failure:
            self._end(call, "failed", call.scenario.failure)
        else:
            await self._ring(call)

    async def play_at_once(self, call: Call) -> None:
        """Play the whole scenario without delays; returns when its events have been posted."""
        call.instant = True
        await self.play(call)
        await self.poster.wait_until_tried(call.id)

    def answer(self, call: Call) -> None:
        """A person picks up. Raises ActionNotAllowed."""
        if call.state != "ringing":
            raise ActionNotAllowed("Only a ringing phone can be answered.")
        self._pick_up(call, "person", "human")
        call.changed.set()

    def press(self, call: Call, digit: str) -> None:
        """A person presses a key, which ends the scenario. Raises ActionNotAllowed."""
        if call.state != "answered" or call.amd_result != "human":
            raise ActionNotAllowed("Keys work only in a call that a person has answered.")
        call.answered_by = "person"
        self._take_key(call, digit)
        call.changed.set()

    def hang_up(self, call: Call) -> None:
        """A person hangs up or declines a ringing call. Raises ActionNotAllowed."""
        if call.state == "ringing":
            self._end(call, "no_answer")
        elif call.state == "answered":
            self._end(call, "voicemail" if call.amd_result == "machine" else "answered")
        else:
            raise ActionNotAllowed("Only a ringing or answered call can be hung up.")
        call.changed.set()

    def stop(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def _ring(self, call: Call) -> None:
        call.state = "ringing"
        self._show(call)
        answered = await self._wait(call, self._scale(call, self._choose_ring_seconds(call)))
        if answered:
            await self._wait_for_person(call)
        else:
            await self._play_scenario(call)

    def _choose_ring_seconds(self, call: Call) -> float:
        behaviour = self.state.behaviour
        shortest = behaviour.ring_seconds if behaviour.attended else 0.0
        if call.scenario is Scenario.NO_ANSWER:
            return max(shortest, RING_OUT_SECONDS)
        return shortest or random.uniform(*RING_SECONDS)  # noqa: S311 - a ringing time, no secret

    async def _play_scenario(self, call: Call) -> None:
        if call.scenario.failure:
            self._end(call, "failed", call.scenario.failure)
        elif call.scenario is Scenario.NO_ANSWER:
            self._end(call, "no_answer")
        elif call.scenario is Scenario.VOICEMAIL:
            await self._play_voicemail(call)
        else:
            await self._play_answer(call)

    async def _play_voicemail(self, call: Call) -> None:
        self._pick_up(call, "scenario", "machine")
        await self._wait(call, self._scale(call, estimate_speech_seconds(call.message)))
        if call.state == "answered":
            self._end(call, "voicemail")

    async def _play_answer(self, call: Call) -> None:
        self._pick_up(call, "scenario", "human")
        listens = HANG_UP_AFTER_SECONDS
        if call.scenario is not Scenario.HANG_UP:
            listens = estimate_speech_seconds(call.message)
        uninterrupted = not await self._wait(call, self._scale(call, listens))
        for key in call.scenario.keys:
            if uninterrupted:
                self._take_key(call, key)
                uninterrupted = not await self._wait(call, self._scale(call, BETWEEN_KEYS_SECONDS))
        if not uninterrupted:
            await self._wait_for_person(call)
        elif call.state == "answered":
            self._end(call, "answered")

    async def _wait_for_person(self, call: Call) -> None:
        """Keep the call open until the person hangs up, a key with an action ends it, or nothing happens."""
        while call.state == "answered":
            spoken = estimate_speech_seconds(call.message)
            has_action = call.last_key in call.dtmf
            seconds = self._scale(call, GOODBYE_SECONDS) if has_action else spoken + PATIENCE_SECONDS
            if not await self._wait(call, seconds):
                self._end(call, "answered")

    async def _wait(self, call: Call, seconds: float) -> bool:
        """Whether a person did something to this call within these seconds."""
        call.changed.clear()
        try:
            async with asyncio.timeout(seconds):
                await call.changed.wait()
        except TimeoutError:
            return False
        return True

    def _scale(self, call: Call, seconds: float) -> float:
        return 0.0 if call.instant else seconds / self.state.behaviour.speed

    def _pick_up(self, call: Call, who: Answerer, amd_result: Literal["human", "machine"]) -> None:
        call.state = "answered"
        call.answered_by = who
        call.amd_result = amd_result
        call.answered_at = current_time()
        self._show(call)

    def _take_key(self, call: Call, digit: str) -> None:
        call.keys.append(digit)
        action = call.dtmf.get(digit, {})
        if action.get("action") == "webhook":
            self.poster.submit(call.id, action["url"], describe_key(call, digit))
        elif action.get("action") == "optout":
            self.state.set_opt_out(call.to, "voice", opted_out=True)
            self.poster.submit(call.id, call.webhook_url, describe_voice_optout(call))
        self._show(call)

    def _end(self, call: Call, outcome: str, reason: str | None = None) -> None:
        call.state = "ended"
        call.outcome = outcome
        call.reason = reason
        call.ended_at = current_time()
        call.duration_seconds = self._measure(call)
        self.poster.submit(call.id, call.webhook_url, describe_call_end(call))
        self.poster.release(call.id)
        self._show(call)

    def _measure(self, call: Call) -> int:
        """The duration in whole seconds, as at speed 1."""
        if call.answered_at is None or call.ended_at is None:
            return 0
        if call.instant:
            return round(estimate_speech_seconds(call.message))
        return round((call.ended_at - call.answered_at).total_seconds() * self.state.behaviour.speed)

    def _show(self, call: Call) -> None:
        self.stream.publish("call", call.describe_phone)


def estimate_speech_seconds(text: str) -> float:
    """How long it takes to say the text, in seconds."""
    return 1.0 + len(text.split()) / WORDS_PER_SECOND
