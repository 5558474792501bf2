"""What the search above a list of the admin finds, each kind of field for itself.

Django's own search compares what was typed with every row, joined with all that is searched: half a second
for a million reminders. Here patients are found as on the contacts page, by an index; numbers by their
digits, in the table of numbers alone; ids only whole. Other words, such as those of a note, are left to
Django. Several words must all be in the patient, or all in such a note.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.utils import get_fields_from_path
from django.core.exceptions import ValidationError
from django.db.models import Field, Model, Q, QuerySet

from contacts.contact_search import (
    DIALLED,
    FEWEST_DIGITS,
    MOST_FOUND,
    NO_DIGITS,
    find_contact_ids,
    list_forms,
)
from contacts.models import Contact, PhoneNumber

WHOLE = "__exact"  # the end of a field's name in search_fields that is compared as a whole


@dataclass(frozen=True)
class FoundRows:
    """The keys of the rows, and whether there may be more, of patients or numbers that weren't looked for."""

    keys: "QuerySet[Any, dict[str, Any]]"
    may_be_more: bool


def find_rows(
    model: type[Model], fields: Iterable[str], text: str, find_words: Callable[[list[str]], QuerySet[Any]]
) -> FoundRows:
    """The rows of which one of `fields`, names of Django's search_fields, has the text.

    `find_words` finds the rows by those of the fields that are neither a patient's nor a number nor an id.
    """
    rows: QuerySet[Any] = model._default_manager.order_by()
    patients, numbers, words, found = set(), set(), [], []
    for name in fields:
        path, _, column = name.removesuffix(WHOLE).rpartition("__")
        field = get_fields_from_path(model, name.removesuffix(WHOLE))[-1]
        if field.model is Contact:
            patients.add(_lead_to_key(path))
        elif field.model is PhoneNumber and column == "e164":
            numbers.add(_lead_to_key(path))
        elif not name.endswith(WHOLE):
            words.append(name)
        elif (value := _read_value(field, text)) is not None:
            found.append(rows.filter(**{name: value}))
    # a patient's other number would find a number that was not looked for
    is_number_alone = model is PhoneNumber and DIALLED.fullmatch(text) is not None
    people = find_contact_ids(text, within_words=False) if patients and not is_number_alone else []
    dialled = _find_numbers(text) if numbers else []
    found += [rows.filter(**{f"{path}__in": people}) for path in sorted(patients) if people]
    found += [rows.filter(**{f"{path}__in": dialled}) for path in sorted(numbers) if dialled]
    found += [find_words(words).order_by()] if words else []
    keys = [one.values("pk") for one in found] or [rows.none().values("pk")]
    return FoundRows(keys[0].union(*keys[1:]), MOST_FOUND in (len(people), len(dialled)))


def _lead_to_key(path: str) -> str:
    return f"{path}__pk" if path else "pk"


def _read_value(field: "Field[Any, Any]", text: str) -> Any:
    """None where no row can have it, such as letters where a number is kept."""
    try:
        return field.to_python(text)
    except ValidationError:
        return None


def _find_numbers(text: str) -> list[int]:
    """The keys of the numbers that have these digits in a row, also as they are dialled within a country; []
    for a text with letters in it. Not those of people who were erased, which have no digits any more.
    """
    digits = NO_DIGITS.sub("", text)
    if not DIALLED.fullmatch(text) or len(digits) < FEWEST_DIGITS:
        return []
    has_form = Q(*(("e164__contains", form) for form in list_forms(digits, digits)), _connector=Q.OR)
    found = PhoneNumber.objects.filter(has_form, erased_at=None).order_by("pk")
    return list(found.values_list("pk", flat=True)[:MOST_FOUND])
