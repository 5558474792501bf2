"""A provider's appointments as an iCalendar feed (RFC 5545) at a secret address.

Whoever has the address can read it, without a login, so it says as little as possible: no patient's name
unless the feed was made for that, and never a kind of visit. Only the digest of the secret is stored.

Programs have habits that an entry heeds. Google takes away what is cancelled, and Apple strikes it through;
Outlook shows it like any other, so its title says it, and it is free time by Outlook's own property too.
Google shows entries of the class PRIVATE as "Busy" to the reader themselves, so none has that class: what an
entry may say was chosen when the feed was made.
"""

import hashlib
import secrets
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Q
from django.db.models.functions import Now
from django.urls import reverse
from icalendar import Calendar, Event

from contacts.models import Appointment, Contact
from contacts.names import clean_name
from webhooks.outgoing.models import CalendarFeed

KEPT = timedelta(days=14)  # how long past appointments stay in it
MOST_ENTRIES = 5000
REFRESH = timedelta(minutes=15)
NOTED_EVERY = timedelta(hours=1)  # when it was last read
TOKEN_BYTES = 32
SUMMARY = "Appointment"
CANCELLED = "Cancelled: {}"
FORM = 3  # of the calendar; another one makes another ETag


def make_feed(feed: CalendarFeed, *, by: User) -> str:
    """Save a new feed; its token, which can't be found out again."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    feed.token_digest, feed.made_by = digest_token(token), by
    feed.save(force_insert=True)
    return token


def revoke_feeds(feed_ids: Collection[int], *, by: User, at: datetime) -> int:
    """Their addresses stop working; how many worked. `at`: aware UTC."""
    working = CalendarFeed.objects.filter(pk__in=feed_ids, revoked_at=None)
    return working.update(revoked_at=at, revoked_by=by)


def find_feed(token: str) -> CalendarFeed | None:
    """The feed with this token, unless it was revoked; that it was read is noted once an hour."""
    working = CalendarFeed.objects.filter(token_digest=digest_token(token), revoked_at=None)
    feed = working.select_related("provider").first()
    if feed:
        recently = Q(read_at__gt=Now() - NOTED_EVERY, read_at__lte=Now())
        CalendarFeed.objects.filter(pk=feed.pk).exclude(recently).update(read_at=Now())
    return feed


def digest_token(token: str) -> str:
    """SHA-256, hex: the token has 256 random bits, so nothing slower is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


def write_address(token: str) -> str:
    """The whole address of a feed."""
    return settings.PUBLIC_BASE_URL + reverse("calendar_feed", args=[token])


@dataclass(frozen=True)
class FeedEntry:
    """All that an entry says. Times are aware, by the location's clock; `changed_at`: aware UTC."""

    appointment_id: int
    sequence: int
    changed_at: datetime
    starts_at: datetime
    ends_at: datetime
    summary: str
    place: str
    is_cancelled: bool


def read_entries(feed: CalendarFeed, now: datetime) -> list[FeedEntry]:
    """What is ahead of the feed's provider, and what began in the last 14 days. `now`: aware."""
    appointments = (
        Appointment.objects.filter(
            provider=feed.provider_id, starts_at__gte=now - KEPT, status__in=Appointment.Status.values
        )
        .select_related("contact", "location")
        .order_by("starts_at", "pk")[:MOST_ENTRIES]
    )
    return [_describe_entry(appointment, feed.naming) for appointment in appointments]


def make_feed_tag(feed: CalendarFeed, entries: Sequence[FeedEntry]) -> str:
    """A digest of all that the calendar says: with the same one it needs not be written, which takes long."""
    return hashlib.sha256(repr((FORM, feed.provider.name, entries)).encode()).hexdigest()


def write_calendar(feed: CalendarFeed, entries: Sequence[FeedEntry]) -> bytes:
    """The calendar with these entries. 5,000 take some seconds."""
    calendar = Calendar()
    calendar.add("prodid", "-//Callboard//Appointments//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", clean_name(feed.provider.name))
    calendar.add("name", clean_name(feed.provider.name))
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT15M")
    for entry in entries:
        calendar.add_component(_write_entry(entry))
    calendar.add_missing_timezones()
    written: bytes = calendar.to_ical()
    return written


def write_summary(contact: Contact, naming: str) -> str:
    """What an entry says of the patient."""
    if naming == CalendarFeed.Naming.FULL:
        return contact.full_name
    if naming == CalendarFeed.Naming.INITIALS:
        return _take_initials([contact.first_name, contact.last_name]) or SUMMARY
    return SUMMARY


def _describe_entry(appointment: Appointment, naming: str) -> FeedEntry:
    """Control characters of names are left out: a line of a calendar ends at some of them.

    `sequence` grows with each new time and place, and once more when it is cancelled.
    """
    is_cancelled = appointment.status == Appointment.Status.CANCELLED
    summary = clean_name(write_summary(appointment.contact, naming))
    return FeedEntry(
        appointment_id=appointment.pk,
        sequence=2 * (appointment.revision - 1) + is_cancelled,
        changed_at=appointment.updated_at.astimezone(UTC).replace(microsecond=0),
        starts_at=appointment.wall_start,
        ends_at=appointment.wall_end,
        summary=CANCELLED.format(summary) if is_cancelled else summary,
        place=clean_name(appointment.location.name),
        is_cancelled=is_cancelled,
    )


def _write_entry(entry: FeedEntry) -> Event:
    event = Event()
    host = urlsplit(settings.PUBLIC_BASE_URL).hostname
    event.add("uid", f"appointment-{entry.appointment_id}@{host}")
    event.add("sequence", entry.sequence)
    event.add("dtstamp", entry.changed_at)
    event.add("last-modified", entry.changed_at)
    event.add("dtstart", _write_time(entry.starts_at))
    event.add("dtend", _write_time(entry.ends_at))
    event.add("summary", entry.summary)
    event.add("location", entry.place)
    event.add("status", "CANCELLED" if entry.is_cancelled else "CONFIRMED")
    event.add("transp", "TRANSPARENT" if entry.is_cancelled else "OPAQUE")
    event.add("x-microsoft-cdo-busystatus", "FREE" if entry.is_cancelled else "BUSY")
    return event


def _write_time(wall_time: datetime) -> datetime:
    """By the location's clock; in UTC if it is the later of two equal times, as iCalendar means the first."""
    return wall_time.astimezone(UTC) if wall_time.fold else wall_time


def _take_initials(names: Iterable[str]) -> str:
    return " ".join(f"{name[0].upper()}." for name in names if name)
