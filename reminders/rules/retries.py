"""Whether and when a call is tried again after it reached nobody, by the step's rule. Pure.

How long to wait when Robotalker itself fails is in backoff.py.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from reminders.rules.schedule import first_moment_at

NOON = time(13)  # divides the day in two: who isn't reached in one half may be reached in the other
MORNING, AFTERNOON = time(9, 30), time(16)  # when calls in each half of the day begin
BUSY_WAIT = timedelta(minutes=15)  # the person is at the phone, so the next try comes soon
BACKOFF_CAP = timedelta(minutes=5)


class TryOutcome(StrEnum):
    """How one try ended. FAILED is a failure of the carrier; INVALID_NUMBER is one of the number."""

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
    """At most `max_tries` calls, including the first, with `wait` between them.

    `voicemail`: also try again after leaving a message. `at_another_time`: in the other half of the day.
    """

    max_tries: int
    wait: timedelta
    voicemail: bool = False
    at_another_time: bool = False

    def __post_init__(self) -> None:
        if self.max_tries < 1:
            raise ValueError("The number of tries must be 1 or more; 1 means no second try.")
        if self.wait <= timedelta(0):
            raise ValueError("The wait between two tries must be more than 0.")


def next_try(
    rule: RetryRule,
    outcome: TryOutcome,
    tries_made: int,
    ended_at: datetime,
    *,
    zone: ZoneInfo | None = None,
    not_after: datetime | None = None,
) -> datetime | None:
    """When to try again after a try that ended at `ended_at`; None for never.

    `tries_made` includes the try that has just ended. Only outcomes in TRIED_AGAIN are tried again, and a
    voicemail if the rule says so. NOT_SENT reached no phone: it doesn't count as a try and is repeated soon
    until the caller's `not_after`. Another time of day is in `zone` (the location's); if that would be too
    late (`not_after`), only the plain wait applies.
    """
    if outcome == TryOutcome.NOT_SENT:
        return ended_at + min(rule.wait, BACKOFF_CAP)
    tried_again = TRIED_AGAIN | {TryOutcome.VOICEMAIL} if rule.voicemail else TRIED_AGAIN
    if outcome not in tried_again or tries_made >= rule.max_tries:
        return None
    if outcome == TryOutcome.BUSY:  # the person is there at this time of day
        return ended_at + min(rule.wait, BUSY_WAIT)
    earliest = ended_at + rule.wait
    if rule.at_another_time and zone:
        other = other_half_of_day(ended_at, earliest, zone)
        return other if not_after is None or other < not_after else earliest
    return earliest


def other_half_of_day(tried_at: datetime, earliest: datetime, zone: ZoneInfo) -> datetime:
    """The first moment from `earliest` on in the half of the day without a try (aware UTC).

    After a try before 13:00 that is from 16:00 on; after a later one it is from 9:30 to 13:00.
    """
    was_morning = tried_at.astimezone(zone).time() < NOON
    opens, closes = (AFTERNOON, time.max) if was_morning else (MORNING, NOON)
    local = earliest.astimezone(zone)
    if opens <= local.time() < closes:
        return earliest
    day = local.date() if local.time() < opens else local.date() + timedelta(days=1)
    return first_moment_at(datetime.combine(day, opens), zone)
