"""The decision, rule by rule, for Sarah's call due at 14:00 UTC before her appointment at 18:00 UTC.

(product rule 18)
"""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from reminders.rules.calling_hours import CallingHours
from reminders.rules.decide import Decision, Situation, Verdict, decide
from reminders.rules.modes import SendingMode, find_mode
from reminders.rules.reasons import Reason

NEW_YORK = ZoneInfo("America/New_York")  # five hours behind UTC on this day
NOW = datetime(2026, 12, 1, 15, 0, tzinfo=UTC)  # 10:00 for Sarah
DUE = Situation(
    not_before=datetime(2026, 12, 1, 14, 0, tzinfo=UTC),
    not_after=datetime(2026, 12, 1, 17, 30, tzinfo=UTC),
    revision=1,
    appointment_revision=1,
    appointment_status="booked",
    answer="",
    audience="unconfirmed",
    campaign_active=True,
    covered=True,
    sending_paused=False,
    has_number=True,
    number_unusable=False,
    opted_out=False,
    has_consent=True,
    has_script=True,
    hours=CallingHours(time(9), time(19)),
    zones=(NEW_YORK,),
)
LATER = datetime(2026, 12, 1, 16, 0, tzinfo=UTC)
EARLY = datetime(2026, 12, 1, 9, 40, tzinfo=UTC)  # 4:40 for Sarah
OPENING = datetime(2026, 12, 1, 14, 0, tzinfo=UTC)
TOMORROW = datetime(2026, 12, 2, 5, 0, tzinfo=UTC)  # midnight for Sarah
IN_TWO_DAYS = datetime(2026, 12, 3, 17, 30, tzinfo=UTC)

