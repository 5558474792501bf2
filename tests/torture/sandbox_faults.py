"""What the sandbox does to requests and events while the storm lasts."""

from typing import Any

Json = dict[str, Any]

PAST_THE_DEADLINE = 4.0  # seconds; the runs give up on a request well before that

# The first rule whose dice fall applies. After "after", the call was accepted and only the answer is bad.
REQUESTS: list[Json] = [
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
    # In time, but long enough for a kill to strike in the middle of it.
    {"kind": "slow_headers", "seconds": 0.3, "probability": 0.4},
]
EVENTS: list[Json] = [
    {"kind": "lost", "probability": 0.1},
    {"kind": "shuffled", "probability": 0.15},
    {"kind": "late", "seconds": 2.0, "probability": 0.1},
    {"kind": "doubled", "times": 3, "probability": 0.1},
    {"kind": "doubled", "together": True, "probability": 0.1},
    {"kind": "before_answer", "probability": 0.1},
]
KEY_REFUSED: Json = {"kind": "error_401", "next": 2}  # for a moment, as when somebody changes the key

# What people do: more of everything that matters here than in life.
MIX = {
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
LOST_ANSWERS = frozenset(  # the call was accepted, and its answer told nobody so
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
