"""What can go wrong with a request to Robotalker; each error carries the decision as `meaning`.

    RobotalkerError
    ├── NeverLeft               NOT_SENT       no byte of the request was sent
    │   ├── NameNotFound                       DNS
    │   ├── ConnectionRefused
    │   ├── TlsFailed                          certificate, handshake
    │   └── ConnectTimedOut                    connecting, or too late for the first byte
    ├── Rejected                REJECTED       400: carries reason and field
    │   └── Refused             REJECTED       any other 4xx (403, 404, 413, 422 ...)
    ├── Unauthorized            UNAUTHORIZED   401: every request will fail, pause all
    ├── RateLimited             RATE_LIMITED   429: carries retry_after
    ├── ServerError             SERVER_ERROR   500, 503: carries retry_after
    └── MayHaveArrived          UNKNOWN        never send again without asking
        ├── ReadTimedOut                       nothing came for read_timeout seconds
        ├── DeadlinePassed                     the whole exchange took longer than total_deadline
        ├── ConnectionLost                     reset, dropped or truncated
        ├── AnswerTooLarge                     more than max_answer_bytes
        ├── AnswerUnusable                     2xx without a usable id: HTML, broken JSON, empty
        └── StatusUnclear                      502, 504, 408, 409, any redirect, whatever is not listed above

Only what is listed as NOT_SENT, UNAUTHORIZED, RATE_LIMITED or SERVER_ERROR may be planned again. What each
meaning leads to is in docs/robotalker.md. No error holds the API key, a name, a message text or a whole
number, and none has a `__cause__` or `__context__` that could.
"""

from enum import StrEnum
from typing import ClassVar


class Meaning(StrEnum):
    """What a failed request means for the call it was to place."""

    NOT_SENT = "not_sent"
    REJECTED = "rejected"
    UNAUTHORIZED = "unauthorized"
    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    UNKNOWN = "unknown"


class RobotalkerError(Exception):
    """The base of the tree. `status` is the HTTP status, where one came back."""

    meaning: ClassVar[Meaning] = Meaning.UNKNOWN

    def __init__(self, message: str = "", *, status: int | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").strip())
        self.status = status


class NeverLeft(RobotalkerError):
    """The request was never sent."""

    meaning = Meaning.NOT_SENT


class NameNotFound(NeverLeft):
    """The name of Robotalker's host could not be resolved."""


class ConnectionRefused(NeverLeft):
    """Robotalker's host refused the connection."""


class TlsFailed(NeverLeft):
    """No trusted TLS connection to Robotalker's host could be made."""


class ConnectTimedOut(NeverLeft):
    """No connection to Robotalker's host could be made in time."""


class Rejected(RobotalkerError):
    """Robotalker answered 400: it placed nothing and will not, however often it is asked.

    `reason` is the provider's own word, short, numbers and our own texts masked. `field` is the field it
    names, or "".
    """

    meaning = Meaning.REJECTED

    def __init__(self, *, status: int, reason: str = "", field: str = "") -> None:
        super().__init__(f"rejected ({status}): {reason or 'no reason given'}", status=status)
        self.reason = reason
        self.field = field

    @property
    def is_about_the_number(self) -> bool:
        """Whether the provider names the recipient's number as what is wrong."""
        return self.status == 400 and self.field.rpartition(".")[2] in {"to", "phone"}


class Refused(Rejected):
    """Robotalker answered an unlisted 4xx: not accepted, for a reason that is not the number's."""


class Unauthorized(RobotalkerError):
    """Robotalker does not accept the API key (401)."""

    meaning = Meaning.UNAUTHORIZED


class _AskedToWait(RobotalkerError):
    def __init__(
        self, message: str = "", *, status: int | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message, status=status)
        self.retry_after = retry_after


class RateLimited(_AskedToWait):
    """Robotalker asks to slow down (429). `retry_after` is in seconds, or None."""

    meaning = Meaning.RATE_LIMITED


class ServerError(_AskedToWait):
    """Robotalker failed (500 or 503). `retry_after` is in seconds, or None."""

    meaning = Meaning.SERVER_ERROR


class MayHaveArrived(RobotalkerError):
    """The request left, and nobody can say whether it was accepted."""

    meaning = Meaning.UNKNOWN


class ReadTimedOut(MayHaveArrived):
    """Robotalker did not answer in time."""


class DeadlinePassed(MayHaveArrived):
    """The answer had not arrived in full when the time for the whole request was over."""


class ConnectionLost(MayHaveArrived):
    """The connection broke before the answer had arrived in full."""


class AnswerTooLarge(MayHaveArrived):
    """The answer is larger than any answer of Robotalker's."""


class AnswerUnusable(MayHaveArrived):
    """Robotalker's answer could not be understood or carries no id."""


class StatusUnclear(MayHaveArrived):
    """Robotalker's answer does not say whether the request was accepted."""