CASES = [
    ("it is due", {}, NOW, Verdict.CALL, Reason.DUE),
    ("she moved her appointment", {"appointment_revision": 2}, NOW, Verdict.SKIP, Reason.MOVED),
    (
        "she cancelled her appointment",
        {"appointment_status": "cancelled"},
        NOW,
        Verdict.SKIP,
        Reason.CANCELLED,
    ),
    ("she has arrived", {"appointment_status": "arrived"}, NOW, Verdict.SKIP, Reason.VISIT_RECORDED),
    ("her number opted out", {"opted_out": True}, NOW, Verdict.SKIP, Reason.OPTED_OUT),
    (
        "she wants nothing from a machine",
        {"refusal": Reason.WANTS_NO_REMINDERS},
        NOW,
        Verdict.SKIP,
        Reason.WANTS_NO_REMINDERS,
    ),
    (
        "she wants no calls, and a call was ordered",
        {"refusal": Reason.WANTS_NO_CALLS, "ordered": True},
        NOW,
        Verdict.SKIP,
        Reason.WANTS_NO_CALLS,
    ),
    (
        "she opted out, and wants nothing either",
        {"opted_out": True, "refusal": Reason.WANTS_NO_REMINDERS},
        NOW,
        Verdict.SKIP,
        Reason.OPTED_OUT,
    ),
    ("she confirmed", {"answer": "confirmed"}, NOW, Verdict.SKIP, Reason.CONFIRMED),
    (
        "she confirmed, the step is for everyone",
        {"answer": "confirmed", "audience": "everyone"},
        NOW,
        Verdict.CALL,
        Reason.DUE,
    ),
    (
        "the step is for confirmed patients, and she confirmed",
        {"answer": "confirmed", "audience": "confirmed"},
        NOW,
        Verdict.CALL,
        Reason.DUE,
    ),
    (
        "the step is for confirmed patients, and she didn't confirm",
        {"audience": "confirmed"},
        NOW,
        Verdict.SKIP,
        Reason.NOT_CONFIRMED,
    ),
    (
        "she wants another time",
        {"answer": "wants_another_time", "audience": "everyone"},
        NOW,
        Verdict.SKIP,
        Reason.WANTS_ANOTHER_TIME,
    ),
    ("the appointment is too soon", {}, DUE.not_after, Verdict.MISS, Reason.TOO_LATE),
    ("it waits after a failed try", {"not_before": LATER}, NOW, Verdict.WAIT, Reason.NOT_DUE_YET),
    ("the campaign's filters changed", {"covered": False}, NOW, Verdict.SKIP, Reason.NOT_COVERED),
    ("all sending is paused", {"sending_paused": True}, NOW, Verdict.BLOCK, Reason.SENDING_PAUSED),
    ("its campaign is paused", {"campaign_active": False}, NOW, Verdict.BLOCK, Reason.CAMPAIGN_PAUSED),
    ("she has no number", {"has_number": False}, NOW, Verdict.BLOCK, Reason.NO_NUMBER),
    ("her number is unusable", {"number_unusable": True}, NOW, Verdict.BLOCK, Reason.NUMBER_UNUSABLE),
    ("there is no consent", {"has_consent": False}, NOW, Verdict.BLOCK, Reason.NO_CONSENT),
    ("there is no script", {"has_script": False}, NOW, Verdict.BLOCK, Reason.NO_SCRIPT),
    (
        "it is 4:40 in the morning for her",
        {"not_before": EARLY},
        EARLY,
        Verdict.WAIT,
        Reason.OUTSIDE_CALLING_HOURS,
    ),
    (
        "her calling hours begin too late",
        {"not_before": EARLY, "not_after": OPENING},
        EARLY,
        Verdict.MISS,
        Reason.TOO_LATE,
    ),
    (
        "a call to her daughter at the same number is in progress",
        {"line_busy_until": LATER},
        NOW,
        Verdict.WAIT,
        Reason.LINE_BUSY,
    ),
    (
        "the number was called today, and tomorrow is early enough",
        {"capped_until": TOMORROW, "not_after": IN_TWO_DAYS},
        NOW,
        Verdict.WAIT,
        Reason.HELD_BY_CAP,
    ),
    (
        "the number was called today for another appointment, and tomorrow is too late",
        {"capped_until": TOMORROW},
        NOW,
        Verdict.MISS,
        Reason.HELD_BY_CAP,
    ),
    (
        "the number was called today for this appointment, and tomorrow is too late",
        {"capped_until": TOMORROW, "told_already": True},
        NOW,
        Verdict.SKIP,
        Reason.HELD_BY_CAP,
    ),
    (
        "tomorrow's calling hours begin too late",
        {"capped_until": TOMORROW, "not_after": datetime(2026, 12, 2, 14, 0, tzinfo=UTC)},
        NOW,
        Verdict.MISS,
        Reason.HELD_BY_CAP,
    ),
    (
        "the number was called today, but that call is still open",
        {"capped_until": TOMORROW, "cap_may_lift": True, "told_already": True},
        NOW,
        Verdict.WAIT,
        Reason.HELD_BY_CAP,
    ),
    (
        "that call is still open, but there is no time left to wait for its outcome",
        {"capped_until": TOMORROW, "cap_may_lift": True, "not_after": NOW + timedelta(minutes=5)},
        NOW,
        Verdict.MISS,
        Reason.HELD_BY_CAP,
    ),
    (
        "booked too late just now, to be sent at once",
        {"at_once_from": NOW},
        NOW,
        Verdict.CALL,
        Reason.DUE,
    ),
    (
        "booked too late before calls were allowed, to be sent at once",
        {"at_once_from": EARLY, "not_before": EARLY},
        EARLY,
        Verdict.SKIP,
        Reason.NOT_AT_ONCE,
    ),
    (
        "the same, looked at when calls are allowed",
        {"at_once_from": EARLY},
        NOW,
        Verdict.SKIP,
        Reason.NOT_AT_ONCE,
    ),
    (
        "the same, but ordered by staff",
        {"at_once_from": EARLY, "ordered": True},
        EARLY,
        Verdict.WAIT,
        Reason.OUTSIDE_CALLING_HOURS,
    ),
    (
        "booked too late yesterday, to be sent at once, which could not be done",
        {"at_once_from": NOW - timedelta(days=1)},
        NOW,
        Verdict.MISS,
        Reason.TOO_LATE,
    ),
    (
        "to be sent at once, and calling hours have just ended",
        {"at_once_from": NOW, "not_after": IN_TWO_DAYS},
        datetime(2026, 12, 2, 0, 0, tzinfo=UTC),
        Verdict.MISS,
        Reason.TOO_LATE,
    ),
    (
        "to be sent at once, and its zone isn't known",
        {"at_once_from": NOW, "zones": ()},
        NOW,
        Verdict.BLOCK,
        Reason.NO_COMMON_HOURS,
    ),
    (
        "to be sent at once, and all sending is paused",
        {"at_once_from": NOW, "sending_paused": True},
        NOW,
        Verdict.BLOCK,
        Reason.SENDING_PAUSED,
    ),
    (
        "to be sent at once, and the cap leaves no call before tomorrow",
        {"at_once_from": NOW, "capped_until": TOMORROW, "not_after": IN_TWO_DAYS},
        NOW,
        Verdict.MISS,
        Reason.HELD_BY_CAP,
    ),
    ("the number is below the cap again", {"capped_until": NOW}, NOW, Verdict.CALL, Reason.DUE),
    (
        "the desk pace allows no more calls yet",
        {"desk_busy_until": LATER},
        NOW,
        Verdict.WAIT,
        Reason.DESK_PACE,
    ),
    ("the desk pace allows one more call", {"desk_busy_until": NOW}, NOW, Verdict.CALL, Reason.DUE),
    (
        "a call to the number is in progress, and the cap is reached",
        {"line_busy_until": LATER, "capped_until": TOMORROW},
        NOW,
        Verdict.WAIT,
        Reason.LINE_BUSY,
    ),
    (
        "she could be in New York or Tokyo, and their calling hours don't overlap",
        {"zones": (NEW_YORK, ZoneInfo("Asia/Tokyo")), "hours": CallingHours(time(9), time(17))},
        NOW,
        Verdict.BLOCK,
        Reason.NO_COMMON_HOURS,
    ),
]


