"""What a number's consent ledger comes to: its opt-outs and its consent basis. Pure.

The ledger is read in the order in which it was written. A repeated "no" counts from its own time, the latest
of them, so that a START from before it, come late, doesn't undo it. An opt-in ends the opt-outs of its scope,
whatever their time: whoever records it looks first (contacts/optouts.py).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce
from typing import Any, Protocol

from contacts.models import ConsentEntry, PhoneNumber

Scope = ConsentEntry.Scope
FLAGS: dict[str, tuple[str, ...]] = {
    Scope.VOICE: ("voice_opted_out_at",),
    Scope.SMS: ("sms_opted_out_at",),
    Scope.ALL: ("voice_opted_out_at", "sms_opted_out_at"),
}
STATE_FIELDS = ("voice_opted_out_at", "sms_opted_out_at", "consent_basis")


class LedgerLine(Protocol):
    """What the fold reads of a ConsentEntry."""

    what: Any  # a ConsentEntry.What
    scope: Any  # a ConsentEntry.Scope
    at: datetime  # aware UTC
    basis: Any  # a PhoneNumber.ConsentBasis; "" unless consent was recorded


@dataclass(frozen=True)
class ConsentState:
    """A number's flags, named as in PhoneNumber: since when (aware UTC) it is opted out, and its basis."""

    voice_opted_out_at: datetime | None = None
    sms_opted_out_at: datetime | None = None
    consent_basis: str = PhoneNumber.ConsentBasis.GIVEN_FOR_CARE.value


def fold_ledger(lines: Iterable[LedgerLine]) -> ConsentState:
    """What a number's whole ledger, oldest line first, comes to. Without a line: nothing opted out of."""
    return reduce(add_line, lines, ConsentState())


def add_line(state: ConsentState, line: LedgerLine) -> ConsentState:
    """What it comes to with one more line."""
    if line.what == ConsentEntry.What.CONSENT:
        return replace(state, consent_basis=str(line.basis))
    flags: dict[str, Any] = dict.fromkeys(FLAGS[line.scope])
    if line.what == ConsentEntry.What.OPT_OUT:
        flags = {flag: max(getattr(state, flag) or line.at, line.at) for flag in flags}
    return replace(state, **flags)


def read_state(number: PhoneNumber) -> ConsentState:
    """The flags as the number's row has them."""
    return ConsentState(number.voice_opted_out_at, number.sms_opted_out_at, str(number.consent_basis))
