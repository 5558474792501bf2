"""How many visits some filters mean, in words."""

from typing import Any

import pytest

from reminders.campaigns.coverage_counts import (
    CoverageCount,
    LeftOut,
    VisitGroup,
    count_coverage,
    say_coverage,
)
from reminders.deciding.coverage import CampaignFilters

NAMES = {
    "locations": {1: "Downtown", 2: "Eastside", 3: "Hill", 4: "Port", 5: "West"},
    "providers": {7: "Dr. Chen", 8: "Dr. Okafor"},
}
NEW, KNOWN = CampaignFilters(patients="new"), CampaignFilters(patients="known")


def say(total: int, covered: int, *left_out: tuple[str, Any, int], filters: CampaignFilters = NEW) -> str:
    found = tuple(LeftOut(*one) for one in left_out)
    return say_coverage(CoverageCount(total, covered, found), filters, NAMES)


SAID: list[tuple[str, str]] = [
    (say(0, 0), "No visits are booked ahead, so there is nothing to count yet."),
    (say(1, 1), "Means the only visit that is booked ahead."),
    (say(52, 52), "Means all of the next 52 visits."),
    (
        say(52, 37, ("locations", 2, 9), ("kinds", "Physical", 6)),
        "Means 37 of the next 52 visits; 15 not, because 9 are at Eastside and 6 are of the kind Physical.",
    ),
    (say(2, 1, ("locations", 2, 1)), "Means 1 of the next 2 visits; 1 not, because 1 is at Eastside."),
    (say(3, 1, ("providers", None, 2)), "Means 1 of the next 3 visits; 2 not, because 2 have no provider."),
    (say(3, 2, ("providers", 8, 1)), "Means 2 of the next 3 visits; 1 not, because 1 is with Dr. Okafor."),
    (say(3, 2, ("kinds", "", 1)), "Means 2 of the next 3 visits; 1 not, because 1 has no kind."),
    (
        say(3, 1, ("languages", "es", 2)),
        "Means 1 of the next 3 visits; 2 not, because 2 are of patients who speak Spanish.",
    ),
    (say(3, 2, ("patients", "", 1)), "Means 2 of the next 3 visits; 1 not, because 1 is of a known patient."),
    (
        say(3, 1, ("patients", "", 2), filters=KNOWN),
        "Means 1 of the next 3 visits; 2 not, because 2 are of new patients.",
    ),
    (
        say(20, 1, *[("locations", place, 7 - place) for place in range(1, 6)]),
        (
            "Means 1 of the next 20 visits; 19 not, because 6 are at Downtown, 5 are at Eastside, 4 are at "
            "Hill and 5 are at other locations."
        ),
    ),
    (say(2, 1, ("providers", 99, 1)), "Means 1 of the next 2 visits; 1 not, because 1 is with 99."),
]


@pytest.mark.parametrize(("said", "words"), SAID)
def test_the_count_is_said_in_one_sentence(said: str, words: str) -> None:
    assert said == words


GROUPS = [
    VisitGroup(1, 7, "Cleaning", "en", True, 30),
    VisitGroup(1, None, "Cleaning", "en", False, 4),
    VisitGroup(1, 8, "Physical", "es", False, 3),
    VisitGroup(2, 7, "Cleaning", "fr", True, 5),
]
COUNTED: list[tuple[CampaignFilters, int, set[tuple[str, Any, int]]]] = [
    (CampaignFilters(), 42, set()),
    (CampaignFilters(locations=frozenset({1})), 37, {("locations", 2, 5)}),
    (CampaignFilters(providers=frozenset({7})), 35, {("providers", None, 4), ("providers", 8, 3)}),
    (CampaignFilters(kinds=frozenset({"Physical"})), 3, {("kinds", "Cleaning", 39)}),
    (CampaignFilters(languages=frozenset({"en", "es"})), 37, {("languages", "fr", 5)}),
    (NEW, 7, {("patients", "", 35)}),
    (KNOWN, 35, {("patients", "", 7)}),
    (
        CampaignFilters(locations=frozenset({1}), patients="known"),
        30,
        {("locations", 2, 5), ("patients", "", 7)},
    ),
]


@pytest.mark.parametrize(("filters", "covered", "left_out"), COUNTED)
def test_each_visit_counts_once_by_the_first_filter_that_leaves_it_out(
    filters: CampaignFilters, covered: int, left_out: set[tuple[str, Any, int]]
) -> None:
    count = count_coverage(filters, GROUPS)
    assert (count.total, count.covered, {tuple(one) for one in count.left_out}) == (42, covered, left_out)