TRIAL = {"mode": SendingMode.TRIAL}
STAFF = {"number_verified": True}
SANDBOX = {"mode": SendingMode.SANDBOX}
REAL = {"is_real": True}
CASES += [
    # the mode; a trial says "would have been sent" only of what would be sent now
    ("it is live", REAL, NOW, Verdict.CALL, Reason.DUE),
    ("it is the sandbox", SANDBOX, NOW, Verdict.CALL, Reason.DUE),
    ("sandbox mode at a real address", SANDBOX | REAL, NOW, Verdict.BLOCK, Reason.SANDBOX_MODE),
    (
        "not due yet, in sandbox mode",
        SANDBOX | REAL | {"not_before": LATER},
        NOW,
        Verdict.WAIT,
        Reason.NOT_DUE_YET,
    ),
    ("on trial", TRIAL, NOW, Verdict.SKIP, Reason.TRIAL_UNVERIFIED),
    ("on trial at a real address", TRIAL | REAL, NOW, Verdict.SKIP, Reason.TRIAL_UNVERIFIED),
    ("on trial, and it was ordered", TRIAL | {"ordered": True}, NOW, Verdict.SKIP, Reason.TRIAL_UNVERIFIED),
    ("on trial, her number is staff's", TRIAL | STAFF, NOW, Verdict.CALL, Reason.DUE),
    (
        "the trial's twenty are used up",
        TRIAL | STAFF | {"trial_full": True},
        NOW,
        Verdict.SKIP,
        Reason.TRIAL_FULL,
    ),
    (
        "the trial's twenty are used up, and it was ordered",
        TRIAL | STAFF | {"trial_full": True, "ordered": True},
        NOW,
        Verdict.SKIP,
        Reason.TRIAL_FULL,
    ),
    ("live, a trial's twenty count no more", {"trial_full": True}, NOW, Verdict.CALL, Reason.DUE),
    ("on trial, not due yet", TRIAL | {"not_before": LATER}, NOW, Verdict.WAIT, Reason.NOT_DUE_YET),
    ("on trial, and she opted out", TRIAL | {"opted_out": True}, NOW, Verdict.SKIP, Reason.OPTED_OUT),
    ("on trial, without a number", TRIAL | {"has_number": False}, NOW, Verdict.BLOCK, Reason.NO_NUMBER),
    (
        "on trial, all sending is paused",
        TRIAL | {"sending_paused": True},
        NOW,
        Verdict.BLOCK,
        Reason.SENDING_PAUSED,
    ),
    (
        "on trial, it is 4:40",
        TRIAL | {"not_before": EARLY},
        EARLY,
        Verdict.WAIT,
        Reason.OUTSIDE_CALLING_HOURS,
    ),
    ("on trial, its turn is later", TRIAL | {"desk_busy_until": LATER}, NOW, Verdict.WAIT, Reason.DESK_PACE),
    ("on trial, too late", TRIAL, DUE.not_after, Verdict.MISS, Reason.TOO_LATE),
    ("due before it went live", {"due_before_live": True}, NOW, Verdict.SKIP, Reason.BEFORE_LIVE),
    (
        "due before it went live, and ordered",
        {"due_before_live": True, "ordered": True},
        NOW,
        Verdict.CALL,
        Reason.ORDERED,
    ),
    (
        "due before it was last live, on trial",
        TRIAL | STAFF | {"due_before_live": True},
        NOW,
        Verdict.CALL,
        Reason.DUE,
    ),
    ("she is made up, in the sandbox", SANDBOX | {"is_demo": True}, NOW, Verdict.CALL, Reason.DUE),
    ("she is made up, at a real address", REAL | {"is_demo": True}, NOW, Verdict.SKIP, Reason.DEMO_CONTACT),
    (
        "she is made up, and it was ordered, for a verified number on trial",
        TRIAL | STAFF | REAL | {"is_demo": True, "ordered": True},
        NOW,
        Verdict.SKIP,
        Reason.DEMO_CONTACT,
    ),
    # a pause of the location
    ("its location is paused", {"location_paused": True}, NOW, Verdict.BLOCK, Reason.LOCATION_PAUSED),
    (
        "its location is paused, and it was ordered",
        {"location_paused": True, "ordered": True},
        NOW,
        Verdict.BLOCK,
        Reason.LOCATION_PAUSED,
    ),
    (
        "its location is paused, and it isn't due yet",
        {"location_paused": True, "not_before": LATER},
        NOW,
        Verdict.WAIT,
        Reason.NOT_DUE_YET,
    ),
    (
        "its location is paused, and she confirmed",
        {"location_paused": True, "answer": "confirmed"},
        NOW,
        Verdict.SKIP,
        Reason.CONFIRMED,
    ),
    (
        "its location is paused too long",
        {"location_paused": True},
        DUE.not_after,
        Verdict.MISS,
        Reason.TOO_LATE,
    ),
]


