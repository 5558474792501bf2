"""Why, or why not: one sentence for each reminder, from the same function that decides."""

from dataclasses import dataclass
from datetime import datetime

from reminders.decide import Verdict, decide
from reminders.models import Reminder
from reminders.reasons import Reason
from reminders.situations import read_look
from reminders.states import REMINDER_PENDING


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


def explain_reminder(reminder: Reminder, now: datetime, *, sending_paused: bool = False) -> Explanation:
    """The explanation at `now`. The reminder comes from situations.with_situation()."""
    if reminder.state not in REMINDER_PENDING:
        return Explanation(reminder.state, reminder.reason, sentence_for(reminder.reason), None)
    # The line was found busy at the last look; asking again for each row of a page would cost a query each.
    busy = reminder.next_look_at if reminder.reason == Reason.LINE_BUSY else None
    look = read_look(reminder, sending_paused=sending_paused, line_busy_until=busy)
    # judged at its moment, not at this one: what would be decided then, as things stand now
    moment = now if look.situation.ordered else max(now, look.situation.not_before)
    decision = decide(look.situation, moment)
    called_at = decision.until if decision.verdict == Verdict.WAIT else moment
    will_call = decision.verdict in (Verdict.CALL, Verdict.WAIT)
    reason = Reason.NOT_DUE_YET if will_call and moment > now else decision.reason
    if reminder.try_after and will_call:
        reason = Reason(reminder.reason) if reminder.reason in Reason.values else Reason.TRY_AGAIN
    return Explanation(decision.verdict, reason, sentence_for(reason), called_at if will_call else None)


def sentence_for(reason: str) -> str:
    """The sentence of a reason code; the code itself when it is not ours, "" for ""."""
    return str(Reason(reason).label) if reason in Reason.values else reason
