"""Where a person may be named in what belongs to nobody or to somebody else: notes, problems, logs, files.

No reference leads there, so it is looked for by words: names, ids, and numbers however they are written.
Erasures take the mentions out (contacts/erasing.py), and exports list them (contacts/exporting.py). A test
holds that every column of words of every table is here, in person_tables.py, or says nothing about patients.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import Any

import phonenumbers
from django.apps import apps
from django.db.models import (
    BooleanField,
    Case,
    CharField,
    F,
    Field,
    Func,
    JSONField,
    Model,
    Q,
    QuerySet,
    TextField,
    Value,
    When,
)
from django.db.models.functions import Cast, Collate, Left, Lower

from contacts.models import Contact
from contacts.person_tables import ERASED_WORDS

SHORTEST_WORD = 4  # letters; a shorter name or id stands in too many texts that are about somebody else
SHORTEST_ID = 6  # the same in notes, where four figures may be anything
SHORTEST_RUN = 2  # plain letters of a name; one letter is in every text
BETWEEN_NAMES = r'[\s,;"]+'
BETWEEN_DIGITS = r"[^0-9A-Za-z]{0,2}"
# By label: columns of words that somebody typed, or that came from outside.
MENTION_COLUMNS: dict[str, tuple[str, ...]] = {
    "contacts.ImportBatch": ("file_name", "error"),
    "contacts.ImportFile": ("options",),
    "contacts.SourceAnswers": ("answers",),
    "contacts.ImportProblem": ("value", "problem", "remedy"),
    "contacts.ImportChange": ("about", "old", "new"),
    "contacts.KeptByUndo": ("about",),
    "contacts.Location": ("pause_reason",),
    "contacts.ClosedDay": ("reason",),
    "contacts.PhoneNumber": ("unusable_detail",),
    "contacts.ConsentEntry": ("evidence",),
    "contacts.AuditEntry": ("changes", "note"),
    "contacts.Contact": ("notes",),
    "reminders.AbsenceVisit": ("refusal", "words"),
    "reminders.Campaign": ("pause_reason",),
    "reminders.CallRecord": ("detail",),
    "reminders.FollowUp": ("detail", "note"),
    "reminders.FollowUpDeed": ("note", "was"),
    "reminders.ListedNumber": ("detail",),
    "reminders.TestCall": ("message", "text", "detail", "exchange"),
    "reminders.LiveCheck": ("detail",),
    "reminders.AssumptionTrial": ("seen", "exchange"),
    "reminders.SendingSwitch": ("pause_reason",),
    "reminders.OptOutConfirmation": ("text", "detail"),
    "reminders.StaffText": ("text", "detail"),
    "reminders.ReceivedText": ("text",),
    "webhooks.DeliveryAttempt": ("answer",),
    "webhooks.WebhookEvent": ("error",),
    "webhooks.EventDismissal": ("reason",),
    "admin.LogEntry": ("object_repr", "change_message"),
}
# Tables that hold what lists say.
OF_LISTS = frozenset({"contacts.ImportProblem", "contacts.RejectedRow"})
TEXT, LOWERED = "text_of_column", "lowered_text"  # what a query compares
PLAIN_LETTERS = re.compile(r"[0-9A-Za-z]+")


@dataclass(frozen=True)
class PersonWords:
    """By what a person is found in text. `names`: first and last; `numbers`: E.164."""

    names: frozenset[tuple[str, str]] = frozenset()
    ids: frozenset[str] = frozenset()
    numbers: frozenset[str] = field(default_factory=frozenset)

    def make_pattern(self, *, of_list: bool = False) -> str:
        """A regular expression that PostgreSQL and Python both read, without regard to case; "" for none.

        `of_list`: for what lists say, where short ids count, and the only name of somebody who has but one.
        """
        shortest = SHORTEST_WORD if of_list else SHORTEST_ID
        names = [name for pair in self.list_long_names() for name in _write_name(*pair)]
        lone = {one or two for one, two in self.names if not (one and two)} if of_list else set()
        names += [re.escape(one) for one in sorted(lone) if len(one) >= SHORTEST_WORD]
        ids = [re.escape(one) for one in sorted(self.ids) if len(one) >= shortest]
        words = [rf"(?<!\w)(?:{'|'.join((*names, *ids))})(?!\w)"] if names or ids else []
        return "|".join((*words, *map(_write_number, sorted(self.numbers))))

    def list_needles(self, *, of_list: bool = False) -> list[str] | None:
        """In lower case, what a text has one of if it has a name or an id of the pattern; None if some name
        has no plain letters to look for.
        """
        shortest = SHORTEST_WORD if of_list else SHORTEST_ID
        found = [max(two, one, key=_longest_run_length) for one, two in self.list_long_names()]
        found += [one or two for one, two in self.names if of_list and not (one and two)]
        found += [one for one in self.ids if len(one) >= shortest]
        runs = {max(PLAIN_LETTERS.findall(one), key=len, default="").lower() for one in found}
        return None if any(len(run) < SHORTEST_RUN for run in runs) else sorted(runs)

    def make_bytes_pattern(self) -> str:
        """The same for a body of bytes as PostgreSQL writes it out: encode(body, 'escape')."""
        names = {
            _escape_bytes(written.encode())
            for first, last in self.list_long_names()
            for name in (f"{first} {last}", f"{last}, {first}")
            for written in (name, json.dumps(name)[1:-1])
        }
        return "|".join((*map(re.escape, sorted(names)), *map(_write_number, sorted(self.numbers))))

    def list_long_names(self) -> list[tuple[str, str]]:
        """Those of two words; one word alone is other people's name, too."""
        return sorted((one, two) for one, two in self.names if one and two and len(one + two) > SHORTEST_WORD)