@pytest.mark.parametrize(
    ("why", "change", "now", "verdict", "reason"), CASES, ids=[case[0] for case in CASES]
)
def test_each_situation_gets_its_decision_and_reason(
    why: str, change: dict[str, object], now: datetime, verdict: Verdict, reason: Reason
) -> None:
    decision = decide(DUE._replace(**change), now)  # type: ignore[arg-type]
    assert (decision.verdict, decision.reason) == (verdict, reason), why


def test_the_reminder_waits_until_the_recipients_calling_hours_begin() -> None:
    asleep = DUE._replace(not_before=EARLY)
    assert decide(asleep, EARLY) == Decision(Verdict.WAIT, Reason.OUTSIDE_CALLING_HOURS, OPENING)


def test_a_reminder_over_the_cap_waits_for_calling_hours_of_the_next_free_day() -> None:
    held = DUE._replace(capped_until=TOMORROW, not_after=IN_TWO_DAYS)
    opening_tomorrow = datetime(2026, 12, 2, 14, 0, tzinfo=UTC)
    assert decide(held, NOW) == Decision(Verdict.WAIT, Reason.HELD_BY_CAP, opening_tomorrow)


OVERRIDDEN_BY_ORDERS = [
    {"not_before": LATER},
    {"answer": "confirmed"},
    {"audience": "confirmed"},
    {"campaign_active": False},
    {"capped_until": TOMORROW},
    {"desk_busy_until": LATER},
]
NEVER_OVERRIDDEN = [
    {"opted_out": True},
    {"appointment_status": "cancelled"},
    {"appointment_revision": 2},
    {"number_unusable": True},
    {"appointment_status": "arrived"},
    {"has_number": False},
    {"has_consent": False},
    {"has_script": False},
    {"sending_paused": True},
    {"location_paused": True},
    SANDBOX | REAL,
    REAL | {"is_demo": True},
    TRIAL,
    TRIAL | STAFF | {"trial_full": True},
    {"line_busy_until": LATER},
    {"not_after": NOW},
    {"hours": CallingHours(time(11), time(19))},
]


@pytest.mark.parametrize("change", OVERRIDDEN_BY_ORDERS, ids=str)
def test_an_order_overrides_rules_that_say_not_yet_or_not_needed(change: dict[str, object]) -> None:
    assert decide(DUE._replace(ordered=True, **change), NOW).verdict == Verdict.CALL  # type: ignore[arg-type]


@pytest.mark.parametrize("change", NEVER_OVERRIDDEN, ids=str)
def test_an_order_overrides_no_rule_that_protects_the_patient(change: dict[str, object]) -> None:
    assert decide(DUE._replace(ordered=True, **change), NOW).verdict != Verdict.CALL  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("chosen", "is_real", "mode"),
    [
        ("", False, SendingMode.SANDBOX),
        ("", True, SendingMode.TRIAL),  # never live by itself
        ("sandbox", False, SendingMode.SANDBOX),
        ("sandbox", True, SendingMode.SANDBOX),
        ("trial", False, SendingMode.TRIAL),
        ("trial", True, SendingMode.TRIAL),
        ("live", False, SendingMode.LIVE),
        ("live", True, SendingMode.LIVE),
        ("LIVE", True, SendingMode.TRIAL),  # not a mode
    ],
)
def test_the_mode_is_the_one_that_was_chosen_else_it_goes_by_the_address(
    chosen: str, is_real: bool, mode: SendingMode
) -> None:
    assert find_mode(chosen, is_real=is_real) == mode
