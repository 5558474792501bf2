"""One request for a calendar: what came, judged. Knows no tables.

The address leads to a public server over https only, and so does each one that it redirects to
(contacts/public_requests.py). What comes is a whole calendar, or a CalendarFault and nothing.
"""

import hashlib
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urljoin

from django.conf import settings

from contacts.models import CalendarFault
from contacts.public_requests import (
    AddressRefused,
    PublicAnswer,
    PublicRequestError,
    RequestFault,
    ask_public_server,
)

DEADLINE = 30.0  # seconds, for each address
MOST_REDIRECTS = 4
REDIRECTS = (301, 302, 303, 307, 308)
LONGEST_RETRY_AFTER = 24 * 3600  # seconds
USER_AGENT = "Callboard (calendar)"
FAULTS = {
    RequestFault.NOT_A_URL: CalendarFault.BAD_ADDRESS,
    RequestFault.NOT_HTTPS: CalendarFault.BAD_ADDRESS,
    RequestFault.WITH_LOGIN: CalendarFault.BAD_ADDRESS,
    RequestFault.PRIVATE: CalendarFault.PRIVATE,
    RequestFault.NO_SUCH_NAME: CalendarFault.NOT_REACHED,
    RequestFault.NO_CONNECTION: CalendarFault.NOT_REACHED,
    RequestFault.NO_TLS: CalendarFault.NO_TLS,
    RequestFault.TOO_SLOW: CalendarFault.TOO_SLOW,
    RequestFault.BROKEN_OFF: CalendarFault.BROKEN_OFF,
}
REFUSALS = {
    401: CalendarFault.NOT_ALLOWED,
    403: CalendarFault.NOT_ALLOWED,
    404: CalendarFault.NOT_FOUND,
    410: CalendarFault.NOT_FOUND,
    429: CalendarFault.BUSY,
    503: CalendarFault.BUSY,
}
# What a server may write anew each time it is asked, although nothing changed.
STAMPS = re.compile(rb"^(?:DTSTAMP|X-PUBLISHED-TTL|REFRESH-INTERVAL|X-WR-RELCALID)[;:].*$", re.I | re.M)


@dataclass(frozen=True)
class FetchedCalendar:
    """What came: a `fault`, or `is_unchanged`, or a whole calendar with what names its version.

    `retry_after`: seconds that the server asks to wait, 0 if it doesn't.
    """

    fault: CalendarFault | None = None
    is_unchanged: bool = False
    content: bytes = b""
    etag: str = ""
    last_modified: str = ""
    retry_after: int = 0


def fetch_calendar(address: str, *, etag: str = "", last_modified: str = "") -> FetchedCalendar:
    """Ask for the calendar, unless it is still the version that these name. Never raises for what came."""
    headers = {"User-Agent": USER_AGENT, "Accept": "text/calendar", "Accept-Encoding": "gzip"}
    if etag:
        headers["If-None-Match"] = etag
    if last_modified:
        headers["If-Modified-Since"] = last_modified
    try:
        answer = _ask_to_the_end(as_https(address), headers)
    except PublicRequestError as error:
        return FetchedCalendar(FAULTS[error.fault])
    return judge_answer(answer) if answer else FetchedCalendar(CalendarFault.REDIRECTS)


def as_https(address: str) -> str:
    """The address as it is asked: webcal is https by another name."""
    return re.sub(r"^webcals?:", "https:", address.strip(), flags=re.IGNORECASE)


def _ask_to_the_end(address: str, headers: Mapping[str, str]) -> PublicAnswer | None:
    """Ask, and follow redirects; None where they don't end, or lead somewhere that may not be asked."""
    for redirects in range(MOST_REDIRECTS + 1):
        try:
            answer = ask_public_server(
                "GET", address, headers=headers, deadline=DEADLINE, most_bytes=settings.IMPORT_MAX_BYTES
            )
        except AddressRefused as error:
            if redirects and error.fault != RequestFault.PRIVATE:
                return None
            raise
        if answer.status not in REDIRECTS:
            return answer
        try:
            address = as_https(urljoin(address, answer.headers.get("location", "")))
        except ValueError:
            return None
    return None


def judge_answer(answer: PublicAnswer) -> FetchedCalendar:
    """Whether a whole calendar with appointments came."""
    retry_after = _read_seconds(answer.headers.get("retry-after", ""))
    if answer.status == 304:
        return FetchedCalendar(is_unchanged=True)
    if answer.status != 200:
        return FetchedCalendar(
            REFUSALS.get(answer.status, CalendarFault.SERVER_FAULT), retry_after=retry_after
        )
    if answer.is_cut:
        return FetchedCalendar(CalendarFault.TOO_LARGE)
    content = unpack(answer.body, answer.headers.get("content-encoding", ""))
    if isinstance(content, CalendarFault):
        return FetchedCalendar(content)
    fault = find_fault(content)
    if fault:
        return FetchedCalendar(fault)
    etag, modified = (answer.headers.get(name, "") for name in ("etag", "last-modified"))
    return FetchedCalendar(content=content, etag=_keep(etag, 500), last_modified=_keep(modified, 100))


def unpack(body: bytes, encoding: str) -> bytes | CalendarFault:
    """The body as it was before it was compressed, as long as that isn't larger than a file may be."""
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "x-gzip"):
        return CalendarFault.NO_CALENDAR
    unpacking = zlib.decompressobj(wbits=31)
    try:
        content = unpacking.decompress(body, settings.IMPORT_MAX_BYTES + 1)
    except zlib.error:
        return CalendarFault.BROKEN_OFF
    if len(content) > settings.IMPORT_MAX_BYTES:
        return CalendarFault.TOO_LARGE
    return content if unpacking.eof else CalendarFault.BROKEN_OFF


def find_fault(content: bytes) -> CalendarFault | None:
    """Why this isn't a whole calendar with appointments; None if it is."""
    text = content.removeprefix(b"\xef\xbb\xbf").strip(b"\x00 \t\r\n").upper()
    if not text.startswith(b"BEGIN:VCALENDAR"):
        is_page = text.startswith(b"<") or b"<HTML" in text[:2000]
        return CalendarFault.WEB_PAGE if is_page else CalendarFault.NO_CALENDAR
    if not text.endswith(b"END:VCALENDAR"):
        return CalendarFault.BROKEN_OFF
    return None if b"BEGIN:VEVENT" in text else CalendarFault.EMPTY


def digest_of(content: bytes) -> str:
    """SHA-256 of what a calendar says, without what servers write anew each time."""
    return hashlib.sha256(STAMPS.sub(b"", content)).hexdigest()


def _keep(value: str, most: int) -> str:
    """A header that can be sent again; "" for one that can't."""
    return value if len(value) <= most and re.fullmatch(r"[ -~]*", value) else ""


def _read_seconds(text: str) -> int:
    """Retry-After in seconds; 0 for a date or for nothing that makes sense."""
    return min(int(text), LONGEST_RETRY_AFTER) if re.fullmatch(r"\d{1,9}", text.strip(), re.ASCII) else 0
