"""Find contacts by parts of their names, ids and numbers.

The database keeps beside each contact what is searched, folded: lower case, without accents and apostrophes,
a hyphen as a space and as nothing ("anne marie annemarie obrien #12025550100"). A trigger writes it and the
function callboard_fold folds it, in contacts/migrations/0016_search.py; what was typed is folded by the same
function, so the two can't differ. An index on every two and three letters in a row finds the rows.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import groupby
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import connection
from django.db.models import F, Func, IntegerField, QuerySet, Value

from contacts.models import Contact
from contacts.numbers import read_reported_number
from contacts.searches import clean_search

MOST_FOUND = 300  # with more, the search should be narrowed
WHOLE_NUMBER = 7  # digits; from here on it may be a number as it is dialled
FEWEST_DIGITS = 3  # fewer match too many numbers to be useful
BY_NAME = ("last_name", "first_name", "id")
FEW_LETTERS = 3  # what has more is rare enough to be found by its letters at once
FEW_WORDS = 3  # so is who has more words than these
GRAMS = "callboard_grams(search_text)"  # an index is on it
NAMES_TRIED = 5_000
DIALLED = re.compile(r"[-+.()/\u2010-\u2015\s0-9]+")
NO_DIGITS = re.compile(r"[^0-9]+")
FIRST_IDEOGRAM = "⺀"  # from here on one letter can be a name; the same letter as in callboard_grams


class Closeness(Enum):
    """Where a word stands in the searched text; the closest are shown first."""

    WHOLE = "a whole word, or the end of a number"
    BEGINNING = "the beginning of a word"
    ANYWHERE = "anywhere"


@dataclass(frozen=True)
class SearchWord:
    """A word that a contact must have, in one of its folded `forms`."""

    forms: tuple[str, ...]


def find_contacts(text: str) -> QuerySet[Contact]:
    """The contacts who have every word of `text`: first those with whole words, then beginnings, then parts.

    At most MOST_FOUND. An empty text finds all, by name. The order is total, so that paging is stable.
    """
    people = Contact.objects.filter(erased_at=None).select_related("phone")
    if not clean_search(text):
        return people.order_by(*BY_NAME)
    found = find_contact_ids(text)
    place = Func(Value(found, ArrayField(IntegerField())), F("pk"), function="array_position")
    return people.filter(pk__in=found).order_by(place)


def find_contact_ids(text: str, *, within_words: bool = True) -> list[int]:
    """The ids of the contacts who have every word of `text`, the closest first, at most MOST_FOUND.

    None for a text without a letter or digit. A few letters, which many contacts have, are looked for in the
    closest places first, until there are enough: up to six queries; two if they need not be found
    `within_words`. Anything longer takes two, and is found anywhere.
    """
    words = read_search_words(text)
    if not words:
        return []
    is_long = any(len(form) > FEW_LETTERS for word in words for form in word.forms)
    if is_long or len(words) > FEW_WORDS:
        return _select_by_index(words, Closeness.ANYWHERE, but=[])
    if not within_words:
        return _select_by_index(words, Closeness.BEGINNING, but=[])
    found = _select_by_index(words, Closeness.WHOLE, but=[])
    for closeness in (Closeness.BEGINNING, Closeness.ANYWHERE):
        early = _select_early(words, closeness, but=found)
        if len(found) + len(early) >= MOST_FOUND:
            return [*found, *early][:MOST_FOUND]
        found += _select_by_index(words, closeness, but=found)[: MOST_FOUND - len(found)]
    return found


def read_search_words(text: str) -> list[SearchWord]:
    """The words to look for in what somebody typed, of which only the first LONGEST characters count.

    "Müller" is also "Mueller". Digits that follow each other are one number, however they are grouped.
    """
    cleaned = clean_search(text)
    if not cleaned:
        return []
    folded, spelt_out = _fold(cleaned)
    words = zip(_join_digits(folded.split()), _join_digits(spelt_out.split()), strict=False)
    return [SearchWord(list_forms(*pair)) for pair in dict.fromkeys(words)]


def _fold(text: str) -> tuple[str, str]:
    """As the database folds names, also spelt out. In a number as it is dialled there is nothing to fold."""
    if DIALLED.fullmatch(text):
        return (NO_DIGITS.sub(" ", text),) * 2
    with connection.cursor() as cursor:
        cursor.execute("SELECT callboard_fold(%s), callboard_fold(callboard_spell_out(%s))", [text] * 2)
        folded, spelt_out = cursor.fetchone()
    return folded, spelt_out


def _join_digits(words: list[str]) -> list[str]:
    joined: list[str] = []
    for is_number, neighbours in groupby(words, str.isdecimal):
        group = list(neighbours)
        joined += ["".join(group)] if is_number and len("".join(group)) >= FEWEST_DIGITS else group
    return joined


def list_forms(word: str, spelt_out: str) -> tuple[str, ...]:
    """The word, and its number without what only dialling needs, such as a 0 in front."""
    forms = [word, spelt_out]
    if word.isdecimal() and len(word) >= WHOLE_NUMBER:
        forms += [word.lstrip("0") or word]
        forms += [e164.removeprefix("+") for e164 in read_reported_number(word, [settings.PHONE_REGION])]
    return tuple(dict.fromkeys(forms))


def _select_by_index(words: list[SearchWord], closeness: Closeness, *, but: list[int]) -> list[int]:
    """Those who have all words at least this close, the closest first, then by name; not those in `but`.

    Sorted by an expression: else PostgreSQL may read everybody by name to find a few who come late.
    """
    conditions, values = _write_conditions(words, closeness, by_index=True)
    closest, order = [], []
    for closer in list(Closeness)[: list(Closeness).index(closeness)]:
        condition, places = _write_conditions(words, closer, by_index=False)
        order.append(f"NOT ({condition})")
        closest += places
    by_name = ", ".join([*order, "last_name || ''", "first_name", "id"])
    return _read_ids(
        "contacts_contact", f"{conditions} AND id <> ALL (%s)", by_name, [*values, but, *closest]
    )


def _select_early(words: list[SearchWord], closeness: Closeness, *, but: list[int]) -> list[int]:
    """Those among the first NAMES_TRIED by name who have all words this close; not those in `but`.

    The index would find all who have a few letters, to sort them and to leave most of them out.
    """
    names = ", ".join(BY_NAME)
    first = f"SELECT search_text, {names} FROM contacts_contact ORDER BY {names} LIMIT {NAMES_TRIED}"  # noqa: S608
    early = f"({first}) AS early"
    conditions, values = _write_conditions(words, closeness, by_index=False)
    return _read_ids(early, f"{conditions} AND id <> ALL (%s)", names, [*values, but])


def _write_conditions(
    words: list[SearchWord], closeness: Closeness, *, by_index: bool
) -> tuple[str, list[list[str]]]:
    """SQL, and its values. LIKE is exact; an index finds the rows that have the place's letters at all."""
    conditions: list[str] = []
    values: list[list[str]] = []
    for word in words:
        places = [_write_place(form, closeness) for form in word.forms]
        if by_index:
            conditions.append("(" + " OR ".join([f"{GRAMS} @> %s"] * len(places)) + ")")
            values += [_list_grams(place) for place in places]
        conditions.append("search_text LIKE ANY (%s)")  # letters, digits and spaces: nothing to escape
        values.append([f"%{place}%" for place in places])
    return " AND ".join(conditions), values


def _read_ids(source: str, conditions: str, order: str, values: Sequence[list[Any]]) -> list[int]:
    statement = f"SELECT id FROM {source} WHERE {conditions} ORDER BY {order} LIMIT {MOST_FOUND}"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return [pk for (pk,) in cursor.fetchall()]


def _write_place(form: str, closeness: Closeness) -> str:
    """What stands in the searched text of those who have this form of a word."""
    is_number = form.isdecimal() and len(form) >= FEWEST_DIGITS
    if closeness == Closeness.WHOLE:
        return f"{form} " if is_number else f" {form} "
    is_short = (form.isdecimal() and not is_number) or (len(form) == 1 and form < FIRST_IDEOGRAM)
    return form if closeness == Closeness.ANYWHERE and not is_short else f" {form}"


def _list_grams(place: str) -> list[str]:
    """Those of callboard_grams that say most: three letters, unless there are fewer."""
    return list(dict.fromkeys(place[start : start + 3] for start in range(max(1, len(place) - 2))))
