"""What became of the demo's reminders before now, as rows that the real way would have left behind.

The moments come from the real rules (planning, calling hours, retries); only the endings are made up
(outcomes.py). What is still owed is left to planning.
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
from reminders.planning.planner import find_owed_reminder
from reminders.rules.calling_hours import CallingHours, next_allowed
from reminders.rules.reasons import Reason
from reminders.rules.retries import RetryRule, TryOutcome, next_try
from reminders.rules.states import CallState, ReminderState
from reminders.wording.scripts import caller_id, choose_text, fill_variables, speak, used_variables

RINGS, SPEAKS = (20, 30), (18, 41)  # seconds, from and to
POST_TOOK = timedelta(milliseconds=310)
LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"


@dataclass(frozen=True)
class Ending:
    """What a try's ending means: for the call, for another try, and for the reminder when it was the last."""

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
# What settles an appointment's further steps, and how they end for it.
SETTLES: dict[str, tuple[ReminderState, Reason]] = {
    "1": (ReminderState.SKIPPED, Reason.CONFIRMED),
    "2": (ReminderState.SKIPPED, Reason.WANTS_ANOTHER_TIME),
    "9": (ReminderState.SKIPPED, Reason.OPTED_OUT),
    outcomes.INVALID: (ReminderState.MISSED, Reason.TOO_LATE),
}


@dataclass
class History:
    """Rows to be saved, reminders first; `decisive`: the calls whose ending did more, with its moment."""

    reminders: list[Reminder] = field(default_factory=list)
    calls: list[CallRecord] = field(default_factory=list)
    decisive: list[tuple[CallRecord, str, datetime]] = field(default_factory=list)


def make_history(
    visits: Iterable[tuple[Appointment, DemoOutcome]], steps: Sequence[Step], now: datetime
) -> History:
    """What happened until `now` (aware UTC). Location, contact, phone and texts must be loaded."""
    teller = _Teller(now, random.Random(11))  # noqa: S311 - no secret
    for appointment, fate in visits:
        teller.describe_visit(appointment, steps, fate)
    return teller.history


@dataclass
class _Teller:
    now: datetime
    chance: random.Random
    history: History = field(default_factory=History)

    def describe_visit(self, appointment: Appointment, steps: Sequence[Step], fate: DemoOutcome) -> None:
        settled = ""
        for step, ends in zip(steps, fate, strict=True):
            owed = find_owed_reminder(step, appointment)
            if owed is None or owed.due_at > self.now or owed.reason or not (ends or settled):
                continue
            reminder = Reminder(
                appointment=appointment,
                step=step,
                revision=appointment.revision,
                due_at=owed.due_at,
                not_after=owed.not_after,
                next_look_at=owed.due_at,
                channel=step.channel,
            )
            self.history.reminders.append(reminder)
            if settled:
                reminder.state, reminder.reason = SETTLES[settled]
            else:
                reminder.state, reminder.reason = (
                    ReminderState.MISSED,
                    Reason.TOO_LATE,
                )
                settled = self._tell_tries(reminder, ends)

    def _tell_tries(self, reminder: Reminder, ends: Sequence[str]) -> str:
        """Make the tries; the ending that settles the appointment, or ""."""
        again: datetime | None = reminder.due_at
        for try_number, end in enumerate(ends, start=1):
            moment = _allowed_from(again, reminder) if again else reminder.not_after
            if moment >= reminder.not_after:
                break
            if moment > self.now:
                reminder.state, reminder.reason = ReminderState.PLANNED, Reason.TRY_AGAIN
                reminder.next_look_at = reminder.try_after = moment
                break
            began = moment + timedelta(seconds=self.chance.uniform(0.5, 9))
            ended = self._make_call(reminder, end, began, try_number)
            if end in SETTLES:
                return end
            outcome = _ending_of(end, reminder.step.channel).outcome
            again = next_try(_rule_of(reminder.step), outcome, try_number, ended)
        return ""

    def _make_call(self, reminder: Reminder, end: str, began: datetime, try_number: int) -> datetime:
        """Add one try that ended so; the moment it ended."""
        ending = _ending_of(end, reminder.step.channel)
        lasted = self.chance.randint(*ending.seconds)
        ended = began + timedelta(seconds=lasted)
        call = _word_call(reminder)
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


def _word_call(reminder: Reminder) -> CallRecord:
    appointment = reminder.appointment
    number = appointment.contact.phone
    text = choose_text(reminder.step.script, appointment.contact.language)
    if number is None or text is None:
        raise ValueError("Whoever was called has a number and a script.")
    known = fill_variables(appointment, text.language)
    used = used_variables(text.text)
    return CallRecord(
        reminder=reminder,
        number=number,
        channel=reminder.step.channel,
        from_number=caller_id(appointment.location),
        script_text=text,
        variables={name: value for name, value in known.items() if name in used},
        text=speak(text.text, known),
    )


def _allowed_from(moment: datetime, reminder: Reminder) -> datetime:
    location = reminder.appointment.location
    hours = CallingHours(location.calling_opens, location.calling_closes)
    return next_allowed(moment, hours, (location.zone,)) or reminder.not_after


def _rule_of(step: Step) -> RetryRule:
    return RetryRule(step.max_tries, step.retry_wait)
