"""The decision, rule by rule, for Sarah's call due at 14:00 UTC before her visit at 18:00 UTC."""

from dataclasses import replace
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from reminders.calling_hours import CallingHours
from reminders.decide import Decision, Situation, Verdict, decide
from reminders.reasons import Reason

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

CASES = [
    ("it is due", {}, NOW, Verdict.CALL, Reason.DUE),
    ("she moved it", {"appointment_revision": 2}, NOW, Verdict.SKIP, Reason.MOVED),
    ("she cancelled", {"appointment_status": "cancelled"}, NOW, Verdict.SKIP, Reason.CANCELLED),
    ("she is here already", {"appointment_status": "arrived"}, NOW, Verdict.SKIP, Reason.VISIT_RECORDED),
    ("her number opted out", {"opted_out": True}, NOW, Verdict.SKIP, Reason.OPTED_OUT),
    ("she confirmed", {"answer": "confirmed"}, NOW, Verdict.SKIP, Reason.CONFIRMED),
    (
        "she confirmed, the step is for everyone",
        {"answer": "confirmed", "audience": "everyone"},
        NOW,
        Verdict.CALL,
        Reason.DUE,
    ),
    (
        "the step is for the confirmed, she is",
        {"answer": "confirmed", "audience": "confirmed"},
        NOW,
        Verdict.CALL,
        Reason.DUE,
    ),
    (
        "the step is for the confirmed, she isn't",
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
    ("the visit is too near", {}, DUE.not_after, Verdict.MISS, Reason.TOO_LATE),
    ("a failed try made it wait", {"not_before": LATER}, NOW, Verdict.WAIT, Reason.NOT_DUE_YET),
    ("the campaign's filters changed", {"covered": False}, NOW, Verdict.SKIP, Reason.NOT_COVERED),
    ("all sending is paused", {"sending_paused": True}, NOW, Verdict.BLOCK, Reason.SENDING_PAUSED),
    ("its campaign is paused", {"campaign_active": False}, NOW, Verdict.BLOCK, Reason.CAMPAIGN_PAUSED),
    ("she has no number", {"has_number": False}, NOW, Verdict.BLOCK, Reason.NO_NUMBER),
    ("her number is dead", {"number_unusable": True}, NOW, Verdict.BLOCK, Reason.NUMBER_UNUSABLE),
    ("no consent is known", {"has_consent": False}, NOW, Verdict.BLOCK, Reason.NO_CONSENT),
    ("the script has no words", {"has_script": False}, NOW, Verdict.BLOCK, Reason.NO_SCRIPT),
    (
        "it is 4:40 in the morning for her",
        {"not_before": EARLY},
        EARLY,
        Verdict.WAIT,
        Reason.OUTSIDE_CALLING_HOURS,
    ),
    (
        "her hours begin when it is too late",
        {"not_before": EARLY, "not_after": OPENING},
        EARLY,
        Verdict.MISS,
        Reason.TOO_LATE,
    ),
    (
        "her daughter's call is ringing there",
        {"line_busy_until": LATER},
        NOW,
        Verdict.WAIT,
        Reason.LINE_BUSY,
    ),
    (
        "she could be in New York or Tokyo, and no hour suits both",
        {"zones": (NEW_YORK, ZoneInfo("Asia/Tokyo")), "hours": CallingHours(time(9), time(17))},
        NOW,
        Verdict.BLOCK,
        Reason.NO_COMMON_HOURS,
    ),
]


@pytest.mark.parametrize(
    ("why", "change", "now", "verdict", "reason"), CASES, ids=[case[0] for case in CASES]
)
def test_it_decides(
    why: str, change: dict[str, object], now: datetime, verdict: Verdict, reason: Reason
) -> None:
    decision = decide(replace(DUE, **change), now)  # type: ignore[arg-type]
    assert (decision.verdict, decision.reason) == (verdict, reason), why


def test_it_waits_until_her_calling_hours_begin() -> None:
    asleep = replace(DUE, not_before=EARLY)
    assert decide(asleep, EARLY) == Decision(Verdict.WAIT, Reason.OUTSIDE_CALLING_HOURS, OPENING)


ORDERS_PASS = [
    {"not_before": LATER},
    {"answer": "confirmed"},
    {"audience": "confirmed"},
    {"campaign_active": False},
]
ORDERS_NEVER_PASS = [
    {"opted_out": True},
    {"appointment_status": "cancelled"},
    {"appointment_revision": 2},
    {"number_unusable": True},
    {"appointment_status": "arrived"},
    {"has_number": False},
    {"has_consent": False},
    {"has_script": False},
    {"sending_paused": True},
    {"line_busy_until": LATER},
    {"not_after": NOW},
    {"hours": CallingHours(time(11), time(19))},
]


@pytest.mark.parametrize("change", ORDERS_PASS, ids=str)
def test_an_order_passes_what_only_says_not_yet_or_not_needed(change: dict[str, object]) -> None:
    assert decide(replace(DUE, ordered=True, **change), NOW).verdict == Verdict.CALL  # type: ignore[arg-type]


@pytest.mark.parametrize("change", ORDERS_NEVER_PASS, ids=str)
def test_an_order_passes_no_rule_that_protects_the_patient(change: dict[str, object]) -> None:
    assert decide(replace(DUE, ordered=True, **change), NOW).verdict != Verdict.CALL  # type: ignore[arg-type]
