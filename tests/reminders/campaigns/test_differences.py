"""What is shown before an edit or an activation is what then happens (product rules 6 and 29)."""

from collections.abc import Callable
from copy import copy
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Coalesce, Greatest
from django.utils import timezone

from contacts.models import Appointment, Location
from reminders.campaigns.differences import (
    ActivationDiff,
    CampaignDiff,
    DiffOutdated,
    diff_activation,
    diff_edit,
)
from reminders.campaigns.drafts import CampaignDraft, read_draft
from reminders.campaigns.edits import activate_as_shown, pause_by_person, save_shown_edit
from reminders.deciding.coverage import CampaignFilters
from reminders.deciding.explanations import explain_reminder
from reminders.deciding.number_caps import read_use
from reminders.deciding.present import read_present
from reminders.deciding.situations import with_situation
from reminders.desk.resuming import skip_and_activate_campaign
from reminders.models import Campaign, Reminder, Script, SendingSwitch, Step
from reminders.planning.planner import plan_all, plan_campaign
from tests.people import (
    ENGLISH,
    make_appointment,
    make_campaign,
    make_contact,
    make_script,
    make_step,
    make_user,
)
from tests.reminders.campaigns.clinics import Clinic, make_clinic

pytestmark = pytest.mark.django_db

Going = dict[tuple[int, int], tuple[datetime, str, int]]
SMALL = timedelta(minutes=1)
AT_ONCE = datetime(2000, 1, 1, tzinfo=UTC)


@pytest.fixture
def sam() -> User:
    return make_user("sam")


def read_going(campaign: Campaign) -> Going:
    """The reminders that will go out, by visit and step: when, how and with which words."""
    now = timezone.now()
    present = Reminder.objects.filter(step__campaign=campaign, appointment__starts_at__gt=now)
    going = {}
    reminders = list(with_situation(present))
    uses = read_use({one.appointment.contact.phone_id or 0 for one in reminders}, now)
    for reminder in reminders:
        use = uses.get(reminder.appointment.contact.phone_id or 0)
        said = explain_reminder(reminder, now, use=use)
        if said.moment is not None:
            place = reminder.appointment_id, reminder.step.position
            moment = AT_ONCE if said.moment <= now + SMALL else said.moment
            going[place] = (moment, reminder.channel or reminder.step.channel, reminder.step.script_id)
    return going


def compare(before: Going, after: Going) -> dict[str, set[tuple[int, int]]]:
    both = before.keys() & after.keys()
    moved = {place for place in both if abs(before[place][0] - after[place][0]) > SMALL}
    return {
        "appear": after.keys() - before.keys(),
        "vanish": before.keys() - after.keys(),
        "move": {place for place in both if place in moved or before[place][1] != after[place][1]},
    }


def places(changes: object) -> set[tuple[int, int]]:
    return {(change.visit, change.step.position) for change in changes}  # type: ignore[attr-defined]


def change_step(draft: CampaignDraft, place: int, **values: object) -> CampaignDraft:
    steps = [copy(step) for step in draft.steps]
    for name, value in values.items():
        setattr(steps[place], name, value)
    return draft.with_steps(steps)


def add_step(draft: CampaignDraft) -> CampaignDraft:
    new = Step(
        timing_kind="days_before", days=2, at=time(11), script=Script.objects.earliest("pk"), position=9
    )
    return draft.with_steps([*draft.steps, new])


def add_confirmation(draft: CampaignDraft) -> CampaignDraft:
    script = Script.objects.earliest("pk")
    new = Step(timing_kind="after_booking", elapsed=timedelta(hours=1), script=script, position=9)
    return draft.with_steps([*draft.steps, new])


def keep_downtown(draft: CampaignDraft) -> CampaignDraft:
    downtown = Location.objects.get(name="Downtown").pk
    return draft.with_filters(CampaignFilters(locations=frozenset({downtown})))


