"""What Robotalker's own word on a call says of the keys that an event told."""

import pytest

from reminders.robotalker.responses import CallStatus
from tests.people import SARAH
from webhooks.verification import VerificationResult, compare_with_status

CASES = [
    # status, keys told, number told, keys of the event, verdict
    ("answered", "1", SARAH, {"1"}, VerificationResult.AGREES),
    ("answered", "12", SARAH, {"1"}, VerificationResult.AGREES),
    ("in_progress", "1", SARAH, {"1"}, VerificationResult.AGREES),  # it says so already
    ("answered", "1", "", {"1"}, VerificationResult.AGREES),  # no number told is no contradiction
    ("answered", "2", SARAH, {"1"}, VerificationResult.CONTRADICTS),
    ("answered", "2", SARAH, {"1", "2"}, VerificationResult.CONTRADICTS),
    ("answered", "", SARAH, {"1"}, VerificationResult.CONTRADICTS),
    ("no-answer", "", SARAH, {"2"}, VerificationResult.CONTRADICTS),
    ("voicemail", "", SARAH, {"1"}, VerificationResult.CONTRADICTS),
    ("answered", "1", "+12025550177", {"1"}, VerificationResult.CONTRADICTS),
    ("in_progress", "", SARAH, {"1"}, VerificationResult.OPEN),
    ("queued", "", SARAH, {"1"}, VerificationResult.OPEN),
    ("", "", SARAH, {"1"}, VerificationResult.OPEN),
]


@pytest.mark.parametrize(("status", "told", "to", "keys", "verdict"), CASES)
def test_the_verdict(status: str, told: str, to: str, keys: set[str], verdict: VerificationResult) -> None:
    assert compare_with_status(CallStatus("cal_1", status=status, to=to, keys=told), SARAH, keys) == verdict
