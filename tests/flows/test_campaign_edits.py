"""An edit of a running campaign, call by call: what was shown is what the sandbox's ledger then has."""

from collections.abc import Iterable
from copy import copy
from datetime import timedelta
from typing import Any

from django.db.models import F
from django.utils import timezone

from contacts.models import Appointment
from reminders.campaigns.differences import CallChange, diff_activation, diff_edit
from reminders.campaigns.drafts import read_draft
from reminders.campaigns.edits import activate_as_shown, save_shown_edit
from reminders.deciding.coverage import CampaignFilters
from reminders.dispatch.rounds import dispatch_due
from reminders.models import Reminder
from reminders.planning.planner import plan_all
from tests.people import (
    ENGLISH,
    make_appointment,
    make_campaign,
    make_contact,
    make_script,
    make_step,
    make_user,
)
from tests.sandbox_server import SandboxServer
from tests.waiting import wait_until

LATER = timedelta(minutes=10)


def book(last: int, starts_in: timedelta, **fields: Any) -> Appointment:
    """A visit booked three weeks ago, of a number that ends in `last`."""
    contact = make_contact(f"Patient {last}", number=f"+120255501{last:02}")
    visit = make_appointment(contact, starts_at=timezone.now() + starts_in, **fields)
    Appointment.objects.filter(pk=visit.pk).update(revised_at=timezone.now() - timedelta(days=21))
    return visit


def let_ten_minutes_pass() -> None:
    """What is due within ten minutes is due now."""
    waiting = Reminder.objects.filter(state="planned")
    waiting.update(due_at=F("due_at") - LATER, next_look_at=F("next_look_at") - LATER)


def numbers_of(changes: Iterable[CallChange]) -> set[str]:
    visits = Appointment.objects.filter(pk__in=[change.visit for change in changes])
    return set(visits.values_list("contact__phone__e164", flat=True))


def test_the_ledger_has_what_was_shown_before_an_activation_and_an_edit(sandbox: SandboxServer) -> None:
    sam = make_user("sam")
    campaign = make_campaign(state="draft", activated_at=None, kinds=["Cleaning", "Checkup"])
    old = make_script(f"{ENGLISH} The old words.")
    make_step(campaign, elapsed=timedelta(hours=4), since=timezone.now(), script=old)
    due_in = timedelta(hours=4, minutes=9)
    book(1, timedelta(hours=3), kind="Cleaning")  # due before the activation: never sent
    stays, vanishes = book(2, due_in, kind="Cleaning"), book(3, due_in, kind="Checkup")
    comes = book(4, due_in, kind="Physical")
    book(5, timedelta(hours=3), kind="Physical")  # due before the edit: never sent
    shown = diff_activation(campaign.pk).send
    assert {change.visit for change in shown.appear} == {stays.pk, vanishes.pk}
    activate_as_shown(campaign.pk, shown=shown.token, by=sam)
    plan_all()

    draft = read_draft(campaign.pk)
    step = copy(draft.steps[0])
    step.script = make_script(f"{ENGLISH} The new words.", name="New")
    draft = draft.with_filters(CampaignFilters(kinds=frozenset({"Cleaning", "Physical"}))).with_steps([step])
    diff = diff_edit(draft)
    assert {change.visit for change in diff.appear} == {comes.pk}
    assert {change.visit for change in diff.reword} == {stays.pk}
    assert {change.visit for change in diff.vanish} == {vanishes.pk}
    save_shown_edit(draft, shown=diff.token, by=sam)
    plan_all()

    let_ten_minutes_pass()
    wait_until(lambda: dispatch_due().claimed == 0, "all that is due to go out")
    accepted = sandbox.ledger()
    assert {line["to"] for line in accepted} == numbers_of((*diff.appear, *diff.reword))
    assert all("The new words" in line["message"] for line in accepted)
