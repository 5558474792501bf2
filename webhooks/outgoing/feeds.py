"""A provider's appointments as an iCalendar feed (RFC 5545) at a secret address.

Whoever has the address can read it, without a login, so it says as little as possible: no patient's name
unless the feed was made for that, and never a kind of visit. Only the digest of the secret is stored.
"""

import hashlib
import secrets
from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Q
from django.db.models.functions import Now
from django.urls import reverse
from icalendar import Calendar, Event

from contacts.models import Appointment, Contact
from webhooks.outgoing.models import CalendarFeed

KEPT = timedelta(days=14)  # how long past appointments stay in it
MOST_ENTRIES = 5000
REFRESH = timedelta(minutes=15)
NOTED_EVERY = timedelta(hours=1)  # when it was last read
TOKEN_BYTES = 32
SUMMARY = "Appointment"


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


def write_calendar(feed: CalendarFeed, now: datetime) -> bytes:
    """The feed's calendar: what is ahead, and what began in the last 14 days. `now`: aware.

    The same appointments give the same bytes, so that its digest can be its ETag.
    """
    appointments = (
        Appointment.objects.filter(
            provider=feed.provider_id, starts_at__gte=now - KEPT, status__in=Appointment.Status.values
        )
        .select_related("contact", "location")
        .order_by("starts_at", "pk")[:MOST_ENTRIES]
    )
    calendar = Calendar()
    calendar.add("prodid", "-//Callboard//Appointments//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", feed.provider.name)
    calendar.add("name", feed.provider.name)
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT15M")
    for appointment in appointments:
        calendar.add_component(_write_entry(appointment, feed.naming))
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


def _write_entry(appointment: Appointment, naming: str) -> Event:
    """SEQUENCE grows with each new time and place, and once more when it is cancelled."""
    is_cancelled = appointment.status == Appointment.Status.CANCELLED
    entry = Event()
    entry.add("uid", f"appointment-{appointment.pk}@{urlsplit(settings.PUBLIC_BASE_URL).hostname}")
    entry.add("sequence", 2 * (appointment.revision - 1) + is_cancelled)
    entry.add("dtstamp", appointment.updated_at.astimezone(UTC).replace(microsecond=0))
    entry.add("dtstart", _write_time(appointment.wall_start))
    entry.add("dtend", _write_time(appointment.wall_end))
    entry.add("summary", write_summary(appointment.contact, naming))
    entry.add("location", appointment.location.name)
    entry.add("status", "CANCELLED" if is_cancelled else "CONFIRMED")
    entry.add("transp", "TRANSPARENT" if is_cancelled else "OPAQUE")
    entry.add("class", "PRIVATE")
    return entry


def _write_time(wall_time: datetime) -> datetime:
    """By the location's clock; in UTC if it is the later of two equal times, as iCalendar means the first."""
    return wall_time.astimezone(UTC) if wall_time.fold else wall_time


def _take_initials(names: Iterable[str]) -> str:
    return " ".join(f"{name[0].upper()}." for name in names if name)
