"""The last guard before a request leaves this machine: what the mode forbids is refused where it is built.

decide() judges the mode like everything else, and holds or skips what it forbids. This guard is for what
decide() doesn't see: questions, opt-outs for Robotalker's list, and mistakes of ours.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from contacts.models import Contact, PhoneNumber
from reminders.deciding.sending_mode import leaves_this_machine, read_mode
from reminders.rules.modes import SendingMode
from reminders.traffic.local_faults import RequestForbidden

REACHES_PEOPLE = frozenset({"calls", "campaigns", "sms"})  # the paths of POSTs that call or text somebody


@dataclass(frozen=True)
class RequestGuard:
    """What may be sent to a real Robotalker; numbers are E.164.

    `made_up`: numbers of the demo clinic's patients. `allowed`: on trial, the only ones that may be called.
    """

    mode: SendingMode
    made_up: frozenset[str] = frozenset()
    allowed: frozenset[str] = frozenset()

    def check(self, path: str, content: Mapping[str, Any] | None) -> None:
        """Raise RequestForbidden unless this request may be sent; `path` as the client has it."""
        if self.mode == SendingMode.SANDBOX:
            raise RequestForbidden
        numbers = set(_find_recipients(content or {}))
        if numbers & self.made_up:
            raise RequestForbidden
        if self.mode == SendingMode.TRIAL and path in REACHES_PEOPLE and numbers - self.allowed:
            raise RequestForbidden


def read_request_guard(*, also: str = "") -> RequestGuard | None:
    """The guard as things stand; None where requests go to the sandbox, and nothing leaves this machine.

    `also`: a number (E.164) that a trial may call although it isn't verified, to speak its code.
    """
    if not leaves_this_machine():
        return None
    made_up = Contact.objects.filter(is_demo=True, phone__isnull=False).values_list("phone__e164", flat=True)
    mode = read_mode()
    if mode != SendingMode.TRIAL:
        return RequestGuard(mode, frozenset(made_up))
    verified = PhoneNumber.objects.filter(verified_at__isnull=False).values_list("e164", flat=True)
    return RequestGuard(mode, frozenset(made_up), frozenset([*verified, also]))


def _find_recipients(content: Mapping[str, Any]) -> Iterator[str]:
    if "to" in content:
        yield content["to"]
    for recipient in content.get("recipients", ()):
        yield recipient["to"]
