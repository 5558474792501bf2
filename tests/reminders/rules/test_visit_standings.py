"""Where a visit stands, and which reasons a person chose (product rule 57)."""

from datetime import UTC, datetime, timedelta

import pytest

from reminders.rules.reasons import IS_CHOSEN, Reason
from reminders.rules.visit_standings import ReminderEnd, VisitFacts, VisitStanding, find_visit_standing

NOON = datetime(2027, 3, 12, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=5)
NOT_REACHED = ReminderEnd(Reason.NOT_REACHED, NOON)
SKIPPED_BY_CAP = ReminderEnd(Reason.HELD_BY_CAP, NOON)
SKIPPED_BY_STAFF = ReminderEnd(Reason.SKIPPED_BY_PERSON, NOON)
LATE_WHEN_BOOKED = ReminderEnd(Reason.PAST_WHEN_BOOKED, NOON)
NO_NUMBER = ReminderEnd(Reason.NO_NUMBER, LATER, is_held=True)
NOTHING = VisitFacts(answer="", on_worklist=False, goes_out=False, being_planned=False, ends=())

S = VisitStanding
TABLE = [
    (S.CONFIRMED, {"answer": "confirmed", "on_worklist": True, "goes_out": True}),
    (S.ON_WORKLIST, {"on_worklist": True, "goes_out": True}),
    (S.ON_WORKLIST, {"answer": "wants_another_time", "on_worklist": True}),
    (S.SETTLED_BY_STAFF, {"answer": "wants_another_time", "wish_settled": True}),
    (S.UNACCOUNTED, {"answer": "wants_another_time"}),
    (S.WILL_GO_OUT, {"goes_out": True, "ends": (NOT_REACHED,)}),
    (S.BEING_PLANNED, {"being_planned": True}),
    (S.BEING_PLANNED, {"being_planned": True, "ends": (LATE_WHEN_BOOKED,)}),
    (S.UNACCOUNTED, {"being_planned": True, "ends": (NOT_REACHED,)}),
    (S.NOT_IN_A_CAMPAIGN, {}),
    (S.UNACCOUNTED, {"ends": (NOT_REACHED,)}),
    (S.UNACCOUNTED, {"ends": (NOT_REACHED, SKIPPED_BY_CAP)}),
    (S.UNACCOUNTED, {"ends": (LATE_WHEN_BOOKED, NOT_REACHED)}),
    (S.UNACCOUNTED, {"ends": (NOT_REACHED, SKIPPED_BY_STAFF)}),
    (S.UNACCOUNTED, {"ends": (NO_NUMBER,)}),
    (S.UNACCOUNTED, {"ends": (ReminderEnd("a code of an older release", NOON),)}),
    (S.CHOSEN, {"ends": (LATE_WHEN_BOOKED, SKIPPED_BY_STAFF)}),
    (S.CHOSEN, {"ends": (ReminderEnd(Reason.REACHED, NOON, opted_out=True),)}),
    (S.SETTLED_BY_STAFF, {"ends": (NOT_REACHED,), "settled_at": LATER}),
    (S.SETTLED_BY_STAFF, {"ends": (NO_NUMBER,), "settled_at": NOON}),
    (S.UNACCOUNTED, {"ends": (NOT_REACHED,), "settled_at": NOON - timedelta(minutes=5)}),
]


@pytest.mark.parametrize(("standing", "changes"), TABLE)
def test_each_visit_stands_somewhere(standing: VisitStanding, changes: dict[str, object]) -> None:
    assert find_visit_standing(VisitFacts(**{**vars(NOTHING), **changes})) == standing


def test_each_standing_is_in_the_table() -> None:
    assert {standing for standing, _ in TABLE} == set(VisitStanding)


def test_each_reason_says_whether_a_person_chose_it() -> None:
    assert set(IS_CHOSEN) == set(Reason)


@pytest.mark.parametrize(
    "reason",
    [
        *("opted_out", "wants_no_reminders", "wants_no_calls", "wants_no_texts"),
        *("skipped_by_person", "skipped_after_pause", "not_confirmed", "past_when_booked"),
        *("never_in_time", "never_in_hours", "before_activation", "before_step", "before_filters"),
    ],
)
def test_what_the_patient_staff_or_a_setting_decided_was_chosen(reason: str) -> None:
    assert IS_CHOSEN[reason]


@pytest.mark.parametrize("reason", ["held_by_cap", "not_reached", "voicemail", "too_late", "no_script"])
def test_what_happened_by_itself_was_not_chosen(reason: str) -> None:
    assert not IS_CHOSEN[reason]
