"""The one function that decides: whether a reminder is called now, waits, is skipped or is held.

Pure: what is known and the moment go in, a verdict with its reason comes out. The worker, the preview,
the appointment's page and the "call now" button all ask here, so that no path can go round a rule and
the page can say why.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from reminders.rules.calling_hours import CallingHours, next_allowed
from reminders.rules.reasons import Reason

CAP_LOOK = timedelta(minutes=5)  # how soon what the cap holds is looked at again


class Verdict(StrEnum):
    CALL = "call"  # submit it now
    WAIT = "wait"  # look again at `until`
    SKIP = "skip"  # not needed or not allowed, for good
    BLOCK = "block"  # held: a person has to change something first
    MISS = "miss"  # its time is over


@dataclass(frozen=True)
class Situation:
    """All that bears on one reminder; moments are aware UTC.

    `zones` are those in which the call must be allowed (calling_hours.recipient_zones); empty when a name
    in the book is no zone. For a
    text message `opted_out` and `hours` are those of text messages.
    """

    not_before: datetime  # when it is due, or later after a failed try
    not_after: datetime
    revision: int
    appointment_revision: int
    appointment_status: str
    answer: str  # the answer for this revision: "", "confirmed" or "wants_another_time"
    audience: str
    campaign_active: bool
    covered: bool  # the campaign's filters still mean this appointment
    sending_paused: bool
    has_number: bool
    number_unusable: bool
    opted_out: bool
    has_consent: bool
    has_script: bool
    hours: CallingHours
    zones: tuple[ZoneInfo, ...]
    ordered: bool = False  # a named person ordered this try
    line_busy_until: datetime | None = None  # another call of ours to this number is under way
    capped_until: datetime | None = None  # the number has had its calls until this day begins (caps.py)
    cap_may_lift: bool = (
        False  # it lifts at once if a call that is still open turns out to have reached nobody
    )
    told_already: bool = False  # one of those calls was about this very appointment, as it stands
    desk_busy_until: datetime | None = None  # the location's turn for one more call (desk_pace.py)


@dataclass(frozen=True)
class Decision:
    """What to do, why (a code of reasons.Reason), and for WAIT until when (aware UTC)."""

    verdict: Verdict
    reason: Reason
    until: datetime | None = None


Rule = Callable[[Situation, datetime], Decision | None]


def decide(situation: Situation, now: datetime) -> Decision:
    """The decision for this moment: the first rule that has something to say.

    An order by a person passes only the rules that say "not yet" or "not needed", the cap per number and
    the desk's pace among them; never those of opt-out, hours, an old time, or an appointment that is
    cancelled or over.
    """
    for rule in RULES:
        if decision := rule(situation, now):
            return decision
    return Decision(Verdict.CALL, Reason.ORDERED if situation.ordered else Reason.DUE)


def refuse_what_is_not_there(situation: Situation, _now: datetime) -> Decision | None:
    """Moved, cancelled, or the patient has been: there is nothing to remind of."""
    if situation.revision != situation.appointment_revision:
        return Decision(Verdict.SKIP, Reason.MOVED)
    if situation.appointment_status == "cancelled":
        return Decision(Verdict.SKIP, Reason.CANCELLED)
    if situation.appointment_status != "booked":
        return Decision(Verdict.SKIP, Reason.VISIT_RECORDED)
    return None


def refuse_what_is_too_late(situation: Situation, now: datetime) -> Decision | None:
    return Decision(Verdict.MISS, Reason.TOO_LATE) if now >= situation.not_after else None


def refuse_who_opted_out(situation: Situation, _now: datetime) -> Decision | None:
    return Decision(Verdict.SKIP, Reason.OPTED_OUT) if situation.opted_out else None


def skip_who_is_not_meant(situation: Situation, _now: datetime) -> Decision | None:
    """The step's audience, and whoever asked for another time: a person sees to them."""
    if situation.ordered:
        return None
    if not situation.covered:
        return Decision(Verdict.SKIP, Reason.NOT_COVERED)
    if situation.answer == "wants_another_time":
        return Decision(Verdict.SKIP, Reason.WANTS_ANOTHER_TIME)
    if situation.audience == "unconfirmed" and situation.answer == "confirmed":
        return Decision(Verdict.SKIP, Reason.CONFIRMED)
    return None


