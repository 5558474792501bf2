"""The one function that decides whether a reminder is sent now, waits, is skipped, is held or is missed.

Pure: the situation and the time go in, a decision with its reason comes out. The worker, the preview, the
appointment page and the "call now" button all use it, so that no code path can bypass a rule and the page can
show the reason.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from reminders.rules.calling_hours import CallingHours, is_same_stretch, next_allowed
from reminders.rules.modes import SendingMode
from reminders.rules.reasons import Reason

CAP_LOOK = timedelta(minutes=5)  # when a reminder that the cap delays is decided again


class Verdict(StrEnum):
    CALL = "call"  # submit it now
    WAIT = "wait"  # decide again at `until`
    SKIP = "skip"  # not needed or not allowed, for good
    BLOCK = "block"  # held until a person changes something
    MISS = "miss"  # too late


class Situation(NamedTuple):
    """Everything the decision about one reminder depends on; times are aware UTC.

    `zones` are those in which the call must be allowed (calling_hours.recipient_zones); empty if a stored
    zone name is invalid. For a text message, `opted_out` and `hours` are those for text messages.

    `is_real`: requests leave this machine, since Robotalker's address is not the sandbox's.
    `due_before_live`: it came to be owed before the installation went live.
    """

    not_before: datetime  # the due time, or later after a failed try
    not_after: datetime
    revision: int
    appointment_revision: int
    appointment_status: str
    answer: str  # the patient's answer for this revision: "", "confirmed" or "wants_another_time"
    audience: str
    campaign_active: bool
    covered: bool  # the campaign's filters still include this appointment
    sending_paused: bool
    has_number: bool
    number_unusable: bool
    opted_out: bool
    has_consent: bool
    has_script: bool
    hours: CallingHours
    zones: tuple[ZoneInfo, ...]
    refusal: Reason | None = None  # the patient wants nothing by this channel: one of REASONS_OF_WISH
    ordered: bool = False  # a member of staff ordered this try
    at_once_from: datetime | None = (
        None  # booked then, too late for it; the step says: at once, or not at all
    )
    line_busy_until: datetime | None = None  # another of our calls to this number is in progress
    capped_until: datetime | None = None  # the cap of the number allows no more before (number_caps.py)
    cap_may_lift: bool = False  # a counted call is still open and won't count if it reached nobody
    told_already: bool = False  # one of the counted calls was about this revision of the appointment
    desk_busy_until: datetime | None = None  # the location's desk pace allows no more before (desk_pace.py)
    location_paused: bool = False
    mode: SendingMode = SendingMode.LIVE
    is_real: bool = False
    is_demo: bool = False  # a made-up patient of the demo clinic
    number_verified: bool = False  # a member of staff has proved that the number is theirs
    trial_full: bool = False  # as much has gone out as a trial allows in 24 hours
    due_before_live: bool = False
    other_number_opted_out: bool = False  # the number that stands in for this one, or this one for it
    consent_lacking: bool = False  # the campaign requires a consent that the number doesn't have


@dataclass(frozen=True)
class Decision:
    """What to do, why (a code of reasons.Reason), and for WAIT until when (aware UTC)."""

    verdict: Verdict
    reason: Reason
    until: datetime | None = None


Rule = Callable[[Situation, datetime], Decision | None]


def decide(situation: Situation, now: datetime) -> Decision:
    """The decision at `now`: that of the first rule that returns one.

    An order by staff overrides only the rules that say "not yet" or "not needed", including the cap per
    number and the desk pace. It never overrides opt-out, the patient's own wish, consent, calling hours,
    lateness, or an appointment that was moved, cancelled or is over.
    """
    for rule in RULES:
        if decision := rule(situation, now):
            return decision
    return go_ahead(situation)


def go_ahead(situation: Situation) -> Decision:
    """The decision when no rule returns one."""
    return Decision(Verdict.CALL, Reason.ORDERED if situation.ordered else Reason.DUE)


def skip_changed_appointments(situation: Situation, _now: datetime) -> Decision | None:
    """The appointment was moved or cancelled, or the visit is recorded: there is nothing to remind of."""
    if situation.revision != situation.appointment_revision:
        return Decision(Verdict.SKIP, Reason.MOVED)
    if situation.appointment_status == "cancelled":
        return Decision(Verdict.SKIP, Reason.CANCELLED)
    if situation.appointment_status != "booked":
        return Decision(Verdict.SKIP, Reason.VISIT_RECORDED)
    return None


def skip_what_was_due_before_live(situation: Situation, _now: datetime) -> Decision | None:
    """Going live sends nothing that was due before (product rule 29)."""
    if situation.ordered or situation.mode != SendingMode.LIVE or not situation.due_before_live:
        return None
    return Decision(Verdict.SKIP, Reason.BEFORE_LIVE)


def skip_made_up_patients(situation: Situation, _now: datetime) -> Decision | None:
    """The demo clinic's patients are called in the sandbox only, whoever ordered it."""
    return Decision(Verdict.SKIP, Reason.DEMO_CONTACT) if situation.is_demo and situation.is_real else None


