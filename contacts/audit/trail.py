"""Writing the audit trail: who did what, and who looked at whom.

A deed whose values matter (a contact's details, the sending switch, a user's role) calls record_deed() in its
own transaction. Whatever writes into a history (of appointments, consent, the worklist, campaigns, ...) calls
record_deed_of_page() there, so that no kill of the process comes between the deed and its entry. All other
deeds, and looks, are recorded by middleware.py when the request has succeeded, by the name of their page.
Within one request a deed that was recorded isn't recorded a second time.

An own table: django-pghistory puts the person into each statement as a second one, which a prepared
statement can't have (DATABASE_PREPARED); django-auditlog hears only save(), and most deeds here update many
rows at once.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection
from django.db.models import Model
from django.utils import timezone

from contacts.models import AuditEntry

Kind = AuditEntry.Kind
LONGEST_ADDRESS = 45  # characters: more than any address has; a proxy may send anything
SAME_LOOK = "15 minutes"  # looks of one person at one thing within this time are one entry
# Whom a row is about, in SQL, by the label of its model. Tables of other apps are known by name only.
WHOSE = {
    "contacts.Contact": "SELECT row.id",
    "contacts.Appointment": "SELECT contact_id FROM contacts_appointment WHERE id = row.id",
    "reminders.Reminder": (
        "SELECT v.contact_id FROM reminders_reminder r JOIN contacts_appointment v ON v.id = r.appointment_id"
        " WHERE r.id = row.id"
    ),
    "reminders.CallRecord": (
        "SELECT v.contact_id FROM reminders_callrecord c JOIN reminders_reminder r ON r.id = c.reminder_id"
        " JOIN contacts_appointment v ON v.id = r.appointment_id WHERE c.id = row.id"
    ),
    "reminders.FollowUp": "SELECT contact_id FROM reminders_followup WHERE id = row.id",
}
_INSERT = """
INSERT INTO contacts_auditentry
    (at, kind, what, by_id, by_name, address, about, about_id, contact_key, changes, note)
SELECT clock_timestamp(), %(kind)s, %(what)s::text, %(by)s::integer, %(by_name)s, %(address)s::text,
    %(about)s::text, row.id, coalesce(%(contact)s::bigint, ({whose})), %(changes)s::jsonb, %(note)s
