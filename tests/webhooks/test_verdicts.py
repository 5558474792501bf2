"""What Robotalker's own word on a call says of the keys that an event told."""

import pytest

from reminders.robotalker.answers import CallStatus
from tests.people import SARAH
from webhooks.verification import Verdict, judge

CASES = [
    # status, keys told, number told, keys of the event, verdict
    ("answered", "1", SARAH, {"1"}, Verdict.AGREES),
    ("answered", "12", SARAH, {"1"}, Verdict.AGREES),
    ("in_progress", "1", SARAH, {"1"}, Verdict.AGREES),  # it says so already
    ("answered", "1", "", {"1"}, Verdict.AGREES),  # no number told is no contradiction
    ("answered", "2", SARAH, {"1"}, Verdict.CONTRADICTS),
    ("answered", "2", SARAH, {"1", "2"}, Verdict.CONTRADICTS),
    ("answered", "", SARAH, {"1"}, Verdict.CONTRADICTS),
    ("no-answer", "", SARAH, {"2"}, Verdict.CONTRADICTS),
    ("voicemail", "", SARAH, {"1"}, Verdict.CONTRADICTS),
    ("answered", "1", "+12025550177", {"1"}, Verdict.CONTRADICTS),
    ("in_progress", "", SARAH, {"1"}, Verdict.OPEN),
    ("queued", "", SARAH, {"1"}, Verdict.OPEN),
    ("", "", SARAH, {"1"}, Verdict.OPEN),
]


@pytest.mark.parametrize(("status", "told", "to", "keys", "verdict"), CASES)
def test_the_verdict(status: str, told: str, to: str, keys: set[str], verdict: Verdict) -> None:
    assert judge(CallStatus("cal_1", status=status, to=to, keys=told), SARAH, keys) == verdict