def erase_mentions(words: PersonWords) -> None:
    """Put ERASED_WORDS in place of each mention; a value of JSON that has one is emptied."""
    for label in MENTION_COLUMNS:
        pattern = words.make_pattern(of_list=label in OF_LISTS)
        for column, found in _find_in_columns(label, words):
            found.update(**{column: _without(_get_field(found.model, column), pattern)})
    _find_rejected_rows(words).update(cells=[], problem=ERASED_WORDS)
    _find_loose_events(words).update(body=b"")


def list_mentions(words: PersonWords) -> Iterator[tuple[str, QuerySet[Any], tuple[str, ...]]]:
    """Each table with the rows that mention the person, and the columns to show of them."""
    for label, columns in MENTION_COLUMNS.items():
        found = _find_in_columns(label, words)
        yield label, _any_row(label, (rows for _, rows in found)), columns
    yield "contacts.RejectedRow", _find_rejected_rows(words), ("cells", "problem")
    yield "webhooks.WebhookEvent (of no call)", _find_loose_events(words), ("body",)


def _any_row(label: str, found: Iterable[QuerySet[Any]]) -> QuerySet[Any]:
    about = Q(pk__in=[])
    for rows in found:
        about |= Q(pk__in=rows.order_by().values("pk"))
    return _all_rows(label).filter(about).order_by("pk")


def _all_rows(label: str) -> QuerySet[Any, Any]:
    rows: QuerySet[Any, Any] = apps.get_model(label)._default_manager.all()
    return rows


def _find_in_columns(label: str, words: PersonWords) -> Iterator[tuple[str, QuerySet[Any]]]:
    """By column, the rows that match; none for somebody without words to be found by."""
    is_list = label in OF_LISTS
    for column in MENTION_COLUMNS[label] if words.make_pattern(of_list=is_list) else ():
        yield column, _matching(_all_rows(label), column, words, of_list=is_list)


def _matching(rows: QuerySet[Any], column: str, words: PersonWords, *, of_list: bool) -> QuerySet[Any]:
    """The pattern is tried only where a needle is, or the digits of a number in their order: over the years
    a table may have millions of rows, and the pattern takes ten times as long.
    """
    is_mentioned = Q(**{f"{TEXT}__iregex": words.make_pattern(of_list=of_list)})
    needles = words.list_needles(of_list=of_list)
    if needles is not None:
        may_be = Q(pk__in=[])
        for needle in needles:
            may_be |= Q(**{f"{LOWERED}__contains": needle})
        for number in sorted(words.numbers):
            may_be |= Q(_has_in_order(str(phonenumbers.parse(number).national_number)))
        is_mentioned = Q(Case(When(may_be, then=is_mentioned), default=False, output_field=BooleanField()))
    as_text = Cast(column, TextField())
    texts = {TEXT: as_text, LOWERED: Lower(Collate(as_text, "C"))}
    found: QuerySet[Any] = rows.alias(**texts).filter(is_mentioned)
    return found


