"""Write the consent ledger together with what follows from it, and prove that the two agree.

Triggers refuse to change or delete an entry, and to empty the table (contacts/migrations/0016_search.py).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby

from django.db import connection, transaction

from contacts.audit.trail import record_deed_of_page
from contacts.consent_fold import STATE_FIELDS, ConsentState, add_line, fold_ledger, read_state
from contacts.models import ConsentEntry, PhoneNumber

CHUNK = 2_000  # numbers read at once


@dataclass(frozen=True)
class ConsentDifference:
    """A number whose row says something else than its ledger. `fields`: those that differ, by name."""

    number: PhoneNumber
    fields: tuple[str, ...]


def add_entry(number: PhoneNumber, entry: ConsentEntry) -> bool:
    """Save an entry, and the number as it is after it; False, and nothing saved, where it changes nothing.

    The number's row must be locked: entries are folded in the order of their ids.
    """
    before = read_state(number)
    after = add_line(before, entry)
    changed = _compare(before, after)
    for name in changed:
        setattr(number, name, getattr(after, name))
    if changed:
        number.save(update_fields=changed)
        entry.save()
        if entry.by_id:
            record_deed_of_page(number)
    return bool(changed)


def find_consent_differences() -> Iterator[ConsentDifference]:
    """The numbers whose opt-outs or consent basis differ from their ledger; two queries for each CHUNK."""
    last = 0
    while numbers := list(PhoneNumber.objects.filter(pk__gt=last).order_by("pk")[:CHUNK]):
        entries = ConsentEntry.objects.filter(number__in=numbers).order_by("number_id", "pk")
        ledgers = {
            pk: fold_ledger(lines) for pk, lines in groupby(entries, key=lambda entry: entry.number_id)
        }
        for number in numbers:
            fields = _compare(read_state(number), ledgers.get(number.pk, ConsentState()))
            if fields:
                yield ConsentDifference(number, tuple(fields))
        last = numbers[-1].pk


@contextmanager
def ledger_open() -> Iterator[None]:
    """Let this transaction change and delete entries: to erase a person, or a whole demo clinic."""
    with transaction.atomic():
        _open_ledger("on")
        yield
        _open_ledger("off")


def _open_ledger(value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('callboard.ledger_open', %s, true)", [value])


def _compare(one: ConsentState, other: ConsentState) -> list[str]:
    return [name for name in STATE_FIELDS if getattr(one, name) != getattr(other, name)]
