"""Every address of the URLconf that shows a page, filled with rows of a running clinic."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

from django.contrib import admin
from django.urls import URLPattern, URLResolver, get_resolver
from playwright.sync_api import APIRequestContext, APIResponse

# Addresses for programs, or that only lead on.
NOT_FOR_PEOPLE = ("api/v1", "hooks/", "feeds/", "healthz", "readyz", "admin/jsi18n/", "admin/autocomplete/")
ARGUMENT = re.compile(r"<(?:\w+:)?(\w+)>")
BOOKED = "SELECT max(id) FROM contacts_appointment WHERE status = 'booked' AND starts_at > now()"
A_CONTACT = "SELECT min(id) FROM contacts_contact WHERE phone_id IS NOT NULL"
A_DRAFT = "SELECT min(id) FROM reminders_campaign WHERE state = 'draft'"
# The value of the first argument of addresses that begin so; of several that fit, the longest counts.
ROWS = {
    "appointments/": BOOKED,
    "appointments/<int:pk>/reinstate/": "SELECT max(id) FROM contacts_appointment WHERE status = 'cancelled'",
    "calls/": "SELECT min(id) FROM reminders_callrecord",
    "campaigns/": "SELECT min(id) FROM reminders_campaign WHERE state = 'active'",
    "campaigns/<int:pk>/activate/": A_DRAFT,
    "campaigns/<int:pk>/first/": A_DRAFT,
    "contacts/": A_CONTACT,
    "imports/": "SELECT min(id) FROM contacts_importbatch",
    "imports/calendars/": "SELECT min(id) FROM contacts_watchedcalendar",
    "locations/": "SELECT min(id) FROM contacts_location",
    "numbers/": "SELECT min(phone_id) FROM contacts_contact",
    "scripts/": "SELECT min(id) FROM reminders_script",
    "texts/": "SELECT min(phone_id) FROM contacts_contact",
    "worklist/": "SELECT min(id) FROM reminders_followup",
}
# The values of arguments that aren't the first number.
OTHERS = {
    "other": "SELECT max(id)::text FROM contacts_contact",
    "language": "SELECT 'en'",
    "kind": "SELECT 'times'",
    "number": "SELECT max(number)::text FROM reminders_campaignversion",
}


class AskedClinic(Protocol):
    """A clinic whose database can be asked: the first column of the first row, or None."""

    def ask(self, query: str, *values: Any) -> Any: ...


@dataclass(frozen=True)
class Address:
    """An address as the URLconf has it ("contacts/<int:pk>/"), and as a browser asks for it."""

    pattern: str
    path: str


def list_patterns() -> list[str]:
    """All patterns of addresses for people."""
    found = _walk(get_resolver().url_patterns, "")
    return sorted({pattern for pattern in found if not pattern.startswith(NOT_FOR_PEOPLE)})


def _walk(patterns: list[URLPattern | URLResolver], before: str) -> Iterator[str]:
    for pattern in patterns:
        whole = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, whole)
        elif pattern.name:  # what has no name leads on to another address
            yield whole


def find_area(pattern: str) -> str:
    """The part of the site: the first part of the address, in the admin the first two."""
    parts = pattern.split("/")
    return "/".join(parts[: 2 if parts[0] == "admin" and "<" not in parts[1] else 1])


def fill(pattern: str, clinic: AskedClinic) -> Address | None:
    """The address with rows of this clinic; None for a list of the admin in which nothing stands."""
    if pattern.startswith("admin/"):
        return _fill_admin(pattern, clinic)
    path = pattern
    for place, name in enumerate(ARGUMENT.findall(pattern)):
        query = OTHERS.get(name) or (_find_row(pattern) if place == 0 else None)
        value = clinic.ask(query) if query else 1  # most that have no row here are deeds
        assert value is not None, f"No row for {pattern}: {query}"
        path = ARGUMENT.sub(str(value), path, count=1)
    return Address(pattern, f"/{path}")


def _find_row(pattern: str) -> str | None:
    fitting = [beginning for beginning in ROWS if pattern.startswith(beginning)]
    return ROWS[max(fitting, key=len)] if fitting else None


def _fill_admin(pattern: str, clinic: AskedClinic) -> Address | None:
    if pattern.startswith("admin/^"):
        return Address(pattern, "/admin/contacts/")
    if "<" not in pattern:
        return Address(pattern, f"/{pattern}")
    table = _find_tables().get("/".join(pattern.split("/")[1:3]))
    row = table and clinic.ask(f"SELECT {table[1]}::text FROM {table[0]} ORDER BY 1 LIMIT 1")  # noqa: S608
    return Address(pattern, "/" + re.sub(r"<[^>]+>", row, pattern)) if row else None


@cache
def _find_tables() -> dict[str, tuple[str, str]]:
    """By "app/model": the table and the column of its key."""
    metas = [model._meta for model in admin.site._registry]
    return {f"{meta.app_label}/{meta.model_name}": (meta.db_table, str(meta.pk.column)) for meta in metas}


def is_page(answer: APIResponse) -> bool:
    """Whether it is a whole page; not a file, a part of a page, a deed, or what nobody may add."""
    if answer.status in (400, 403, 405):
        return False
    is_missing = answer.status == 404 and "no-such-page" in answer.url
    assert answer.status == 200 or is_missing, f"{answer.url}: {answer.status}"
    return "text/html" in answer.headers["content-type"] and "</html>" in answer.text()


def ask(request: APIRequestContext, address: str) -> APIResponse:
    """What is there, without being led on."""
    return request.get(address, max_redirects=0)