def skip_without_required_consent(situation: Situation, _now: datetime) -> Decision | None:
    """The campaign is only for those who agreed to it; an order by staff is no consent."""
    return Decision(Verdict.SKIP, Reason.CONSENT_LACKING) if situation.consent_lacking else None


def miss_late_reminders(situation: Situation, now: datetime) -> Decision | None:
    return Decision(Verdict.MISS, Reason.TOO_LATE) if now >= situation.not_after else None


def skip_opted_out_numbers(situation: Situation, _now: datetime) -> Decision | None:
    return Decision(Verdict.SKIP, Reason.OPTED_OUT) if situation.opted_out else None


def skip_whose_other_number_opted_out(situation: Situation, _now: datetime) -> Decision | None:
    """Of two numbers that stand in for each other, a "no" on one is a "no" on both (product rule 10)."""
    is_so = situation.other_number_opted_out
    return Decision(Verdict.SKIP, Reason.OTHER_NUMBER_OPTED_OUT) if is_so else None


def skip_what_the_patient_refuses(situation: Situation, _now: datetime) -> Decision | None:
    """The patient wants no calls, no texts or neither, whoever ordered it (product rule 41)."""
    return Decision(Verdict.SKIP, situation.refusal) if situation.refusal else None


def skip_unneeded_reminders(situation: Situation, _now: datetime) -> Decision | None:
    """Not in the step's audience, or asked for another time, which staff follow up."""
    if situation.ordered:
        return None
    if not situation.covered:
        return Decision(Verdict.SKIP, Reason.NOT_COVERED)
    if situation.answer == "wants_another_time":
        return Decision(Verdict.SKIP, Reason.WANTS_ANOTHER_TIME)
    if situation.audience == "unconfirmed" and situation.answer == "confirmed":
        return Decision(Verdict.SKIP, Reason.CONFIRMED)
    return None


def wait_until_due(situation: Situation, now: datetime) -> Decision | None:
    if situation.ordered or now >= situation.not_before:
        return None
    return Decision(Verdict.WAIT, Reason.NOT_DUE_YET, situation.not_before)


def skip_unconfirmed_appointments(situation: Situation, _now: datetime) -> Decision | None:
    """Decided only when the reminder is due: until then the patient may still confirm."""
    if situation.ordered or situation.audience != "confirmed" or situation.answer == "confirmed":
        return None
    return Decision(Verdict.SKIP, Reason.NOT_CONFIRMED)


def hold_blocked_reminders(situation: Situation, _now: datetime) -> Decision | None:
    """Held until a person changes something; then it is sent."""
    checks = [
        (situation.mode == SendingMode.SANDBOX and situation.is_real, Reason.SANDBOX_MODE),
        (situation.sending_paused, Reason.SENDING_PAUSED),
        (situation.location_paused, Reason.LOCATION_PAUSED),
        (not situation.campaign_active and not situation.ordered, Reason.CAMPAIGN_PAUSED),
        (not situation.has_number, Reason.NO_NUMBER),
        (situation.number_unusable, Reason.NUMBER_UNUSABLE),
        (not situation.has_consent, Reason.NO_CONSENT),
        (not situation.has_script, Reason.NO_SCRIPT),
    ]
    return next((Decision(Verdict.BLOCK, reason) for blocked, reason in checks if blocked), None)


