"""Whether and when a call is tried again, and how long to leave the provider in peace. Pure.

Two matters kept apart: a person who wasn't reached (`next_try`, by the step's rule), and a provider
that doesn't take calls just now (`backoff_after_failures`, `retry_after_or_backoff`).
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from reminders.rules.schedule import first_moment_at

NOON = time(13)  # who isn't there before it may be there after it, and the other way round
MORNING, AFTERNOON = time(9, 30), time(16)  # when the other half of the day begins
BUSY_WAIT = timedelta(minutes=15)  # somebody is at the phone: no use in waiting for hours
BACKOFF_CAP = timedelta(minutes=5)


class TryOutcome(StrEnum):
    """How one try ended. FAILED is the carrier's failure; INVALID_NUMBER is the number's own."""

    NO_ANSWER = "no_answer"
    BUSY = "busy"
    FAILED = "failed"
    VOICEMAIL = "voicemail"
    ANSWERED_WITHOUT_KEY = "answered_without_key"
    INVALID_NUMBER = "invalid_number"
    REJECTED = "rejected"
    NOT_SENT = "not_sent"


TRIED_AGAIN = frozenset({TryOutcome.NO_ANSWER, TryOutcome.BUSY, TryOutcome.FAILED})


@dataclass(frozen=True)
class RetryRule:
    """At most `max_tries` calls in all, the first included, with `wait` between them.

    `voicemail`: a message left doesn't count as reached. `at_another_time`: in the other half of the day.
    """

    max_tries: int
    wait: timedelta
    voicemail: bool = False
    at_another_time: bool = False

    def __post_init__(self) -> None:
        if self.max_tries < 1:
            raise ValueError("The number of tries must be 1 or more; 1 means no second try.")
        if self.wait <= timedelta(0):
            raise ValueError("The wait between two tries must be longer than nothing.")


def next_try(
    rule: RetryRule,
    outcome: TryOutcome,
    tries_made: int,
    ended_at: datetime,
    *,
    zone: ZoneInfo | None = None,
    not_after: datetime | None = None,
) -> datetime | None:
    """When to try again after a try that ended at `ended_at`, or None for never.

    `tries_made` counts the try that has just ended. What isn't in TRIED_AGAIN isn't tried again, a voicemail
    only where the rule says so. NOT_SENT rang nobody, so it uses up no try and comes again soon, whatever the
    count; the caller's `not_after` ends it. Another time of day is by the clock of `zone` (the location's),
    and given up for the plain wait where it would be too late (`not_after`).
    """
    if outcome == TryOutcome.NOT_SENT:
        return ended_at + min(rule.wait, BACKOFF_CAP)
    tried_again = TRIED_AGAIN | {TryOutcome.VOICEMAIL} if rule.voicemail else TRIED_AGAIN
    if outcome not in tried_again or tries_made >= rule.max_tries:
        return None
    if outcome == TryOutcome.BUSY:  # somebody is there now, at this time of day
        return ended_at + min(rule.wait, BUSY_WAIT)
    earliest = ended_at + rule.wait
    if rule.at_another_time and zone:
        other = other_half_of_day(ended_at, earliest, zone)
        return other if not_after is None or other < not_after else earliest
    return earliest


def other_half_of_day(tried_at: datetime, earliest: datetime, zone: ZoneInfo) -> datetime:
    """The first moment from `earliest` on in the half of the day in which it wasn't tried (aware UTC).

    After a try before 13:00 that is from 16:00 on, after a later one from 9:30 to 13:00.
    """
    was_morning = tried_at.astimezone(zone).time() < NOON
    opens, closes = (AFTERNOON, time.max) if was_morning else (MORNING, NOON)
    local = earliest.astimezone(zone)
    if opens <= local.time() < closes:
        return earliest
    day = local.date() if local.time() < opens else local.date() + timedelta(days=1)
    return first_moment_at(datetime.combine(day, opens), zone)
