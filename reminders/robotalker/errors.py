"""What can go wrong with a request to Robotalker: each error has a `code`, and a `meaning` for its call.

    RobotalkerError
    ├── NeverLeft               NOT_SENT       no byte of the request was sent
    │   ├── NameNotFound                       DNS
    │   ├── ConnectionRefused
    │   ├── TlsFailed                          certificate, handshake
    │   └── ConnectTimedOut                    connecting, or too late for the first byte
    ├── Rejected                REJECTED       400: has detail and field
    │   └── Refused             REJECTED       any other 4xx (403, 404, 413, 422 ...)
    ├── Unauthorized            UNAUTHORIZED   401: every request will fail, so all sending pauses
    ├── RateLimited             RATE_LIMITED   429: has retry_after
    ├── ServerError             SERVER_ERROR   500, 503: has retry_after
    └── MayHaveArrived          UNKNOWN        never sent again without asking
        ├── ReadTimedOut                       nothing came for read_timeout seconds
        ├── DeadlinePassed                     the whole exchange took longer than total_deadline
        ├── ConnectionLost                     reset, dropped or truncated
        ├── AnswerTooLarge                     more than max_answer_bytes
        ├── AnswerUnusable                     2xx without a usable id: HTML, broken JSON, empty
        └── StatusUnclear                      502, 504, 408, 409, any redirect, any other status

Only what is listed as NOT_SENT, UNAUTHORIZED, RATE_LIMITED or SERVER_ERROR may be planned again. What each
meaning leads to is in docs/robotalker.md. No error holds the API key, a name, a message text or a whole
number, and none has a `__cause__` or `__context__` that could.
"""

from enum import StrEnum
from typing import ClassVar


class Meaning(StrEnum):
    """What a failed request means for the call that it should have placed."""

    NOT_SENT = "not_sent"
    REJECTED = "rejected"
    UNAUTHORIZED = "unauthorized"
    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    UNKNOWN = "unknown"


class ErrorCode(StrEnum):
    """What went wrong, one for each class below. The sentences for staff are in CallReason."""

    NEVER_LEFT = "never_left"
    NAME_NOT_FOUND = "name_not_found"
    CONNECTION_REFUSED = "connection_refused"
    TLS_FAILED = "tls_failed"
    CONNECT_TIMED_OUT = "connect_timed_out"
    BAD_REQUEST = "bad_request"
    REQUEST_REFUSED = "request_refused"
    KEY_REFUSED = "key_refused"
    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    MAY_HAVE_ARRIVED = "may_have_arrived"
    READ_TIMED_OUT = "read_timed_out"
    DEADLINE_PASSED = "deadline_passed"
    CONNECTION_LOST = "connection_lost"
    ANSWER_TOO_LARGE = "answer_too_large"
    ANSWER_UNUSABLE = "answer_unusable"
    STATUS_UNCLEAR = "status_unclear"


class RobotalkerError(Exception):
    """The base of the tree. `status` is the HTTP status, where one came back.

    `detail` is what Robotalker itself said about it, or "". str() is for logs: the code, the status and the
    note (or the detail).
    """

    meaning: ClassVar[Meaning] = Meaning.UNKNOWN
    code: ClassVar[str] = ErrorCode.MAY_HAVE_ARRIVED  # an ErrorCode, or a code of a subclass elsewhere
    detail = ""

    def __init__(self, note: str = "", *, status: int | None = None) -> None:
        text = f"{self.code} ({status})" if status else str(self.code)
        super().__init__(f"{text}: {note}" if note else text)
        self.status = status


class NeverLeft(RobotalkerError):
    """The request was never sent."""

    meaning = Meaning.NOT_SENT
    code: ClassVar[str] = ErrorCode.NEVER_LEFT


class NameNotFound(NeverLeft):
    """The name of Robotalker's host could not be resolved."""

    code = ErrorCode.NAME_NOT_FOUND


class ConnectionRefused(NeverLeft):
    """Robotalker's host refused the connection."""

    code = ErrorCode.CONNECTION_REFUSED


class TlsFailed(NeverLeft):
    """No trusted TLS connection to Robotalker's host could be made."""

    code = ErrorCode.TLS_FAILED


class ConnectTimedOut(NeverLeft):
    """No connection to Robotalker's host could be made in time."""

    code = ErrorCode.CONNECT_TIMED_OUT


class Rejected(RobotalkerError):
    """Robotalker answered 400: it placed no call, and sending the same request again would not help.

    `detail` is Robotalker's own words, shortened, with numbers and our own texts masked. `field` is the field
    that it names, or "".
    """

    meaning = Meaning.REJECTED
    code: ClassVar[str] = ErrorCode.BAD_REQUEST

    def __init__(self, detail: str = "", *, status: int | None = None, field: str = "") -> None:
        super().__init__(detail, status=status)
        self.detail = detail
        self.field = field

    @property
    def is_about_the_number(self) -> bool:
        """Whether Robotalker says that the recipient's number is wrong."""
        return self.status == 400 and self.field.rpartition(".")[2] in {"to", "phone"}


class Refused(Rejected):
    """Robotalker answered any other 4xx: not accepted, but not because of the number."""

    code = ErrorCode.REQUEST_REFUSED


class Unauthorized(RobotalkerError):
    """Robotalker does not accept the API key (401)."""

    meaning = Meaning.UNAUTHORIZED
    code = ErrorCode.KEY_REFUSED


class _AskedToWait(RobotalkerError):
    def __init__(
        self, note: str = "", *, status: int | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(note, status=status)
        self.retry_after = retry_after


class RateLimited(_AskedToWait):
    """Robotalker asks to slow down (429). `retry_after` is in seconds, or None."""

    meaning = Meaning.RATE_LIMITED
    code = ErrorCode.RATE_LIMITED


class ServerError(_AskedToWait):
    """Robotalker failed (500 or 503). `retry_after` is in seconds, or None."""

    meaning = Meaning.SERVER_ERROR
    code = ErrorCode.SERVER_ERROR


class MayHaveArrived(RobotalkerError):
    """The request was sent, but it is not known whether Robotalker accepted it."""

    meaning = Meaning.UNKNOWN
    code: ClassVar[str] = ErrorCode.MAY_HAVE_ARRIVED


class ReadTimedOut(MayHaveArrived):
    """No byte of an answer came for `read_timeout` seconds."""

    code = ErrorCode.READ_TIMED_OUT


class DeadlinePassed(MayHaveArrived):
    """The full answer had not arrived within `total_deadline`."""

    code = ErrorCode.DEADLINE_PASSED


class ConnectionLost(MayHaveArrived):
    """The connection broke before the full answer had arrived."""

    code = ErrorCode.CONNECTION_LOST


class AnswerTooLarge(MayHaveArrived):
    """The answer is longer than `max_answer_bytes`, so it can't be Robotalker's."""

    code = ErrorCode.ANSWER_TOO_LARGE


class AnswerUnusable(MayHaveArrived):
    """Robotalker's answer could not be understood, or has no id."""

    code = ErrorCode.ANSWER_UNUSABLE


class StatusUnclear(MayHaveArrived):
    """Robotalker's answer does not say whether the request was accepted."""

    code = ErrorCode.STATUS_UNCLEAR