def wait_for_calling_hours(situation: Situation, now: datetime) -> Decision | None:
    """The recipient's local time counts, for orders too (product rule 8). Without a time zone: no call."""
    allowed = next_allowed(now, situation.hours, situation.zones) if situation.zones else None
    if allowed is None:
        return Decision(Verdict.BLOCK, Reason.NO_COMMON_HOURS)
    if situation.at_once_from and not situation.ordered:
        return _keep_it_at_once(situation.at_once_from, situation, now)
    if allowed >= situation.not_after:
        return Decision(Verdict.MISS, Reason.TOO_LATE)
    if allowed > now:
        return Decision(Verdict.WAIT, Reason.OUTSIDE_CALLING_HOURS, allowed)
    return None


def _keep_it_at_once(booked_at: datetime, situation: Situation, now: datetime) -> Decision | None:
    """In the hours in which it was booked: not wanted where there were none, missed once they ended."""
    if next_allowed(booked_at, situation.hours, situation.zones) != booked_at:
        return Decision(Verdict.SKIP, Reason.NOT_AT_ONCE)
    if not is_same_stretch(booked_at, now, situation.hours, situation.zones):
        return Decision(Verdict.MISS, Reason.TOO_LATE)
    return None


def wait_for_open_calls(situation: Situation, now: datetime) -> Decision | None:
    """One call at a time to one number, even if several people share it."""
    busy_until = situation.line_busy_until
    if busy_until is None or busy_until <= now:
        return None
    return Decision(Verdict.WAIT, Reason.LINE_BUSY, busy_until)


def wait_for_number_cap(situation: Situation, now: datetime) -> Decision | None:
    """At most so many calls to one number (product rule 21): the reminder waits for a day below the cap.

    Calls to others of the household for the same day don't count (number_caps.py). If that day is too late,
    the reminder is decided again while a counted call is still open, since it won't count if it reached
    nobody. Else it is skipped if the patient was already reminded of this appointment. If not, it is missed
    at once, so that staff have time to follow up; and so it is if the step says: at once or not at all.
    """
    capped_until = situation.capped_until
    if situation.ordered or capped_until is None or capped_until <= now:
        return None
    allowed = next_allowed(capped_until, situation.hours, situation.zones) if situation.zones else None
    if allowed is not None and allowed < situation.not_after and not situation.at_once_from:
        return Decision(Verdict.WAIT, Reason.HELD_BY_CAP, allowed)
    if situation.cap_may_lift and now + CAP_LOOK < situation.not_after:
        return Decision(Verdict.WAIT, Reason.HELD_BY_CAP, now + CAP_LOOK)
    return Decision(Verdict.SKIP if situation.told_already else Verdict.MISS, Reason.HELD_BY_CAP)


def wait_for_desk_pace(situation: Situation, now: datetime) -> Decision | None:
    """No more calls per minute than the location's desk can take callbacks from (product rule 24)."""
    busy_until = situation.desk_busy_until
    if situation.ordered or busy_until is None or busy_until <= now:
        return None
    return Decision(Verdict.WAIT, Reason.DESK_PACE, busy_until)


def skip_on_trial(situation: Situation, _now: datetime) -> Decision | None:
    """On trial only verified numbers are called, and few of them, whoever ordered it.

    Skipped rather than held: so nothing piles up that would go out at once when the installation goes live.
    """
    if situation.mode != SendingMode.TRIAL:
        return None
    if not situation.number_verified:
        return Decision(Verdict.SKIP, Reason.TRIAL_UNVERIFIED)
    return Decision(Verdict.SKIP, Reason.TRIAL_FULL) if situation.trial_full else None


RULES: tuple[Rule, ...] = (
    skip_changed_appointments,
    skip_made_up_patients,
    skip_opted_out_numbers,
    skip_whose_other_number_opted_out,
    skip_what_the_patient_refuses,
    skip_unneeded_reminders,
    skip_what_was_due_before_live,
    skip_without_required_consent,
    miss_late_reminders,  # after the skips: a reminder that wasn't needed isn't missed
    wait_until_due,
    skip_unconfirmed_appointments,
    hold_blocked_reminders,
    wait_for_calling_hours,
    wait_for_open_calls,  # before the cap: the call in progress won't count if it reaches nobody
    wait_for_number_cap,
    wait_for_desk_pace,  # only a call that would be made takes a place in the desk pace
    skip_on_trial,  # last: only what would be sent now is said to be what would have been sent
)
