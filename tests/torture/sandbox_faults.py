"""Faults of requests and events in the sandbox, and the patients' behaviour, during the fault phase."""

from typing import Any

Json = dict[str, Any]

PAST_THE_DEADLINE = 4.0  # seconds; a request is given up well before that

# The first rule that its probability selects is used. "after": the call was accepted, only the answer fails.
FAULTY_REQUESTS: list[Json] = [
    {"kind": "rate_limit", "retry_after": 1, "probability": 0.02},
    {"kind": "rate_limit", "probability": 0.01},
    {"kind": "error_503", "probability": 0.03},
    {"kind": "error_500_before", "probability": 0.02},
    {"kind": "error_500_after", "probability": 0.02},
    {"kind": "error_502", "probability": 0.01},
    {"kind": "error_504", "probability": 0.01},
    {"kind": "drop_before", "probability": 0.02},
    {"kind": "drop_before", "reset": True, "probability": 0.01},
    {"kind": "drop_after", "probability": 0.02},
    {"kind": "drop_after", "reset": True, "probability": 0.01},
    {"kind": "slow_headers", "seconds": PAST_THE_DEADLINE, "probability": 0.01},
    {"kind": "slow_drip", "seconds": PAST_THE_DEADLINE, "probability": 0.01},
    {"kind": "truncated", "probability": 0.01},
    {"kind": "truncated", "half_json": True, "probability": 0.01},
    {"kind": "no_id", "probability": 0.02},
    {"kind": "html", "probability": 0.02},
    {"kind": "huge", "megabytes": 1, "probability": 0.005},
    {"kind": "redirect", "probability": 0.01},
    # Within the deadline, but long enough that a worker can be killed while it waits.
    {"kind": "slow_headers", "seconds": 0.3, "probability": 0.4},
]
FAULTY_EVENTS: list[Json] = [
    {"kind": "lost", "probability": 0.1},
    {"kind": "shuffled", "probability": 0.15},
    {"kind": "late", "seconds": 2.0, "probability": 0.1},
    {"kind": "doubled", "times": 3, "probability": 0.1},
    {"kind": "doubled", "together": True, "probability": 0.1},
    {"kind": "before_answer", "probability": 0.1},
    {"kind": "damaged", "probability": 0.2},
    {"kind": "machine", "probability": 0.5},
    {"kind": "national", "probability": 0.1},
    {"kind": "repeated", "seconds": 6.0, "probability": 0.1},
]
KEY_REFUSED: Json = {"kind": "error_401", "next": 2}  # for a short time, as when somebody changes the key

# What patients do; rare behaviour is more frequent than in reality.
PATIENT_BEHAVIOUR = {
    "press_1": 0.3,
    "press_2": 0.08,
    "press_9": 0.08,
    "press_5": 0.04,
    "press_5_then_1": 0.04,
    "listen": 0.04,
    "hang_up": 0.06,
    "voicemail": 0.12,
    "no_answer": 0.1,
    "busy": 0.08,
    "carrier": 0.06,
}
LOST_ANSWER_FAULTS = frozenset(  # the call was accepted, but the answer didn't say so
    {
        "error_500_after",
        "error_502",
        "error_504",
        "drop_after",
        "slow_drip",
        "truncated",
        "no_id",
        "html",
        "huge",
    }
)
