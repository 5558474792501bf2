"""Why, or why not: one sentence for each reminder, from the same function that decides."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from contacts.templatetags.display import day_and_clock
from reminders.deciding.number_caps import NumberUse
from reminders.deciding.situations import Limits, apply_limits, read_reminder_facts
from reminders.models import Reminder
from reminders.rules.decide import Verdict, decide
from reminders.rules.reasons import Reason, sentence_for
from reminders.rules.states import REMINDER_PENDING
from reminders.rules.zones import zone_or_utc

# What a look has found and another would, at its next_look_at: the reason, and the limit it stands for.
FOUND: dict[str, str] = {
    Reason.LINE_BUSY: "line_busy_until",
    Reason.DESK_PACE: "desk_busy_until",
}
# Said with the moment, by the location's clock.
UNTIL: dict[str, object] = {
    Reason.HELD_BY_CAP: _("This number has had enough calls for now; it waits until %(when)s."),
    Reason.DESK_PACE: _("Its turn is at %(when)s, so that the desk keeps up with the callbacks."),
}


@dataclass(frozen=True)
class Explanation:
    """What will become, or became, of a reminder.

    `verdict` is decide's for what is pending, else the reminder's own state; `reason` is a code of
    reasons.Reason or "", `sentence` its words, `moment` when it will be called (aware UTC) if it will.
    """

    verdict: str
    reason: str
    sentence: str
    moment: datetime | None


def explain_reminder(
    reminder: Reminder, now: datetime, *, sending_paused: bool = False, use: NumberUse | None = None
) -> Explanation:
    """The explanation at `now`. The reminder comes from situations.with_situation().

    `use` is what has gone to its number (caps.read_use); without it, the cap isn't judged.
    """
    if reminder.state not in REMINDER_PENDING:
        return Explanation(reminder.state, reminder.reason, sentence_for(reminder.reason), None)
    situation = read_reminder_facts(reminder, sending_paused=sending_paused).situation
    # judged at its moment, not at this one: what would be decided then, as things stand now
    moment = now if situation.ordered else max(now, situation.not_before)
    decision = decide(apply_limits(situation, _read_limits(reminder, moment, use)), moment)
    called_at = decision.until if decision.verdict == Verdict.WAIT else moment
    will_call = decision.verdict in (Verdict.CALL, Verdict.WAIT)
    reason: str = decision.reason
    if will_call and reason not in UNTIL:
        reason = _say_why_not_yet(reminder, reason, is_ahead=moment > now)
    return Explanation(
        decision.verdict,
        reason,
        _tell(reason, called_at if decision.verdict == Verdict.WAIT else None, reminder),
        called_at if will_call else None,
    )


def _read_limits(reminder: Reminder, moment: datetime, use: NumberUse | None) -> Limits:
    """What other calls leave no room for, as far as it can be told without a query for each row of a page."""
    limit_found = FOUND.get(reminder.reason)
    found: dict[str, Any] = {limit_found: reminder.next_look_at} if limit_found else {}
    if use is None:
        return Limits(**found)
    return Limits(
        **found,
        capped_until=use.capped_until(reminder, moment),
        cap_may_lift=use.may_lift(reminder, moment),
        told_already=use.has_told(reminder),
    )


def _say_why_not_yet(reminder: Reminder, reason: str, *, is_ahead: bool) -> str:
    if reminder.try_after:
        return Reason(reminder.reason) if reminder.reason in Reason.values else Reason.TRY_AGAIN
    return Reason.NOT_DUE_YET if is_ahead else reason


def _tell(reason: str, until: datetime | None, reminder: Reminder) -> str:
    if until is None or reason not in UNTIL:
        return sentence_for(reason)
    zone = zone_or_utc(reminder.appointment.location.time_zone)
    return str(UNTIL[reason]) % {"when": day_and_clock(until.astimezone(zone))}
