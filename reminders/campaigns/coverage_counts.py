"""How many of the upcoming visits some filters mean, and why not the others, while they are being chosen.

One statement groups all upcoming visits by what filters ask; find_excluding_filter() judges one visit of each
group. So it is the one rule of coverage, and as fast for 50,000 visits as for 50.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Count
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, ngettext_lazy

from contacts.languages import name_language
from contacts.models import Appointment, Contact
from reminders.deciding.coverage import IS_KNOWN, CampaignFilters, find_excluding_filter
from reminders.deciding.visits import find_upcoming

MOST_NAMED = 3  # values of one filter that a sentence names
OTHERS = object()  # in place of a value: all that are not named
WHY_NOT = {
    "locations": ngettext_lazy("%(count)d is at %(name)s", "%(count)d are at %(name)s", "count"),
    "other locations": ngettext_lazy(
        "%(count)d is at another location", "%(count)d are at other locations", "count"
    ),
    "providers": ngettext_lazy("%(count)d is with %(name)s", "%(count)d are with %(name)s", "count"),
    "no providers": ngettext_lazy("%(count)d has no provider", "%(count)d have no provider", "count"),
    "other providers": ngettext_lazy(
        "%(count)d is with another provider", "%(count)d are with other providers", "count"
    ),
    "kinds": ngettext_lazy(
        "%(count)d is of the kind %(name)s", "%(count)d are of the kind %(name)s", "count"
    ),
    "no kinds": ngettext_lazy("%(count)d has no kind", "%(count)d have no kind", "count"),
    "other kinds": ngettext_lazy("%(count)d is of another kind", "%(count)d are of other kinds", "count"),
    "languages": ngettext_lazy(
        "%(count)d is of a patient who speaks %(name)s",
        "%(count)d are of patients who speak %(name)s",
        "count",
    ),
    "other languages": ngettext_lazy(
        "%(count)d is of a patient who speaks another language",
        "%(count)d are of patients who speak other languages",
        "count",
    ),
    "not new": ngettext_lazy("%(count)d is of a known patient", "%(count)d are of known patients", "count"),
    "not known": ngettext_lazy("%(count)d is of a new patient", "%(count)d are of new patients", "count"),
}


class VisitGroup(NamedTuple):
    """Upcoming visits that no filter tells apart. `is_known`: None if it was not asked."""

    location: int
    provider: int | None
    kind: str
    language: str
    is_known: bool | None
    visits: int


class LeftOut(NamedTuple):
    """Visits that one filter leaves out. `value`: their location, provider (ids), kind, language or "".

    A visit that several filters leave out counts for the first of them.
    """

    filter: str
    value: Any
    visits: int


@dataclass(frozen=True)
class CoverageCount:
    """How many of the `total` upcoming visits are meant, and the others by why they are not, most first."""

    total: int
    covered: int
    left_out: tuple[LeftOut, ...]


def read_visit_groups(now: datetime, *, tell_known: bool) -> list[VisitGroup]:
    """The upcoming visits in groups; one query. `tell_known`: whether by new and known patients."""
    fields = ["location_id", "provider_id", "kind", "contact__language"]
    visits = find_upcoming(now).order_by()
    if not tell_known:
        rows = visits.values_list(*fields).annotate(visits=Count("pk"))
        return [VisitGroup._make([*row[:4], None, row[4]]) for row in rows]
    known = visits.annotate(is_known=IS_KNOWN).values_list(*fields, "is_known")
    return [VisitGroup(*row) for row in known.annotate(visits=Count("pk"))]


def count_coverage(filters: CampaignFilters, groups: Sequence[VisitGroup]) -> CoverageCount:
    """How many visits of the groups the filters mean. Pure; `groups` as read for these filters."""
    left_out: Counter[tuple[str, Any]] = Counter()
    total = 0
    for group in groups:
        total += group.visits
        name = _find_excluding(filters, group)
        if name is not None:
            left_out[name, _read_value(name, group)] += group.visits
    found = [LeftOut(name, value, count) for (name, value), count in left_out.most_common()]
    return CoverageCount(total, total - left_out.total(), tuple(found))


def say_coverage(
    count: CoverageCount, filters: CampaignFilters, names: Mapping[str, Mapping[int, str]]
) -> str:
    """In one sentence: "Means 37 of the next 52 visits; 15 not, because 9 are at Eastside and 6 …".

    `names`: of "locations" and of "providers", by id.
    """
    if not count.total:
        return _("No visits are booked ahead, so there is nothing to count yet.")
    left_out = count.total - count.covered
    if not left_out:
        words = ngettext(
            "Means the only visit that is booked ahead.",
            "Means all of the next %(total)d visits.",
            count.total,
        )
        return words % {"total": count.total}
    words = ngettext(
        "Means %(covered)d of the next %(total)d visits; %(left_out)d not, because %(why)s.",
        "Means %(covered)d of the next %(total)d visits; %(left_out)d not, because %(why)s.",
        left_out,
    )
    why = [
        str(WHY_NOT[_find_sentence(one, filters)] % {"count": one.visits, "name": _name_value(one, names)})
        for one in _shorten(count.left_out)
    ]
    return words % {
        "covered": count.covered,
        "total": count.total,
        "left_out": left_out,
        "why": get_text_list(why, _("and")),
    }


def count_values(groups: Sequence[VisitGroup], name: str) -> Counter[Any]:
    """How many upcoming visits there are of each value of a filter, to be shown beside each choice."""
    counts: Counter[Any] = Counter()
    for group in groups:
        counts[_read_value(name, group)] += group.visits
    return counts


def _find_excluding(filters: CampaignFilters, group: VisitGroup) -> str | None:
    visit = Appointment(
        location_id=group.location,
        provider_id=group.provider,
        kind=group.kind,
        contact=Contact(language=group.language),
    )
    return find_excluding_filter(filters, visit, is_known=group.is_known)


def _read_value(name: str, group: VisitGroup) -> Any:
    values = {
        "locations": group.location,
        "providers": group.provider,
        "kinds": group.kind,
        "languages": group.language,
    }
    return values.get(name, "")


def _shorten(left_out: Sequence[LeftOut]) -> list[LeftOut]:
    """At most MOST_NAMED values of each filter; the others as one, with OTHERS as their value."""
    kept, seen, others = [], Counter[str](), Counter[str]()
    for one in left_out:
        seen[one.filter] += 1
        if seen[one.filter] <= MOST_NAMED:
            kept.append(one)
        else:
            others[one.filter] += one.visits
    return kept + [LeftOut(name, OTHERS, count) for name, count in others.items()]


def _find_sentence(one: LeftOut, filters: CampaignFilters) -> str:
    """The key of its sentence in WHY_NOT."""
    if one.value is OTHERS:
        return f"other {one.filter}"
    if one.filter == "patients":
        return f"not {filters.patients}"
    is_none = one.filter in ("providers", "kinds") and not one.value
    return f"no {one.filter}" if is_none else one.filter


def _name_value(one: LeftOut, names: Mapping[str, Mapping[int, str]]) -> str:
    if one.filter == "languages" and one.value is not OTHERS:
        return name_language(one.value)
    return names.get(one.filter, {}).get(one.value, str(one.value))
