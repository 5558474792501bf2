"""Follow-ups of before the release that keeps what people do about them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.apps.registry import Apps
from django.utils import timezone

from reminders.desk.worklist import TakenByColleague, hand_on, take_follow_up
from reminders.desk.worklist_endings import end_follow_ups
from reminders.models import FollowUp
from reminders.pages.worklist import count_entries
from tests.migrations.stages import BEFORE_DEEDS, Targets, bring_up_to_date
from tests.people import make_appointment, make_contact, make_user

GoBackTo = Callable[[Targets], Apps]


def test_old_follow_ups_keep_what_they_had_and_can_be_worked_on(go_back_to: GoBackTo) -> None:
    old: Any = go_back_to(BEFORE_DEEDS).get_model("reminders.FollowUp")._default_manager
    rosa, omar = make_user("rosa"), make_user("omar")
    kept = {}
    for index, (state, fields) in enumerate(
        {
            "open": {},
            "taken": {"taken_by_id": omar.pk},
            "resolved": {"resolved_by_id": omar.pk, "resolution": "done", "note": "spoke to her"},
        }.items()
    ):
        visit = make_appointment(make_contact(f"P{index}", number=f"+1202555010{index}"))
        due_at = timezone.now() + timedelta(hours=1)
        ids = {"contact_id": visit.contact_id, "appointment_id": visit.pk}
        kept[state] = old.create(kind="missed", state=state, due_at=due_at, **ids, **fields).pk
    bring_up_to_date()
    settled = FollowUp.objects.get(pk=kept["resolved"])
    assert (settled.resolution, settled.note, settled.resolved_by) == ("done", "spoke to her", omar)
    assert count_entries() == 2
    with pytest.raises(TakenByColleague, match=r"^omar already has this\.$"):
        take_follow_up(kept["taken"], by=rosa)
    hand_on(kept["taken"], to=rosa, by=rosa)
    end_follow_ups(kept["open"], FollowUp.Resolution.LEFT_MESSAGE, by=rosa)
    assert count_entries() == 1
