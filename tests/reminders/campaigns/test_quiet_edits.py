"""What an edit, an old version or a resumed campaign must not set off unseen (product rules 6, 29, 62)."""

from copy import copy
from dataclasses import replace
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db.models import F
from django.utils import timezone

from contacts.models import Contact
from reminders.campaigns.differences import DiffOutdated, diff_activation, diff_edit
from reminders.campaigns.drafts import read_draft
from reminders.campaigns.edits import activate_as_shown, pause_by_person, restore_version, save_shown_edit
from reminders.campaigns.history import draft_of_version, record_version
from reminders.deciding.situations import read_facts_together, read_practice_config, with_people
from reminders.desk.resuming import skip_and_activate_campaign
from reminders.models import Campaign, Reminder, Step
from reminders.planning.activation import ScriptsRefused
from reminders.planning.planner import plan_all
from tests.campaign_edits import save_as_shown
from tests.people import make_appointment, make_contact, make_due_reminder, make_script, make_step, make_user

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
TEXT = "{PRACTICE}: {FIRST_NAME}, {APPT_DATE}, {APPT_TIME}. Tel {CALLBACK_NUMBER}. Reply 1 or 2, STOP ends."


@pytest.fixture
def sam() -> User:
    return make_user("sam")


def skip_by_wish() -> Reminder:
    """A call that was due and skipped, since the patient wants texts only."""
    reminder = make_due_reminder()
    Contact.objects.update(preferred_channel="sms_only")
    Reminder.objects.update(state="skipped", reason="wants_no_calls")
    return reminder


def test_an_edit_does_not_send_what_a_patient_did_not_want_before_it(sam: User) -> None:
    reminder = skip_by_wish()
    draft = read_draft(reminder.step.campaign_id)
    step = copy(draft.steps[0])
    step.channel, step.script = "sms", make_script(TEXT, name="Text")
    edited = draft.with_steps([step])
    assert diff_edit(edited).people == 0
    save_as_shown(edited, by=sam)
    plan_all()
    reminder.refresh_from_db()
    assert (reminder.state, reminder.reason) == ("skipped", "before_step")


def test_a_patient_who_changed_their_mind_before_the_edit_is_reminded(sam: User) -> None:
    reminder = skip_by_wish()
    Contact.objects.update(preferred_channel="voice")
    save_as_shown(replace(read_draft(reminder.step.campaign_id), name="Other"), by=sam)
    plan_all()
    reminder.refresh_from_db()
    assert reminder.state == "planned"


def test_an_edit_of_a_contact_opens_no_later_edit_to_what_was_due_before_it(sam: User) -> None:
    """A contact who was edited for any reason is looked at once."""
    reminder = make_due_reminder()
    past = timezone.now() - HOUR
    Reminder.objects.update(state="skipped", reason="never_in_hours", updated_at=past)
    Step.objects.update(stop_before=timedelta(hours=12))  # so there are no hours for it
    Contact.objects.update(updated_at=timezone.now() - timedelta(minutes=1))
    plan_all()
    draft = read_draft(reminder.step.campaign_id)
    step = copy(draft.steps[0])
    step.stop_before = timedelta(minutes=30)
    save_as_shown(draft.with_steps([step]), by=sam)
    plan_all()
    reminder.refresh_from_db()
    assert reminder.state == "skipped"


def test_more_that_fell_due_than_was_shown_is_shown_again(sam: User) -> None:
    first = make_due_reminder()
    pause_by_person(first.step.campaign, by=sam)
    Campaign.objects.update(paused_at=timezone.now() - HOUR)
    shown = diff_activation(first.step.campaign_id)
    another = make_contact("Noah", number="+12025550101")
    make_appointment(another, starts_at=timezone.now() + 3 * HOUR)
    assert len(diff_activation(first.step.campaign_id).fallen_due.in_time) == 2

    def skip(campaign: Campaign) -> object:
        return skip_and_activate_campaign(campaign, by=sam)

    for token, skip_due in ((shown.skip.token, skip), (shown.send.token, None)):
        with pytest.raises(DiffOutdated):
            activate_as_shown(first.step.campaign_id, shown=token, by=sam, skip_due=skip_due)
    assert Campaign.objects.get().state == "paused"


def test_steps_can_be_taken_out_and_put_back_again_and_again(sam: User) -> None:
    step = make_step()
    campaign = step.campaign
    versions = [record_version(campaign.pk, "created", by=sam)]
    for _ in range(2):
        draft = read_draft(campaign.pk)
        new = Step(timing_kind="elapsed_before", elapsed=9 * HOUR, script=step.script)
        save_as_shown(draft.with_steps([*draft.steps, new]), by=sam)
        versions.append(campaign.versions.latest("number"))
    for place in (0, 1, 0, 2, 0, 1):
        version = versions[place]
        assert version is not None
        restore_version(version, shown=diff_edit(draft_of_version(version)).token, by=sam)
        assert campaign.steps.in_use().count() == place + 1
    positions = list(campaign.steps.values_list("position", flat=True))
    assert len(positions) == len(set(positions))


def test_an_active_campaign_takes_no_refused_script_from_an_old_version(sam: User) -> None:
    step = make_step(script=make_script("Hello.", name="Short"))
    version = record_version(step.campaign_id, "created", by=sam)
    assert version is not None
    Step.objects.update(script=make_script(name="Good"))
    with pytest.raises(ScriptsRefused) as refused:
        restore_version(version, shown=diff_edit(draft_of_version(version)).token, by=sam)
    assert any("Short" in sentence for sentence in refused.value.sentences)
    assert Step.objects.get().script.name == "Good"


def test_a_refused_script_that_is_sent_already_blocks_no_other_edit(sam: User) -> None:
    step = make_step(script=make_script("Hello.", name="Short"))
    draft = replace(read_draft(step.campaign_id), name="Other")
    save_shown_edit(draft, shown=diff_edit(draft).token, by=sam)
    assert Campaign.objects.get().name == "Other"


def test_a_step_that_was_taken_out_is_not_sent_by_settings_read_before() -> None:
    """A dispatcher's settings are up to a minute old."""
    reminder = make_due_reminder()
    practice = read_practice_config()
    Step.objects.update(removed_at=timezone.now(), position=F("position") + 10_000)
    rows = with_people(Reminder.objects.filter(pk=reminder.pk))
    [facts] = read_facts_together(rows, practice, sending_paused=False)
    assert not facts.situation.covered
