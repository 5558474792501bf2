"""Contacts who may be one person: by their number and name, or by their name and date of birth.

Names are compared by Contact.name_key: accents, apostrophes, titles and the order of the words don't count.
Two with different dates of birth are two people, and so are two of whom somebody has said so.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Case, Q, Value, When
from django.utils.translation import gettext as _

from contacts.models import Contact, DistinctPair
from contacts.models.people import NameKey

MOST_ASKED_ABOUT = 10  # of those who look like a new contact; a frequent name has hundreds

# Groups of those who are alike by one number and name, or by name and date of birth, and of each group the
# pairs, the lower key first, behind the pair (%(one)s, %(other)s). Grouping reads the table three times,
# whatever it finds: about half a second for 200,000 contacts.
_PAIRS = """
    WITH held AS (
        SELECT phone_id AS number_id, name_key, id FROM contacts_contact
            WHERE phone_id IS NOT NULL AND name_key <> ''
        UNION ALL
        SELECT other_phone_id, name_key, id FROM contacts_contact
            WHERE other_phone_id IS NOT NULL AND name_key <> ''
    ), groups AS (
        SELECT array_agg(id) AS ids FROM held GROUP BY number_id, name_key HAVING count(*) > 1
        UNION ALL
        SELECT array_agg(id) FROM contacts_contact
            WHERE date_of_birth IS NOT NULL AND name_key <> ''
            GROUP BY name_key, date_of_birth HAVING count(*) > 1
    ), alike AS (
        SELECT DISTINCT one, other FROM groups, unnest(ids) AS one, unnest(ids) AS other
        WHERE one < other AND (one, other) > (%(one)s, %(other)s)
    )
    SELECT alike.one, alike.other FROM alike
    JOIN contacts_contact one ON one.id = alike.one
    JOIN contacts_contact other ON other.id = alike.other
    WHERE (one.date_of_birth = other.date_of_birth) IS NOT FALSE
        AND NOT EXISTS (
            SELECT FROM contacts_distinctpair
            WHERE (one_id, other_id) = (alike.one, alike.other)
        )
    ORDER BY alike.one, alike.other LIMIT %(most)s
"""


class PairKey(NamedTuple):
    """The keys of two contacts, the lower one first."""

    one: int
    other: int


FIRST = PairKey(0, 0)


@dataclass(frozen=True)
class DuplicatePair:
    """Two contacts who may be one person, and by what: a sentence for staff."""

    one: Contact
    other: Contact
    why: str


@dataclass(frozen=True)
class Lookalike:
    """A contact who looks like one that is about to be saved, and by what: a sentence for staff.

    `is_likely`: both name and number are the same.
    """

    contact: Contact
    why: str
    is_likely: bool


def find_pairs(after: PairKey = FIRST, most: int = 50) -> list[DuplicatePair]:
    """The pairs behind `after`, at most `most`, in the order of their keys. Two queries."""
    with connection.cursor() as cursor:
        cursor.execute(_PAIRS, {"one": after.one, "other": after.other, "most": most})
        keys = [PairKey(*row) for row in cursor.fetchall()]
    people = Contact.objects.select_related("phone", "other_phone").in_bulk(
        {pk for key in keys for pk in key}
    )
    return [_describe_pair(people[key.one], people[key.other]) for key in keys]


def _describe_pair(one: Contact, other: Contact) -> DuplicatePair:
    if one.date_of_birth and one.date_of_birth == other.date_of_birth:
        shares = _numbers_of(one) & _numbers_of(other)
        born = (
            _("the same name, date of birth and number") if shares else _("the same name and date of birth")
        )
        return DuplicatePair(one, other, born)
    return DuplicatePair(one, other, _("the same name and number"))


def _numbers_of(contact: Contact) -> set[int]:
    return {pk for pk in (contact.phone_id, contact.other_phone_id) if pk}


def find_lookalikes(
    first_name: str,
    last_name: str,
    numbers: Collection[str],
    date_of_birth: date | None = None,
    *,
    contact_id: int | None = None,
) -> list[Lookalike]:
    """Contacts of one of these numbers (E.164), or of the same name; at most one more than MOST_ASKED_ABOUT.

    Those who share name and number come first. Of one name, who was born on another day is left out.
    `contact_id`: the contact themselves, who is left out, and so is whoever was said to be another person.
    """
    people = Contact.objects.order_by().filter(erased_at=None)
    key = NameKey(Value(first_name), Value(last_name))
    born = Q(date_of_birth=None) | Q(date_of_birth=date_of_birth) if date_of_birth else Q()
    by_name = people.filter(born, name_key=key).exclude(name_key="")
    has_number = Q(phone__e164__in=numbers) | Q(other_phone__e164__in=numbers)
    by_number = people.filter(phone__e164__in=numbers)
    by_other_number = people.filter(other_phone__e164__in=numbers)
    ids = [found.values_list("pk", flat=True) for found in (by_name, by_number, by_other_number)]
    alike = (
        Contact.objects.filter(pk__in=ids[0].union(*ids[1:]))
        .select_related("phone", "other_phone")
        .annotate(is_of_name=Q(name_key=key) & ~Q(name_key=""))
        .annotate(is_of_number=Case(When(has_number, then=True), default=False))
        .exclude(pk__in=_list_distinct(contact_id))
        .order_by("-is_of_number", "-is_of_name", "last_name", "pk")
    )
    return [
        Lookalike(
            contact,
            _describe(contact.is_of_name, contact.is_of_number),
            is_likely=contact.is_of_name and contact.is_of_number,
        )
        for contact in alike[: MOST_ASKED_ABOUT + 1]
    ]


def _list_distinct(contact_id: int | None) -> list[int]:
    """The contact themselves, and those who were said to be somebody else."""
    if contact_id is None:
        return []
    pairs = DistinctPair.objects.filter(Q(one=contact_id) | Q(other=contact_id)).order_by()
    return [contact_id, *(pk for pair in pairs.values_list("one", "other") for pk in pair)]


def _describe(is_of_name: bool, is_of_number: bool) -> str:
    if is_of_name and is_of_number:
        return _("the same name and number")
    return _("the same number") if is_of_number else _("the same name")


def mark_distinct(one: int, other: int, *, by: User) -> None:
    """Say that these two contacts are two people; saying it twice changes nothing."""
    first, second = sorted([one, other])
    DistinctPair.objects.get_or_create(one_id=first, other_id=second, defaults={"by": by})
