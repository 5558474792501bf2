"""Robotalker's status of a call, compared with the keys in an event."""

import pytest

from reminders.robotalker.responses import CallStatus
from tests.people import SARAH
from webhooks.verification import VerificationResult, compare_with_status

CASES = [
    # status, keys and number in Robotalker's response, keys in the event, result
    ("answered", "1", SARAH, {"1"}, VerificationResult.AGREES),
    ("answered", "12", SARAH, {"1"}, VerificationResult.AGREES),
    ("in_progress", "1", SARAH, {"1"}, VerificationResult.AGREES),  # reported before the call has ended
    ("answered", "1", "", {"1"}, VerificationResult.AGREES),  # a missing number is no contradiction
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


@pytest.mark.parametrize(("status", "keys_in_status", "to", "keys", "result"), CASES)
def test_the_keys_of_an_event_are_compared_with_the_call_status(
    status: str, keys_in_status: str, to: str, keys: set[str], result: VerificationResult
) -> None:
    call_status = CallStatus("cal_1", status=status, to=to, keys=keys_in_status)
    assert compare_with_status(call_status, SARAH, keys) == result