def _has_in_order(digits: str) -> Func:
    pattern = Value(f"%{'%'.join(digits)}%")
    return Func(
        F(TEXT), pattern, template="%(expressions)s", arg_joiner=" LIKE ", output_field=BooleanField()
    )


def _get_field(model: type[Model], column: str) -> Field[Any, Any]:
    found: Field[Any, Any] = model._meta.get_field(column)  # type: ignore[assignment]
    return found


def _without(column: Field[Any, Any], pattern: str) -> Any:
    if isinstance(column, JSONField):
        return column.get_default()
    replaced = Func(
        F(column.name),
        Value(pattern),
        Value(ERASED_WORDS),
        Value("gi"),
        function="regexp_replace",
        output_field=TextField(),
    )
    return Left(replaced, column.max_length) if isinstance(column, CharField) else replaced  # type: ignore[arg-type]


def _find_rejected_rows(words: PersonWords) -> QuerySet[Any]:
    """Rows of files that weren't imported, by their cells together; not the header."""
    rows = _all_rows("contacts.RejectedRow").filter(line__gt=0)
    if not words.make_pattern(of_list=True):
        return rows.none()
    columns = (_matching(rows, column, words, of_list=True) for column in ("cells", "problem"))
    return rows.filter(reduce(or_, (Q(pk__in=found.values("pk")) for found in columns)))


def _find_loose_events(words: PersonWords) -> QuerySet[Any]:
    """Events on the account's address, or of a batch, whose bodies name the person."""
    rows = _all_rows("webhooks.WebhookEvent").filter(call=None)
    pattern = words.make_bytes_pattern()
    if not pattern:
        return rows.none()
    written = Func(F("body"), Value("escape"), function="encode", output_field=TextField())
    found: QuerySet[Any] = rows.alias(written=written).filter(written__iregex=pattern)
    return found


def _longest_run_length(name: str) -> int:
    return max(map(len, PLAIN_LETTERS.findall(name)), default=0)


def _write_name(first: str, last: str) -> tuple[str, str]:
    one, two = (BETWEEN_NAMES.join(re.escape(word) for word in name.split()) for name in (first, last))
    return f"{one}{BETWEEN_NAMES}{two}", f"{two}{BETWEEN_NAMES}{one}"


def _write_number(e164: str) -> str:
    """The number as people and machines write it: with and without the country's code, with any marks."""
    parsed = phonenumbers.parse(e164)
    digits = BETWEEN_DIGITS.join(str(parsed.national_number))
    prefix = rf"\+?(?:(?:00)?{parsed.country_code}{BETWEEN_DIGITS})?(?:0{BETWEEN_DIGITS})?\(?"
    return f"(?<![0-9]){prefix}{digits}(?![0-9])"


def _escape_bytes(written: bytes) -> str:
    """As PostgreSQL's encode(…, 'escape') writes bytes."""
    plain = (chr(byte) if 0 < byte < 128 else f"\\{byte:03o}" for byte in written)
    return "".join("\\\\" if one == "\\" else one for one in plain)


def read_words(contact: Contact, numbers: Iterable[str]) -> PersonWords:
    """By what this contact is found, and whoever was merged with them; `numbers`: E.164."""
    merged = list(contact.merges.values_list("was", flat=True))
    said = [one for one in (*contact.file_values.values(), *merged) if isinstance(one, dict)]
    names = {(str(one.get("first_name") or ""), str(one.get("last_name") or "")) for one in said}
    ids = {str(one.get("external_id") or "") for one in merged if isinstance(one, dict)}
    ids |= {contact.external_id, *contact.other_ids.values_list("external_id", flat=True)}
    names.add((contact.first_name, contact.last_name))
    return PersonWords(frozenset(names), frozenset(ids) - {""}, frozenset(numbers))