def wait_for_its_moment(situation: Situation, now: datetime) -> Decision | None:
    if situation.ordered or now >= situation.not_before:
        return None
    return Decision(Verdict.WAIT, Reason.NOT_DUE_YET, situation.not_before)


def skip_who_did_not_confirm(situation: Situation, _now: datetime) -> Decision | None:
    """Asked only when the moment has come: until then the patient may still confirm."""
    if situation.ordered or situation.audience != "confirmed" or situation.answer == "confirmed":
        return None
    return Decision(Verdict.SKIP, Reason.NOT_CONFIRMED)


def hold_what_lacks_something(situation: Situation, _now: datetime) -> Decision | None:
    """What only a person can mend; it goes as soon as they have."""
    lacks = [
        (situation.sending_paused, Reason.SENDING_PAUSED),
        (not situation.campaign_active and not situation.ordered, Reason.CAMPAIGN_PAUSED),
        (not situation.has_number, Reason.NO_NUMBER),
        (situation.number_unusable, Reason.NUMBER_UNUSABLE),
        (not situation.has_consent, Reason.NO_CONSENT),
        (not situation.has_script, Reason.NO_SCRIPT),
    ]
    return next((Decision(Verdict.BLOCK, reason) for missing, reason in lacks if missing), None)


def wait_for_calling_hours(situation: Situation, now: datetime) -> Decision | None:
    """The recipient's clock decides, and no order goes round it (product rule 8). No clock: no call."""
    allowed = next_allowed(now, situation.hours, situation.zones) if situation.zones else None
    if allowed is None:
        return Decision(Verdict.BLOCK, Reason.NO_COMMON_HOURS)
    if allowed >= situation.not_after:
        return Decision(Verdict.MISS, Reason.TOO_LATE)
    if allowed > now:
        return Decision(Verdict.WAIT, Reason.OUTSIDE_CALLING_HOURS, allowed)
    return None


def wait_for_the_line(situation: Situation, now: datetime) -> Decision | None:
    """One phone rings for one call at a time, however many people share it."""
    busy_until = situation.line_busy_until
    if busy_until is None or busy_until <= now:
        return None
    return Decision(Verdict.WAIT, Reason.LINE_BUSY, busy_until)


def hold_by_the_cap(situation: Situation, now: datetime) -> Decision | None:
    """Not too many calls to one number (product rule 21): it waits for a day that has room for one more.

    Calls to others of its household, for the same day, don't count (caps.py). Where that day is too late, it
    is looked at again as long as a call that counts may turn out to have reached nobody. Else whoever was
    told of this appointment needs no more, or it is missed, at once and in the open, so that a person has
    time to see to it.
    """
    capped_until = situation.capped_until
    if situation.ordered or capped_until is None or capped_until <= now:
        return None
    allowed = next_allowed(capped_until, situation.hours, situation.zones)
    if allowed is not None and allowed < situation.not_after:
        return Decision(Verdict.WAIT, Reason.HELD_BY_CAP, allowed)
    if situation.cap_may_lift and now + CAP_LOOK < situation.not_after:
        return Decision(Verdict.WAIT, Reason.HELD_BY_CAP, now + CAP_LOOK)
    return Decision(Verdict.SKIP if situation.told_already else Verdict.MISS, Reason.HELD_BY_CAP)


def wait_for_the_desk(situation: Situation, now: datetime) -> Decision | None:
    """No more calls a minute than the location's desk can take the callbacks of (product rule 24)."""
    busy_until = situation.desk_busy_until
    if situation.ordered or busy_until is None or busy_until <= now:
        return None
    return Decision(Verdict.WAIT, Reason.DESK_PACE, busy_until)


RULES: tuple[Rule, ...] = (
    refuse_what_is_not_there,
    refuse_who_opted_out,
    skip_who_is_not_meant,
    refuse_what_is_too_late,  # after those: what nobody needed was not missed
    wait_for_its_moment,
    skip_who_did_not_confirm,
    hold_what_lacks_something,
    wait_for_calling_hours,
    wait_for_the_line,  # before the cap: what is ringing just now may turn out to have reached nobody
    hold_by_the_cap,
    wait_for_the_desk,  # last: a turn is for what would be called
)
