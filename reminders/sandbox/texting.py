"""Plays text messages: delivers them or lets them fail, and takes the patients' replies."""

import asyncio

from reminders.sandbox.events import describe_sms_optout, describe_sms_reply, describe_sms_status
from reminders.sandbox.posting import Poster
from reminders.sandbox.records import TextMessage, make_id
from reminders.sandbox.scenarios import Scenario
from reminders.sandbox.state import SandboxState
from reminders.sandbox.stream import Stream

DELIVERY_SECONDS = 1.0
REPLY_SECONDS = 8.0
# The words that carriers treat as an opt-out, whatever the sender uses them for.
STOP_WORDS = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT"})
START_WORDS = frozenset({"START", "UNSTOP"})
UNDELIVERABLE = frozenset({Scenario.INVALID_NUMBER, Scenario.CARRIER})


class Texting:
    """Plays each accepted message in its own task."""

    def __init__(self, state: SandboxState, poster: Poster, stream: Stream) -> None:
        self.state = state
        self.poster = poster
        self.stream = stream
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, sms: TextMessage) -> None:
        task = asyncio.create_task(self._play(sms))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def play_at_once(self, sms: TextMessage) -> None:
        """Deliver without delay; returns when the event has been posted. There is no automatic reply."""
        self._deliver(sms)
        await self.poster.wait_until_tried(sms.id)

    def reply(self, sms: TextMessage, text: str) -> TextMessage:
        """The patient replies to this message; STOP and START change the opt-out."""
        sms.replied = True
        inbound = TextMessage(
            id=make_id("sms"),
            to=sms.to,
            sender=sms.sender,
            message=text,
            webhook_url=None,
            scenario=sms.scenario,
            inbound=True,
            status="received",
        )
        self.state.texts[inbound.id] = inbound
        self.poster.submit(sms.id, sms.webhook_url, describe_sms_reply(sms, text))
        self._apply_stop_word(sms, text.strip().upper())
        self.stream.publish("sms", inbound.describe)
        return inbound

    def stop(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def _play(self, sms: TextMessage) -> None:
        speed = self.state.behaviour.speed
        self.stream.publish("sms", sms.describe)
        await asyncio.sleep(DELIVERY_SECONDS / speed)
        self._deliver(sms)
        behaviour = self.state.behaviour
        await asyncio.sleep((behaviour.ring_seconds if behaviour.attended else REPLY_SECONDS) / speed)
        if sms.status == "delivered" and sms.scenario.text_reply and not sms.replied:
            self.reply(sms, sms.scenario.text_reply)

    def _deliver(self, sms: TextMessage) -> None:
        if sms.opted_out_at_acceptance:
            sms.reason = "opted_out"
        elif sms.scenario in UNDELIVERABLE:
            sms.reason = sms.scenario.value
        sms.status = "failed" if sms.reason else "delivered"
        self.poster.submit(sms.id, sms.webhook_url, describe_sms_status(sms))
        self.stream.publish("sms", sms.describe)

    def _apply_stop_word(self, sms: TextMessage, word: str) -> None:
        if word in STOP_WORDS:
            self.state.set_opt_out(sms.to, "sms", opted_out=True)
            self.poster.submit(sms.id, sms.webhook_url, describe_sms_optout(sms))
        elif word in START_WORDS:
            self.state.set_opt_out(sms.to, "sms", opted_out=False)
