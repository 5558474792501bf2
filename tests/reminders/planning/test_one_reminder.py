"""Exactly one reminder for each step and revision, whatever is planned, edited and moved (product rule 3)."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import time, timedelta
from typing import TypeVar

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from contacts.models import Appointment, Contact
from contacts.people import change_phone
from reminders.deciding.coverage import covers
from reminders.desk.bookings import cancel_and_withdraw, move_and_replan, reinstate_and_plan
from reminders.dispatch.claims import claim_due
from reminders.dispatch.opening import open_calls
from reminders.models import Campaign, Reminder, Step
from reminders.planning.activation import activate_campaign, pause_campaign
from reminders.planning.editing import finish_edit, prepare_edit
from reminders.planning.planner import active_steps, plan_all
from tests.people import make_appointment, make_campaign, make_contact, make_number, make_step
from tests.rule_examples import try_examples

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
Item = TypeVar("Item")
Action = Callable[[int, int], None]  # on which row, and how


def make_clinic() -> None:
    """Three patients, two of whom share a number, and a campaign of two steps."""
    campaign = make_campaign()
    make_step(campaign)
    make_step(campaign, timing_kind="days_before", days=2, at=time(10), elapsed=timedelta(0))
    for name, ahead in [("Sarah", 3 * HOUR), ("Sam", 2 * DAY), ("Noah", 9 * DAY)]:
        contact = make_contact(name, number="+12025550111" if name == "Noah" else "+12025550100")
        make_appointment(contact, starts_at=timezone.now() + ahead, kind="cleaning" if name == "Sam" else "")


def pick(items: Sequence[Item], which: int) -> Item:
    return items[which % len(items)]


def pick_appointment(which: int) -> Appointment:
    return pick(list(Appointment.objects.order_by("pk")), which)


def move(which: int, how: int) -> None:
    appointment = pick_appointment(which)
    if appointment.status == Appointment.Status.BOOKED:
        starts_at = timezone.now() + pick([HOUR, 30 * HOUR, 5 * DAY, 20 * DAY], how)
        move_and_replan(appointment.pk, starts_at=starts_at, ends_at=starts_at + HOUR)


def cancel_or_book_again(which: int, _how: int) -> None:
    appointment = pick_appointment(which)
    change = cancel_and_withdraw if appointment.status == "booked" else reinstate_and_plan
    change(appointment.pk)


def change_a_number(which: int, how: int) -> None:
    contact = pick(list(Contact.objects.order_by("pk")), which)
    change_phone(contact, pick([make_number("+12025550122"), make_number("+12025550133"), None], how))


def edit_a_step(which: int, how: int) -> None:
    campaign = Campaign.objects.get()
    before = prepare_edit(campaign.pk)
    step = pick(list(campaign.steps.order_by("pk")), which)
    if step.elapsed:
        step.elapsed = pick([HOUR, 4 * HOUR, 47 * HOUR], how)
    else:
        step.days = pick([1, 2, 9], how)
    step.save()
    finish_edit(before)


def add_a_step(_which: int, how: int) -> None:
    if Step.objects.count() < 4:
        make_step(elapsed=pick([HOUR, 50 * HOUR], how), since=timezone.now())


def edit_the_filter(_which: int, how: int) -> None:
    campaign = Campaign.objects.get()
    before = prepare_edit(campaign.pk)
    campaign.kinds = pick([[], ["cleaning"]], how)
    campaign.save()
    finish_edit(before)


def pause_or_activate(_which: int, _how: int) -> None:
    campaign = Campaign.objects.get()
    (pause_campaign if campaign.state == Campaign.State.ACTIVE else activate_campaign)(campaign)


def call(_which: int, _how: int) -> None:
    claim = claim_due(10)
    open_calls(claim.reminder_ids, claim.token)


def plan(_which: int, _how: int) -> None:
    plan_all()


ACTIONS: list[Action] = [
    *(move, plan, edit_a_step, edit_the_filter, add_a_step),
    *(cancel_or_book_again, change_a_number, pause_or_activate, call),
]


def count_reminders() -> Counter[tuple[int, int, int]]:
    """How many there are, by appointment, step and revision."""
    return Counter(Reminder.objects.values_list("appointment_id", "step_id", "revision"))


@try_examples(6)
@given(
    st.lists(
        st.tuples(st.sampled_from(ACTIONS), st.integers(0, 3), st.integers(0, 3)), min_size=4, max_size=14
    )
)
def test_each_step_has_one_reminder_for_each_revision(
    db: None, actions: list[tuple[Callable[[int, int], None], int, int]]
) -> None:
    with transaction.atomic():
        make_clinic()
        for action, which, how in actions:
            action(which, how)
            assert set(count_reminders().values()) <= {1}
        plan_all()
        owed = {
            (appointment.pk, step.pk, appointment.revision)
            for appointment in Appointment.objects.filter(status=Appointment.Status.BOOKED)
            for step in active_steps()
            if covers(step.campaign, appointment)
        }
        assert {identity: count_reminders()[identity] for identity in owed} == dict.fromkeys(owed, 1)
        pending = Reminder.objects.filter(state__in=("planned", "claimed"))
        assert {(one.appointment_id, one.revision) for one in pending} <= set(
            Appointment.objects.filter(status=Appointment.Status.BOOKED).values_list("pk", "revision")
        )
        assert plan_all().added == 0
        transaction.set_rollback(True)