FROM unnest(%(rows)s::bigint[]) AS row (id)
"""
_UNLESS_THERE = """
WHERE NOT EXISTS (SELECT FROM contacts_auditentry WHERE id = %(unless)s::bigint)
"""
_UNLESS_JUST_SEEN = f"""
WHERE NOT EXISTS (
    SELECT FROM contacts_auditentry
    WHERE by_id = %(by)s::integer AND what = %(what)s::text AND about = %(about)s::text
        AND about_id IS NOT DISTINCT FROM row.id
        AND kind = 'look' AND at > statement_timestamp() - interval '{SAME_LOOK}'
        AND address = %(address)s::text
)
"""  # noqa: S608 - no value from outside
# Numbers that somebody sees in full: once for each number and day.
_NUMBERS_SEEN = """
WITH seen AS (
    INSERT INTO contacts_numberlook (number_id, by_id, day, at)
    SELECT unnest(%(numbers)s::bigint[]), %(by)s, %(day)s, %(at)s
    ON CONFLICT DO NOTHING RETURNING number_id
), numbers AS (
    INSERT INTO contacts_auditentry
        (at, kind, what, by_id, by_name, address, about, about_id, changes, note)
    SELECT clock_timestamp(), 'look', 'number_in_full', %(by)s, %(by_name)s, %(address)s::text,
        'contacts.PhoneNumber', number_id, '{}', '' FROM seen
)
"""


@dataclass(frozen=True)
class PageUse:
    """That somebody uses a page, or an action of the admin. `page`: its name in the URLs, or a code.

    `about`: the label of a model; `rows`: ids of those that it is about, (None,) if it isn't known which.
    """

    page: str
    by: User
    about: str = ""
    rows: Sequence[int | None] = (None,)


@dataclass
class AuditedRequest:
    """The request that is being answered.

    `find_deed`: tells what its page does; None if nothing that is to be recorded. `is_recorded`: its deed has
    recorded itself. `entry_id`: the entry of its page, once that was written in the deed's transaction, which
    may yet be rolled back. `action`: what is done to rows of a list of the admin. `numbers`: ids of those
    that its page shows in full, which are recorded with it. `shown`: whom the page shows, as the label of a
    model and ids, where its address doesn't say so or says only one of them. `is_refused`: it was not done.
    """

    address: str = ""
    find_deed: Callable[[], PageUse | None] = lambda: None
    is_recorded: bool = False
    entry_id: int | None = None
    action: PageUse | None = None
    numbers: set[int] = field(default_factory=set)
    shown: tuple[str, Sequence[int | None]] | None = None
    is_refused: bool = False


_current: ContextVar[AuditedRequest | None] = ContextVar("audited_request", default=None)


@contextmanager
def audited_request(address: str) -> Iterator[AuditedRequest]:
    """Whatever is recorded within came from this address."""
    request = AuditedRequest(address[:LONGEST_ADDRESS])
    token = _current.set(request)
    try:
        yield request
    finally:
        _current.reset(token)


def has_address() -> bool:
    """Whether it is known which request is being answered."""
    return _current.get() is not None


def record_deed(
    what: str,
    *,
    by: User | AnonymousUser | None,
    about: Model | None = None,
    contact: int | None = None,
    changes: Mapping[str, Collection[Any]] | None = None,
    note: str = "",
    kind: AuditEntry.Kind = Kind.DEED,
) -> None:
    """Record what `by` (None: Callboard itself) has done. Call it in the transaction of the deed.

    `what`: a code of words.py. `changes`: {field: (before, after)}, each as JSON has it, without numbers.
    """
    if request := _current.get():
        request.is_recorded = True
    label, row = (about._meta.label, about.pk) if about else ("", None)
    _insert(kind, what, by, label, [row], contact=contact, changes=changes, note=note)


def record_deed_of_page(about: Model | None = None) -> None:
    """Record what the page does that is being answered. Call it in the transaction of the deed.

    Once for a request, however often it is called; nothing where no page is answered. `about`: what was done
    to, where the page's address doesn't say it.
    """
    request = _current.get()
    if request is None or request.is_recorded or request.entry_id:
        return
    if use := request.find_deed():
        label, rows = use.about, use.rows
        if about and None in rows:
            label, rows = about._meta.label, [about.pk]
        request.entry_id = _insert(Kind.DEED, use.page, use.by, label, rows)


def note_action(use: PageUse) -> None:
    """Say which action is begun on which rows of a list of the admin; it is recorded in place of its page."""
    if request := _current.get():
        request.action = use


def note_shown(*rows: Model) -> None:
    """Say that the page shows somebody that is being answered, so that it is recorded as a look.

    `rows`: whom, as rows of one model; none for a list of many. The page stands in LOOKS or LOOKS_AT_SHOWN.
    """
    if request := _current.get():
        request.shown = (rows[0]._meta.label, [row.pk for row in rows]) if rows else ("", [None])


def note_refused() -> None:
    """Say that the request that is being answered does nothing, though it is answered as if it did."""
    if request := _current.get():
        request.is_refused = True


def record_page(kind: AuditEntry.Kind, use: PageUse) -> None:
    """Record that somebody opened or used a page, and saw the numbers on it.

    Nothing of a deed that record_deed_of_page() has recorded.
    """
    request = _current.get() or AuditedRequest()
    _insert(kind, use.page, use.by, use.about, use.rows, unless=request.entry_id, numbers=request.numbers)


def record_numbers_seen(number_ids: Collection[int], *, by: User) -> None:
    """Record that `by` sees these numbers in full; within a request, with the page that shows them."""
    if request := _current.get():
        request.numbers.update(number_ids)
    else:
        write_numbers_seen(number_ids, by=by)


def write_numbers_seen(number_ids: Collection[int], *, by: User) -> None:
    """Record it now: once for each number and day."""
    who: dict[str, Any] = {"by": by.pk, "by_name": by.username, "address": _address()}
    with connection.cursor() as cursor:
        cursor.execute(_NUMBERS_SEEN + "SELECT", who | _values_of_numbers(number_ids))


def _values_of_numbers(number_ids: Collection[int]) -> dict[str, Any]:
    now = timezone.now()
    return {"numbers": sorted(number_ids), "day": now.astimezone(UTC).date(), "at": now}


def _insert(
    kind: AuditEntry.Kind,
    what: str,
    by: User | AnonymousUser | None,
    about: str,
    rows: Sequence[int | None],
    *,
    contact: int | None = None,
    changes: Mapping[str, Collection[Any]] | None = None,
    note: str = "",
    unless: int | None = None,
    numbers: Collection[int] = (),
) -> int | None:
    """Write an entry for each of `rows`. The id of one of them; None if none was needed.

    `unless`: the id of an entry that says it already.
    """
    person = by if isinstance(by, User) else None
    sql = _INSERT.format(whose=WHOSE.get(about, "SELECT NULL::bigint"))
    if kind == Kind.LOOK:
        sql += _UNLESS_JUST_SEEN
    elif unless:
        sql += _UNLESS_THERE
    values = {
        "kind": kind.value,
        "what": what,
        "by": person.pk if person else None,
        "by_name": person.username if person else "",
        "address": _address(),
        "about": about,
        "rows": list(rows),
        "contact": contact,
        "changes": json.dumps(dict(changes or {}), cls=DjangoJSONEncoder),
        "note": note[:300],
        "unless": unless,
    }
    if numbers:
        sql, values = _NUMBERS_SEEN + sql, values | _values_of_numbers(numbers)
    with connection.cursor() as cursor:
        cursor.execute(f"{sql} RETURNING id", values)
        row = cursor.fetchone()
    return row[0] if row else None


def _address() -> str:
    request = _current.get()
    return request.address if request else ""