EDITS: dict[str, Callable[[CampaignDraft], CampaignDraft]] = {
    "nothing": lambda draft: draft,
    "another name": lambda draft: replace(draft, name="Another name"),
    "a step a day earlier": lambda draft: change_step(draft, 0, days=4),
    "a step a day later": lambda draft: change_step(draft, 0, days=2),
    "a step some hours earlier": lambda draft: change_step(draft, 2, elapsed=timedelta(hours=50)),
    "a step some hours later": lambda draft: change_step(draft, 3, elapsed=timedelta(minutes=45)),
    "for everyone": lambda draft: change_step(draft, 0, audience="everyone"),
    "for the confirmed only": lambda draft: change_step(draft, 2, audience="confirmed"),
    "stops earlier": lambda draft: change_step(draft, 3, stop_before=timedelta(hours=9)),
    "brought forward": lambda draft: change_step(draft, 2, if_never_in_time="bring_forward"),
    "late ones at once": lambda draft: change_step(draft, 0, if_late="next_allowed"),
    "by text": lambda draft: change_step(draft, 0, channel="sms", script=Script.objects.get(name="Text")),
    "a new step": add_step,
    "a step removed": lambda draft: draft.with_steps(draft.steps[1:]),
    "narrower": keep_downtown,
    "at once or not at all": lambda draft: change_step(draft, 0, if_late="now", days=4),
    "sooner after booking": lambda draft: change_step(draft, 5, elapsed=timedelta(minutes=20)),
    "no longer after booking": lambda draft: change_step(draft, 5, timing_kind="elapsed_before"),
    "a new step after booking": add_confirmation,
    "who agreed": lambda draft: draft.with_filters(CampaignFilters(consent="agreed")),
    "who agreed in writing": lambda draft: draft.with_filters(CampaignFilters(consent="written")),
    "new patients": lambda draft: draft.with_filters(CampaignFilters(patients="new")),
    "known patients": lambda draft: draft.with_filters(CampaignFilters(patients="known")),
    "Spanish speakers": lambda draft: draft.with_filters(CampaignFilters(languages=frozenset({"es"}))),
    "other kinds": lambda draft: draft.with_filters(CampaignFilters(kinds=frozenset({"Cleaning"}))),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_changes_exactly_what_was_shown(edit: str, sam: User) -> None:
    clinic = make_clinic(len(edit), 16)
    # every edit looks again at what waits for a later look, so that this is no difference of the edit
    latest = Greatest("due_at", Coalesce("try_after", "due_at"))
    Reminder.objects.filter(state="planned").update(next_look_at=latest, reason="")
    draft = EDITS[edit](read_draft(clinic.campaign.pk))
    diff = diff_edit(draft)
    before = read_going(clinic.campaign)
    save_shown_edit(draft, shown=diff.token, by=sam)
    plan_all()
    after = read_going(clinic.campaign)
    expected = compare(before, after)
    if edit == "a step removed":  # the steps after it have other places
        assert len(diff.vanish) == len(before) - len(after)
        return
    shown = {"appear": diff.appear, "vanish": diff.vanish, "move": diff.move}
    assert {kind: places(changes) for kind, changes in shown.items()} == expected
    for change in (*diff.appear, *diff.move):
        assert change.after is not None
        assert change.after.moment is not None
        moment = after[change.visit, change.step.position][0]
        is_at_once = moment == AT_ONCE and change.after.moment <= timezone.now() + SMALL
        assert is_at_once or abs(moment - change.after.moment) < SMALL


@pytest.mark.parametrize("edit", ["a step a day earlier", "narrower", "known patients", "a new step"])
def test_taking_filters_and_steps_back_changes_what_was_shown_too(edit: str, sam: User) -> None:
    """From narrow to wide, and a removed step put back: visits come back into the campaign."""
    clinic = make_clinic(7, 16)
    whole = read_draft(clinic.campaign.pk)
    narrow = EDITS[edit](read_draft(clinic.campaign.pk))
    save_shown_edit(narrow, shown=diff_edit(narrow).token, by=sam)
    plan_all()
    back = replace(whole, steps=tuple(copy(step) for step in whole.steps))
    diff, before = diff_edit(back), read_going(clinic.campaign)
    save_shown_edit(back, shown=diff.token, by=sam)
    plan_all()
    after = read_going(clinic.campaign)
    if edit != "a new step":
        assert places(diff.appear) == compare(before, after)["appear"]
        assert places(diff.move) == compare(before, after)["move"]
    assert len(after) - len(before) == len(diff.appear) - len(diff.vanish)


def test_other_words_are_shown_as_such(sam: User) -> None:
    step = make_step(elapsed=timedelta(days=1))
    make_appointment(starts_at=timezone.now() + timedelta(days=4))
    plan_all()
    other = make_script(f"{ENGLISH} See you soon.", name="Other")
    draft = change_step(read_draft(step.campaign_id), 0, script=other)
    diff = diff_edit(draft)
    assert (len(diff.reword), diff.unchanged, diff.people) == (1, 0, 1)
    save_shown_edit(draft, shown=diff.token, by=sam)
    assert Step.objects.get().script == other


def test_nothing_is_saved_when_something_else_would_happen_than_was_shown(sam: User) -> None:
    step = make_step(elapsed=timedelta(days=1))
    make_appointment(starts_at=timezone.now() + timedelta(days=4))
    draft = change_step(read_draft(step.campaign_id), 0, elapsed=timedelta(days=2))
    shown = diff_edit(draft)
    make_appointment(
        make_contact("Noah", number="+12025550101"), starts_at=timezone.now() + timedelta(days=5)
    )
    with pytest.raises(DiffOutdated) as refused:
        save_shown_edit(draft, shown=shown.token, by=sam)
    assert (shown.people, refused.value.diff.people) == (1, 2)
    assert Step.objects.get().elapsed == timedelta(days=1)


def test_an_edit_in_between_is_shown_before_the_other_is_saved(sam: User) -> None:
    step = make_step(elapsed=timedelta(days=1))
    first, second = (
        change_step(read_draft(step.campaign_id), 0, elapsed=timedelta(days=days)) for days in (2, 3)
    )
    tokens = diff_edit(first).token, diff_edit(second).token
    save_shown_edit(first, shown=tokens[0], by=sam)
    with pytest.raises(DiffOutdated):
        save_shown_edit(second, shown=tokens[1], by=sam)
    assert Step.objects.get().elapsed == timedelta(days=2)


@pytest.mark.parametrize("token", ["", "x", "a.b.c.d.e.f.g", "....", "٣.٣.٣.٣.٣.٣.٣", "0" * 9000])
def test_what_is_no_token_confirms_nothing(token: str, sam: User) -> None:
    step = make_step()
    draft = change_step(read_draft(step.campaign_id), 0, max_tries=5)
    with pytest.raises(DiffOutdated):
        save_shown_edit(draft, shown=token, by=sam)


def test_fewer_than_was_confirmed_needs_no_second_look() -> None:
    diff = make_diff(people=12)
    assert make_diff(people=11).is_as_shown(diff.token)
    assert not make_diff(people=13).is_as_shown(diff.token)
    assert not replace(make_diff(people=12), digest="other").is_as_shown(diff.token)


def make_diff(people: int) -> CampaignDiff:
    return CampaignDiff(timezone.now(), (), (), (), (), 0, people, 0, "digest")


def test_a_draft_is_activated_for_those_who_were_shown(sam: User) -> None:
    clinic = make_clinic(3, 16)
    draft = make_campaign("Draft", state="draft", activated_at=None)
    make_step(
        draft, timing_kind="days_before", days=1, at=time(10), elapsed=timedelta(0), since=timezone.now()
    )
    diff = diff_activation(draft.pk).send
    assert diff.people > 0, clinic
    activate_as_shown(draft.pk, shown=diff.token, by=sam)
    plan_all()
    assert places(diff.appear) == read_going(draft).keys()
    assert Campaign.objects.get(pk=draft.pk).state == "active"


@pytest.mark.parametrize("skips", [True, False])
def test_after_a_pause_what_fell_due_is_sent_or_skipped_as_was_shown(sam: User, skips: bool) -> None:
    step = make_step()
    due = make_appointment(starts_at=timezone.now() + timedelta(hours=3))
    ahead = make_appointment(
        make_contact("Noah", number="+12025550101"), starts_at=timezone.now() + timedelta(days=3)
    )
    plan_all()
    pause_by_person(step.campaign, by=sam)
    Campaign.objects.update(paused_at=timezone.now() - timedelta(hours=2))
    proposed = diff_activation(step.campaign_id)
    assert {one.visit for one in proposed.send.appear} == {due.pk, ahead.pk}
    assert {one.visit for one in proposed.skip.appear} == {ahead.pk}
    shown = proposed.skip if skips else proposed.send

    def skip(campaign: Campaign) -> object:
        return skip_and_activate_campaign(campaign, by=sam)

    activate_as_shown(step.campaign_id, shown=shown.token, by=sam, skip_due=skip if skips else None)
    assert places(shown.appear) == read_going(step.campaign).keys()


@pytest.mark.parametrize("seed", range(4))
def test_what_came_to_be_owed_in_a_pause_counts_before_it_is_planned(sam: User, seed: int) -> None:
    """As much as after, and nothing is written to say so."""
    clinic = make_clinic(seed, 60)
    campaign = clinic.campaign
    pause_by_person(campaign, by=sam)
    Campaign.objects.update(paused_at=timezone.now() - timedelta(days=2))
    Location.objects.filter(pk=clinic.locations[seed % 3].pk).update(paused_at=timezone.now())
    owed = make_fallen_due(clinic)
    planned = Reminder.objects.filter(state="planned", reason="", calls=None).exclude(pk=owed.pk)
    planned.filter(pk__in=clinic.rng.sample(sorted(planned.values_list("pk", flat=True)), 39)).delete()
    owed.delete()
    written, present = Reminder.objects.count(), read_present()
    before = diff_activation(campaign.pk, present=present)
    assert Reminder.objects.count() == written
    assert plan_campaign(campaign) == 40
    after = diff_activation(campaign.pk, present=present)
    assert any(one.pk is None for one in before.fallen_due.in_time)
    assert all(one.pk for one in after.fallen_due.in_time)
    assert read_numbers(before) == read_numbers(after)


def make_fallen_due(clinic: Clinic) -> Reminder:
    """The reminder of a visit booked 71 hours ago: due 41 ago, so calling hours have passed since."""
    contact = make_contact("Owed", number="+12025550177")
    location = next(one for one in Location.objects.order_by("pk") if one.paused_at is None)
    visit = make_appointment(contact, location=location, starts_at=timezone.now() + timedelta(days=6))
    booked = timezone.now() - timedelta(hours=71)
    Appointment.objects.filter(pk=visit.pk).update(booked_at=booked, revised_at=booked)
    plan_campaign(clinic.campaign)
    return Reminder.objects.get(appointment=visit, step__timing_kind="after_booking")


def read_numbers(proposed: ActivationDiff) -> tuple[object, ...]:
    due, send, skip = proposed.fallen_due, proposed.send, proposed.skip
    fallen_due = {(one.step, one.appointment) for one in due.in_time}
    return fallen_due, due.too_late, send.token, set(send.appear), skip.token, set(skip.appear)


def test_an_active_campaign_is_not_activated_again(sam: User) -> None:
    step = make_step()
    with pytest.raises(DiffOutdated):
        activate_as_shown(step.campaign_id, shown=diff_activation(step.campaign_id).send.token, by=sam)


def test_an_edit_of_a_paused_campaign_calls_nobody_before_or_after(sam: User) -> None:
    step = make_step(elapsed=timedelta(days=1))
    make_appointment(starts_at=timezone.now() + timedelta(days=4))
    pause_by_person(step.campaign, by=sam)
    draft = change_step(read_draft(step.campaign_id), 0, elapsed=timedelta(days=2))
    diff = diff_edit(draft)
    assert (diff.appear, diff.move, diff.vanish, diff.reword) == ((), (), (), ())
    save_shown_edit(draft, shown=diff.token, by=sam)
    assert Step.objects.get().elapsed == timedelta(days=2)


def test_an_edit_sends_nothing_that_was_due_before_callboard_went_live(sam: User) -> None:
    """(product rule 29) What an edit moves is still of the time before, as the last look finds it."""
    step = make_step(timing_kind="after_booking", elapsed=timedelta(0))
    make_appointment(starts_at=timezone.now() + timedelta(days=3))
    hour = timedelta(hours=1)
    booked = timezone.now() - 9 * hour
    Appointment.objects.update(revised_at=booked, booked_at=booked)
    plan_all()
    Reminder.objects.update(created_at=booked)
    SendingSwitch.objects.create(mode="live", live_since=timezone.now() - 2 * hour)
    draft = change_step(read_draft(step.campaign_id), 0, elapsed=hour)
    diff = diff_edit(draft)
    save_shown_edit(draft, shown=diff.token, by=sam)
    assert Reminder.objects.get().due_at == booked + hour
    assert read_going(step.campaign) == {}
    assert (diff.appear, diff.move, diff.vanish, diff.reword) == ((), (), (), ())


def test_what_staff_have_ordered_goes_now_before_and_after_an_edit(sam: User) -> None:
    step = make_step(elapsed=timedelta(hours=4))
    make_appointment(starts_at=timezone.now() + timedelta(days=3))
    plan_all()
    Reminder.objects.update(ordered_by=sam, next_look_at=timezone.now())
    diff = diff_edit(change_step(read_draft(step.campaign_id), 0, max_tries=5))
    assert (len(diff.reword), diff.unchanged, diff.people, diff.today) == (0, 1, 1, 1)
