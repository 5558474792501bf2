"""Why a reminder is called or not: one sentence for each, from the same decide() that dispatch asks."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from contacts.models.people import Channel
from contacts.templatetags.display import day_and_clock
from reminders.deciding.number_caps import NumberUse
from reminders.deciding.situations import NO_LIMITS, Limits, SharedFacts, read_reminder_facts
from reminders.models import Reminder
from reminders.rules.decide import Decision, Situation, Verdict, decide
from reminders.rules.modes import SendingMode
from reminders.rules.reasons import Reason, sentence_for, sentence_of_end
from reminders.rules.states import REMINDER_PENDING
from reminders.rules.zones import zone_or_utc
from reminders.wording.scripts import channel_of

# Reasons that dispatch has found and that hold until next_look_at, with the limit that each stands for.
FOUND: dict[str, str] = {
    Reason.LINE_BUSY: "line_busy_until",
    Reason.DESK_PACE: "desk_busy_until",
}
# These sentences name the moment, by the location's clock.
UNTIL: dict[str, object] = {
    Reason.HELD_BY_CAP: _("This number has had enough calls for now; it waits until %(when)s."),
    Reason.DESK_PACE: _("Its turn is at %(when)s, so that the desk can keep up with callbacks."),
}
# Of Reason.TRIAL_UNVERIFIED, before its time has come.
WOULD_BE_SENT = _(
    "It would be sent on %(when)s, but Callboard is on trial, and this is not a verified number of staff."
)


@dataclass(frozen=True)
class Explanation:
    """What will happen with a reminder, or has happened.

    `verdict` is decide()'s for a pending reminder, else the reminder's own state; `reason` is a code of
    reasons.Reason or "", `sentence` its words, `moment` when it will be called (aware UTC), if it will.
    `would_be_at`: when it would be called if Callboard weren't on trial.
    """

    verdict: str
    reason: str
    sentence: str
    moment: datetime | None
    would_be_at: datetime | None = None


@dataclass(frozen=True)
class ForeseenCall:
    """A decision about a pending reminder, and the moment that it was asked about (aware UTC)."""

    decision: Decision
    decided_for: datetime

    @property
    def moment(self) -> datetime | None:
        """When it will be called, if it will."""
        if self.decision.verdict == Verdict.WAIT:
            return self.decision.until
        return self.decided_for if self.decision.verdict == Verdict.CALL else None


def explain_reminder(
    reminder: Reminder,
    now: datetime,
    *,
    sending_paused: bool = False,
    use: NumberUse | None = None,
    shared: SharedFacts | None = None,
) -> Explanation:
    """The explanation at `now`. The reminder comes from situations.with_situation().

    `use`: the calls to its number (number_caps.read_use); without it, the cap is left out. `shared`: what the
    settings say about it, where that was read already.
    """
    if reminder.state not in REMINDER_PENDING:
        by_text = channel_of(reminder) == Channel.SMS
        words = sentence_of_end(reminder.reason, by_text=by_text)
        return Explanation(reminder.state, reminder.reason, words, None)
    situation = read_reminder_facts(reminder, sending_paused=sending_paused, shared=shared).situation
    foreseen = foresee_call(reminder, situation, now, use)
    decision, called_at = foreseen.decision, foreseen.moment
    if situation.mode == SendingMode.TRIAL and not situation.number_verified:
        live = situation._replace(mode=SendingMode.LIVE, due_before_live=False)
        if would_be_at := foresee_call(reminder, live, now, use).moment:
            return _explain_trial(reminder, max(would_be_at, reminder.next_look_at))
    reason: str = decision.reason
    if called_at is not None:
        called_at = max(called_at, reminder.next_look_at)  # no worker comes before that
        if reason not in UNTIL:
            reason = _say_why_not_yet(reminder, reason, is_ahead=foreseen.decided_for > now)
    return Explanation(
        decision.verdict,
        reason,
        _phrase(reason, called_at if decision.verdict == Verdict.WAIT else None, reminder),
        called_at,
    )


def _explain_trial(reminder: Reminder, would_be_at: datetime) -> Explanation:
    """It would be sent at that moment if Callboard weren't on trial."""
    reason = Reason.TRIAL_UNVERIFIED
    words = str(WOULD_BE_SENT) % {"when": _say_moment(would_be_at, reminder)}
    return Explanation(Verdict.SKIP, reason, words, None, would_be_at)


def foresee_call(
    reminder: Reminder, situation: Situation, now: datetime, use: NumberUse | None = None
) -> ForeseenCall:
    """What decide() says by what is known now, of the moment at which the reminder is due, or of now."""
    moment = now if situation.ordered else max(now, situation.not_before)
    limits = _read_limits(reminder, moment, use)
    limits = limits._replace(trial_full=situation.trial_full and moment <= now)  # tomorrow it has room again
    decision = decide(situation._replace(**limits._asdict()), moment)
    return ForeseenCall(decision, moment)


def _read_limits(reminder: Reminder, moment: datetime, use: NumberUse | None) -> Limits:
    """What other calls forbid, as far as it is known without a query for each row of a page."""
    limits = use.limits_by_cap(reminder, moment) if use else NO_LIMITS
    limit_found = FOUND.get(reminder.reason)
    if reminder.reason == Reason.DESK_PACE and not reminder.appointment.location.calls_per_minute:
        limit_found = None  # the pace was lifted since
    found: dict[str, Any] = {limit_found: reminder.next_look_at} if limit_found else {}
    return limits._replace(**found)


def _say_why_not_yet(reminder: Reminder, reason: str, *, is_ahead: bool) -> str:
    if reminder.try_after:
        return Reason(reminder.reason) if reminder.reason in Reason.values else Reason.TRY_AGAIN
    if is_ahead and reminder.reason == Reason.BROUGHT_FORWARD:
        return Reason.BROUGHT_FORWARD
    return Reason.NOT_DUE_YET if is_ahead else reason


def _phrase(reason: str, until: datetime | None, reminder: Reminder) -> str:
    if until is None or reason not in UNTIL:
        return sentence_for(reason)
    return str(UNTIL[reason]) % {"when": _say_moment(until, reminder)}


def _say_moment(moment: datetime, reminder: Reminder) -> str:
    """The day and the time by the location's clock."""
    return str(day_and_clock(moment.astimezone(zone_or_utc(reminder.appointment.location.time_zone))))
