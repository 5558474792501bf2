"""A campaign may be only for those who agreed to it (product rules 6, 18, 29, 41 and 57)."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from contacts.consent import record_consent_basis
from contacts.models import ConsentEntry, PhoneNumber
from reminders.campaigns.differences import diff_activation, diff_edit
from reminders.campaigns.drafts import read_draft
from reminders.campaigns.edits import copy_by_person
from reminders.campaigns.history import describe_changes, draft_of_version, read_history
from reminders.campaigns.overviews import describe_people
from reminders.deciding.call_now import may_order_call
from reminders.deciding.coverage import lacks_consent
from reminders.deciding.situations import with_situation
from reminders.dispatch.claims import claim_due
from reminders.dispatch.opening import open_calls
from reminders.models import Campaign, CampaignVersion, FollowUp, Reminder
from reminders.planning.planner import plan_all
from reminders.results.unanswered import account_for_all
from reminders.rules.consent import ENOUGH
from tests.campaign_edits import edit_campaign
from tests.people import (
    make_appointment,
    make_campaign,
    make_contact,
    make_due_reminder,
    make_step,
    make_user,
)

pytestmark = pytest.mark.django_db

# what a campaign requires, what is on record, whether that is enough
GRADES = [
    ("", "given_for_care", True),
    ("", "none", True),  # decide() holds it for another reason
    ("agreed", "given_for_care", False),
    ("agreed", "spoken", True),
    ("agreed", "written", True),
    ("agreed", "none", False),
    ("written", "spoken", False),
    ("written", "written", True),
    ("written", "given_for_care", False),
    ("notarised", "written", False),  # of a later release
]


@pytest.fixture
def sam() -> User:
    return make_user("sam")


@pytest.mark.parametrize(("required", "basis", "enough"), GRADES)
def test_which_basis_is_enough(required: str, basis: str, enough: bool) -> None:
    assert lacks_consent(required, PhoneNumber(consent_basis=basis)) is not enough


def test_every_choice_of_a_campaign_and_every_basis_is_known() -> None:
    assert {*ENOUGH, ""} == set(Campaign.Consent.values)
    assert {basis for bases in ENOUGH.values() for basis in bases} <= set(PhoneNumber.ConsentBasis.values)


def dispatch() -> list[str]:
    claim = claim_due(10)
    return [call.number.e164 for call in open_calls(claim.reminder_ids, claim.token)]


def give(basis: str) -> None:
    number = PhoneNumber.objects.get()
    record_consent_basis(number.pk, basis, evidence="a form", by=None, at=timezone.now())


def test_who_did_not_agree_is_skipped_not_ordered_and_not_on_the_worklist() -> None:
    make_step(make_campaign(consent="agreed"))
    make_due_reminder()
    [reminder] = with_situation(Reminder.objects.all())
    assert not may_order_call(reminder, timezone.now())
    assert dispatch() == []
    assert Reminder.objects.get().reason == "consent_lacking"
    account_for_all()
    assert not FollowUp.objects.exists(), "whoever set the campaign chose it"


def test_a_consent_that_is_withdrawn_stops_it_and_one_that_comes_plans_it_again() -> None:
    make_step(make_campaign(consent="agreed"))
    give_before = make_contact()
    give("spoken")
    make_due_reminder(give_before)
    give("given_for_care")
    assert dispatch() == []
    give("written")
    plan_all()
    assert len(dispatch()) == 1


def test_what_was_due_while_the_campaign_asked_for_more_stays_skipped(sam: User) -> None:
    step = make_step(make_campaign(consent="written"))
    make_due_reminder()
    assert dispatch() == []
    edit_campaign(step.campaign, sam, consent="")
    plan_all()
    assert dispatch() == []
    assert Reminder.objects.get().reason == "before_filters"


def test_an_edit_shows_who_would_vanish_and_an_activation_who_would_be_called(sam: User) -> None:
    campaign = make_campaign()
    make_step(campaign, elapsed=timedelta(days=1))
    for index, basis in enumerate(["given_for_care", "spoken", "written"]):
        contact = make_contact(number=f"+1202555011{index}")
        PhoneNumber.objects.filter(contacts=contact).update(consent_basis=basis)
        make_appointment(contact, starts_at=timezone.now() + timedelta(days=3))
    plan_all()
    draft = read_draft(campaign.pk)
    for required, gone in (("agreed", 1), ("written", 2), ("", 0)):
        diff = diff_edit(draft.with_filters(draft.filters._replace(consent=required)))
        assert (len(diff.vanish), len(diff.appear), diff.people) == (gone, 0, 3 - gone)
    edit_campaign(campaign, sam, consent="agreed")
    campaign.refresh_from_db()
    copy = copy_by_person(campaign, by=sam)
    assert copy.consent == "agreed"
    assert diff_activation(copy.pk).send.people == 2


def test_its_history_says_what_was_asked_and_it_can_be_taken_back(sam: User) -> None:
    campaign = make_step().campaign
    edit_campaign(campaign, sam, consent="written")
    [change] = read_history(campaign.pk)[0].changes
    assert (change.what, change.after) == ("Consent", "only those who agreed to it in writing")
    assert describe_people(read_draft(campaign.pk)) == (
        "Every appointment only if they agreed to it in writing"
    )
    first = CampaignVersion.objects.get(campaign=campaign, number=1)
    assert draft_of_version(first).filters.consent == ""


def test_a_version_of_an_earlier_release_required_nothing(sam: User) -> None:
    campaign = make_step().campaign
    edit_campaign(campaign, sam, consent="agreed")
    old = CampaignVersion.objects.get(campaign=campaign, number=1)
    snapshot: dict[str, Any] = {name: value for name, value in old.snapshot.items() if name != "consent"}
    old.snapshot = snapshot
    assert draft_of_version(old).filters.consent == ""
    newest = CampaignVersion.objects.get(campaign=campaign, number=2).snapshot
    assert [change.what for change in describe_changes(snapshot, newest)] == ["Consent"]


def test_staff_record_a_consent_with_its_evidence(client: Client, sam: User) -> None:
    client.force_login(sam)
    sarah = make_contact()
    address = f"/contacts/{sarah.pk}/consent/?number={sarah.phone_id}"
    assert address in client.get(f"/contacts/{sarah.pk}/").content.decode()
    assert client.get(address).status_code == 200
    assert client.post(address, {"basis": "spoken", "evidence": " "}).status_code == 422
    assert client.post(address, {"basis": "yes", "evidence": "x"}).status_code == 422
    assert not ConsentEntry.objects.exists()
    answer = client.post(address, {"basis": "spoken", "evidence": "told Rosa at the desk"})
    assert answer["Location"] == f"/contacts/{sarah.pk}/"
    entry = ConsentEntry.objects.get()
    assert (entry.basis, entry.evidence, entry.by) == ("spoken", "told Rosa at the desk", sam)
    page = " ".join(client.get(f"/contacts/{sarah.pk}/").content.decode().split())
    assert "consent recorded: agreed in person or by phone" in page
    assert "recorded by sam" in page
    client.force_login(make_user("nobody", role=""))
    assert client.post(address, {"basis": "written", "evidence": "x"}).status_code == 403
