"""The fault rules: how the sandbox fails on demand.

A rule is ``{"kind": ..., ...}``; all fields except the kind are optional:

============= =====================================================================================
endpoint      ``calls``, ``campaigns``, ``sms`` or ``contacts``; default: any (request faults)
method        ``POST`` (the default) or ``GET`` (request faults)
events        list of event names it applies to, such as ``call.completed``; default: any (event faults)
numbers       list of E.164 numbers it applies to; default: any
probability   0 to 1; default: 1
next          how many times it applies; default: without limit
accepted      whether the request is accepted (and in the ledger) before the fault
seconds       how long: slow_drip, slow_headers (30), late (5); after how long it is repeated (60)
retry_after   seconds, for rate_limit and error_503; default: no Retry-After header
as_date       true: Retry-After is an HTTP date
reset         true: a dropped connection ends with RST, not FIN
half_json     true: the JSON is cut in half, with the Content-Length of the half (truncated)
location      where a redirect leads; default: /sandbox/redirect-target
megabytes     size of a huge response (32)
times         how often a doubled event is posted (2)
together      true: the copies are posted at the same time
how           how a body is damaged: nul, surrogate, nan, repeated_key, latin_1, utf_16, comma, list,
              upper, data, odd_types or cut; default: any of these
============= =====================================================================================
"""

import random
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

from reminders.sandbox.damages import DAMAGES

# Kind of request fault -> whether the request is accepted before the fault.
REQUEST_FAULTS: dict[str, bool] = {
    "rate_limit": False,
    "error_400": False,
    "error_401": False,
    "error_500_before": False,
    "error_500_after": True,
    "error_502": True,
    "error_503": False,
    "error_504": True,
    "drop_before": False,
    "drop_after": True,
    "slow_drip": True,
    "slow_headers": True,
    "truncated": True,
    "no_id": True,
    "html": True,
    "redirect": False,
    "huge": True,
}
EVENT_FAULTS = frozenset(
    {"doubled", "shuffled", "late", "lost", "before_answer", "damaged", "machine", "national", "repeated"}
)
ENDPOINTS = frozenset({"calls", "campaigns", "sms", "contacts"})


@dataclass(slots=True)
class Fault:
    """One rule; see the table above."""

    kind: str
    endpoint: str | None = None
    method: str = "POST"
    events: list[str] | None = None
    numbers: list[str] | None = None
    probability: float = 1.0
    next: int | None = None
    accepted: bool = False
    seconds: float | None = None
    retry_after: int | None = None
    as_date: bool = False
    reset: bool = False
    half_json: bool = False
    location: str | None = None
    megabytes: int = 32
    times: int = 2
    together: bool = False
    how: str | None = None
    used: int = 0

    def describe(self) -> dict[str, Any]:
        return {item.name: getattr(self, item.name) for item in fields(self)}

    def matches_request(self, endpoint: str, method: str, numbers: Iterable[str]) -> bool:
        return (
            self.kind in REQUEST_FAULTS
            and self.endpoint in {None, endpoint}
            and self.method == method
            and self.is_for_numbers(numbers)
        )

    def matches_event(self, kind: str, event: str, number: str) -> bool:
        return (
            self.kind == kind
            and (self.events is None or event in self.events)
            and self.is_for_numbers([number])
        )

    def is_for_numbers(self, numbers: Iterable[str]) -> bool:
        return self.numbers is None or any(number in self.numbers for number in numbers)


class FaultRules:
    """The active rules. The first that matches applies, with its probability."""

    def __init__(self, seed: int = 1) -> None:
        self.faults: list[Fault] = []
        self._random = random.Random(seed)  # noqa: S311 - repeatable on purpose

    def replace(self, rules: Any) -> None:
        """Replace all rules by these (a list, or an object with ``faults``). Raises ValueError."""
        listed = rules.get("faults") if isinstance(rules, dict) and "faults" in rules else rules
        if not isinstance(listed, list):
            raise ValueError("Faults must be a list of rules.")
        self.faults = [read_fault(rule) for rule in listed]

    def pick_for_request(self, endpoint: str, method: str, numbers: list[str]) -> Fault | None:
        """The rule that applies to this request, counted as used; or None."""
        matching = (fault for fault in self.faults if fault.matches_request(endpoint, method, numbers))
        return next((fault for fault in matching if self._use(fault)), None)

    def pick_for_event(self, kind: str, event: str, number: str) -> Fault | None:
        """The rule of this kind that applies to this event, counted as used; or None."""
        if not self.faults:
            return None
        matching = (fault for fault in self.faults if fault.matches_event(kind, event, number))
        return next((fault for fault in matching if self._use(fault)), None)

    def _use(self, fault: Fault) -> bool:
        used_up = fault.next is not None and fault.used >= fault.next
        if used_up or self._random.random() >= fault.probability:
            return False
        fault.used += 1
        return True


def read_fault(rule: Any) -> Fault:
    """A rule from its JSON. Raises ValueError with a message for the user."""
    if not isinstance(rule, dict) or rule.get("kind") not in REQUEST_FAULTS.keys() | EVENT_FAULTS:
        kinds = ", ".join([*REQUEST_FAULTS, *sorted(EVENT_FAULTS)])
        raise ValueError(f"Each fault is an object whose kind is one of {kinds}.")
    known = {item.name for item in fields(Fault)}
    if unknown := rule.keys() - known:
        raise ValueError(f"A fault has no {', '.join(sorted(unknown))}; it has {', '.join(sorted(known))}.")
    if rule.get("endpoint") is not None and rule["endpoint"] not in ENDPOINTS:
        raise ValueError(f"endpoint must be one of {', '.join(sorted(ENDPOINTS))}.")
    if rule.get("how") is not None and rule["how"] not in DAMAGES:
        raise ValueError(f"how must be one of {', '.join(DAMAGES)}.")
    accepted = rule.get("accepted", REQUEST_FAULTS.get(rule["kind"], False))
    return Fault(**(rule | {"accepted": accepted, "used": 0}))
