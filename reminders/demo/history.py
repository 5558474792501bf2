"""What happened to the demo's reminders before now, as the rows that real sending would have left.

The times come from the real rules (planning, calling hours, retries); only the outcomes are made up
(outcomes.py). Reminders that are still due are left to planning.
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from contacts.models import Appointment
from contacts.models.people import Channel
from reminders.demo import outcomes
from reminders.demo.outcomes import DemoOutcome
from reminders.models import CallRecord, Reminder, Step
from reminders.planning.owed_reminders import find_owed_reminder
from reminders.rules.calling_hours import CallingHours, next_allowed
from reminders.rules.reasons import Reason
from reminders.rules.retries import RetryRule, TryOutcome, next_try
from reminders.rules.states import CallState, ReminderState
from reminders.wording.scripts import (
    caller_id,
    choose_text,
    fill_message,
    fill_variables,
    find_missing_language,
    step_channel_of,
)

RINGS, SPEAKS = (20, 30), (18, 41)  # seconds, from and to
POST_TOOK = timedelta(milliseconds=310)
LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"


@dataclass(frozen=True)
class Ending:
    """What the end of a try means for the call, for the next try, and for the reminder if it was the last."""

    state: CallState
    outcome: TryOutcome
    reason: Reason
    amd_result: str = ""
    seconds: tuple[int, int] = SPEAKS


_PICKED_UP = Ending(CallState.ANSWERED, TryOutcome.ANSWERED_WITHOUT_KEY, Reason.REACHED, "human")
_FAILED = Ending(CallState.FAILED, TryOutcome.FAILED, Reason.NOT_REACHED, seconds=(1, 3))
ENDINGS: dict[str, Ending] = {
    "1": _PICKED_UP,
    "2": _PICKED_UP,
    "9": _PICKED_UP,
    outcomes.LISTENED: _PICKED_UP,
    outcomes.VOICEMAIL: Ending(CallState.VOICEMAIL, TryOutcome.VOICEMAIL, Reason.VOICEMAIL, "machine"),
    outcomes.NO_ANSWER: Ending(CallState.NO_ANSWER, TryOutcome.NO_ANSWER, Reason.NOT_REACHED, seconds=RINGS),
    outcomes.BUSY: replace(_FAILED, outcome=TryOutcome.BUSY),
    outcomes.CARRIER: _FAILED,
    outcomes.INVALID: replace(_FAILED, outcome=TryOutcome.INVALID_NUMBER),
}
_TEXT_DELIVERED = Ending(
    CallState.DELIVERED, TryOutcome.ANSWERED_WITHOUT_KEY, Reason.DELIVERED, seconds=(2, 5)
)
_TEXT_ANSWERED = Ending(
    CallState.ANSWERED, TryOutcome.ANSWERED_WITHOUT_KEY, Reason.REACHED, seconds=(60, 600)
)
# Ends that make an appointment's further steps unnecessary, with the state and reason these steps get.
SETTLES: dict[str, tuple[ReminderState, Reason]] = {
    "1": (ReminderState.SKIPPED, Reason.CONFIRMED),
    "2": (ReminderState.SKIPPED, Reason.WANTS_ANOTHER_TIME),
    "9": (ReminderState.SKIPPED, Reason.OPTED_OUT),
    outcomes.INVALID: (ReminderState.MISSED, Reason.TOO_LATE),
}


@dataclass
class History:
    """Rows to save, reminders first. `decisive`: calls whose end changed more, with the end and its time."""

    reminders: list[Reminder] = field(default_factory=list)
    calls: list[CallRecord] = field(default_factory=list)
    decisive: list[tuple[CallRecord, str, datetime]] = field(default_factory=list)


def make_history(
    outcomes_of: Iterable[tuple[Appointment, DemoOutcome]], steps: Sequence[Step], now: datetime
) -> History:
    """What happened until `now` (aware UTC). Location, contact, phone and texts must be loaded."""
    maker = _HistoryMaker(now, random.Random(11))  # noqa: S311 - no secret
    for appointment, outcome in outcomes_of:
        maker.add_appointment(appointment, steps, outcome)
    return maker.history


@dataclass
class _HistoryMaker:
    now: datetime
    chance: random.Random
    history: History = field(default_factory=History)

    def add_appointment(self, appointment: Appointment, steps: Sequence[Step], outcome: DemoOutcome) -> None:
        settled = ""
        for step, ends in zip(steps, outcome, strict=True):
            owed = find_owed_reminder(step, appointment)
            if (
                owed is None
                or owed.due_at > self.now
                or owed.state == ReminderState.SKIPPED
                or not (ends or settled)
            ):
                continue
            reminder = Reminder(
                appointment=appointment,
                step=step,
                revision=appointment.revision,
                due_at=owed.due_at,
                not_after=owed.not_after,
                next_look_at=owed.due_at,
            )
            self.history.reminders.append(reminder)
            if settled:
                reminder.state, reminder.reason = SETTLES[settled]
            else:
                reminder.state, reminder.reason = (
                    ReminderState.MISSED,
                    Reason.TOO_LATE,
                )
                settled = self._add_tries(reminder, ends)

    def _add_tries(self, reminder: Reminder, ends: Sequence[str]) -> str:
        """Add the tries; returns the end that makes further steps unnecessary, or ""."""
        again: datetime | None = reminder.due_at
        for try_number, end in enumerate(ends, start=1):
            moment = _find_allowed(again, reminder) if again else reminder.not_after
            if moment >= reminder.not_after:
                break
            if moment > self.now:
                reminder.state, reminder.reason = ReminderState.PLANNED, Reason.TRY_AGAIN
                reminder.next_look_at = reminder.try_after = moment
                break
            began = moment + timedelta(seconds=self.chance.uniform(0.5, 9))
            ended = self._add_try(reminder, end, began, try_number)
            if end in SETTLES:
                return end
            outcome = _ending_of(end, step_channel_of(reminder)).outcome
            rule = RetryRule(reminder.step.max_tries, reminder.step.retry_wait)
            again = next_try(rule, outcome, try_number, ended)
        return ""

    def _add_try(self, reminder: Reminder, end: str, began: datetime, try_number: int) -> datetime:
        """Add one try with this end; returns when it ended."""
        ending = _ending_of(end, step_channel_of(reminder))
        lasted = self.chance.randint(*ending.seconds)
        ended = began + timedelta(seconds=lasted)
        call = _build_call(reminder)
        call.state, call.try_number, call.amd_result = ending.state, try_number, ending.amd_result
        call.reason = end if ending.state == CallState.FAILED else ""
        call.robotalker_id = "cal_" + "".join(self.chance.choices(LETTERS, k=8))
        call.submitting_at, call.submitted_at, call.ended_at = began, began + POST_TOOK, ended
        call.duration_seconds = lasted if ending.amd_result else None
        if end.isdigit():
            call.key_pressed, call.keys = end, [[ended.isoformat(), end]]
        reminder.state, reminder.reason = ReminderState.DONE, ending.reason
        self.history.calls.append(call)
        if end in SETTLES:
            self.history.decisive.append((call, end, ended))
        return ended


def _ending_of(end: str, channel: str) -> Ending:
    if channel == Channel.SMS:
        return _TEXT_ANSWERED if end.isdigit() else _TEXT_DELIVERED
    return ENDINGS[end]


def _build_call(reminder: Reminder) -> CallRecord:
    appointment = reminder.appointment
    number = appointment.contact.phone
    text = choose_text(reminder.step.script, appointment.contact.language)
    if number is None or text is None:
        raise ValueError("A call needs a number and a script.")
    is_text = step_channel_of(reminder) == Channel.SMS
    values = fill_variables(appointment, text.language, is_text=is_text)
    variables, said = fill_message(text.text, values, is_text=is_text)
    return CallRecord(
        reminder=reminder,
        number=number,
        channel=step_channel_of(reminder),
        from_number=caller_id(appointment.location),
        script_text=text,
        missing_language=find_missing_language(text, appointment.contact.language),
        variables=variables,
        text=said,
    )


def _find_allowed(moment: datetime, reminder: Reminder) -> datetime:
    location = reminder.appointment.location
    hours = CallingHours(location.calling_opens, location.calling_closes)
    return next_allowed(moment, hours, (location.zone,)) or reminder.not_after
