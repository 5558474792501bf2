"""The managers' pages of campaigns: the list, one campaign, its people, and what is asked before a deed."""

from datetime import time, timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from contacts.models import Appointment, Contact, PhoneNumber
from contacts.roles import MANAGER
from reminders.campaigns.differences import diff_edit
from reminders.campaigns.drafts import read_draft
from reminders.campaigns.edits import save_shown_edit
from reminders.campaigns.history import record_version
from reminders.models import Campaign, CampaignVersion, Reminder, SendingSwitch, Step
from reminders.planning.planner import plan_all
from tests.people import make_appointment, make_campaign, make_contact, make_script, make_step, make_user
from tests.reminders.pages.clinic import sit_at_desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager() -> User:
    return make_user("mara", role=MANAGER)


@pytest.fixture
def desk(manager: User) -> Client:
    return sit_at_desk(manager)


@pytest.fixture
def draft(manager: User) -> Campaign:
    campaign = make_campaign("Cleanings", state="draft", activated_at=None, kinds=["Cleaning"])
    make_step(campaign, timing_kind="days_before", days=2, at=time(10), elapsed=timedelta(0))
    record_version(campaign.pk, "created", by=manager)
    return campaign


def book(last: int, in_days: float = 5) -> Appointment:
    contact = make_contact(f"Patient {last}", number=f"+1202555{100 + last:04}")
    return make_appointment(contact, starts_at=timezone.now() + timedelta(days=in_days), kind="Cleaning")


def read(desk: Client, page: str, *parts: object, **query: str) -> str:
    answer = desk.get(reverse(page, args=parts), query)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def count_queries(desk: Client, page: str, *parts: object, **query: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        read(desk, page, *parts, **query)
    return len(queries)


def test_the_list_says_in_words_what_each_campaign_does(desk: Client, draft: Campaign) -> None:
    page = read(desk, "campaigns")
    assert "Cleanings" in page
    assert "Call whoever has not confirmed 2 days before at 10:00 am" in page


def test_without_campaigns_the_list_says_what_they_are(desk: Client) -> None:
    assert "No campaigns yet" in read(desk, "campaigns")


def test_the_list_counts_what_waits_today_and_in_seven_days(desk: Client, draft: Campaign) -> None:
    Campaign.objects.update(state="active", activated_at=timezone.now() - timedelta(days=1))
    Step.objects.update(since=timezone.now() - timedelta(days=1))
    book(1)
    plan_all()
    page = read(desk, "campaigns")
    assert 'data-label="Next 7 days">1<' in page
    Step.objects.update(removed_at=timezone.now())
    assert 'data-label="Next 7 days">1<' not in read(desk, "campaigns")


def test_a_campaign_shows_its_steps_its_numbers_and_who_is_not_called(desk: Client, draft: Campaign) -> None:
    book(1)
    silent = book(2)
    assert silent.contact.phone
    silent.contact.phone.voice_opted_out_at = timezone.now()
    silent.contact.phone.save()
    page = read(desk, "campaign", draft.pk)
    assert "Every Cleaning:" in page
    assert "Remind 1 person" in page
    assert "1 visit it won't remind of" in page or "1 visit it won&#x27;t remind of" in page
    assert "The number has opted out." in page
    people = read(desk, "campaign_people", draft.pk, reason="opted_out")
    assert "Patient 2" in people
    assert "Patient 1" not in people


def test_no_address_of_the_people_names_anybody(desk: Client, draft: Campaign) -> None:
    assert desk.get(reverse("campaign_people", args=[draft.pk]), {"reason": "Sarah"}).status_code == 404
    assert "Nobody" in read(desk, "campaign_people", draft.pk, reason="no_number")
    assert "Nobody" in read(desk, "campaign_people", draft.pk)


def test_each_visit_has_the_exact_words_that_it_will_hear(desk: Client, draft: Campaign) -> None:
    book(1)
    page = read(desk, "campaign_visits", draft.pk)
    assert "Hello Patient 1, this is Harbor Clinic, Downtown." in page


def test_a_household_is_shown_as_the_one_call_that_it_will_be(desk: Client, draft: Campaign) -> None:
    first = book(1)
    other = make_contact("Ben", number=first.contact.phone.e164)  # type: ignore[union-attr]
    start = first.starts_at + timedelta(minutes=15)
    if start.date() != first.starts_at.date():
        start = first.starts_at - timedelta(minutes=15)
    make_appointment(other, starts_at=start, kind="Cleaning")
    page = read(desk, "campaign_visits", draft.pk)
    assert "together with Ben" in page
    assert "together with Patient 1" in page
    assert "Your answer counts for both appointments." in page


def test_activating_shows_first_whom_it_will_call_and_asks_for_it(desk: Client, draft: Campaign) -> None:
    book(1)
    book(2)
    page = desk.get(reverse("activate_campaign", args=[draft.pk]))
    assert "Remind 2 people, 0 of them today" in " ".join(page.content.decode().split())
    token = page.context["proposed"].send.token
    book(3)
    again = desk.post(reverse("activate_campaign", args=[draft.pk]), {"shown": token, "deed": "send"})
    assert "Something has changed meanwhile" in again.content.decode()
    assert Campaign.objects.get().state == "draft"
    token = again.context["proposed"].send.token
    done = desk.post(
        reverse("activate_campaign", args=[draft.pk]), {"shown": token, "deed": "send"}, follow=True
    )
    assert "It will remind 3 people" in done.content.decode()
    assert Campaign.objects.get().state == "active"


def test_a_campaign_that_can_not_work_is_not_activated(desk: Client, draft: Campaign) -> None:
    Step.objects.update(
        channel="sms", script=make_script("{PRACTICE} {CALLBACK_NUMBER} " + "x" * 400, name="Long")
    )
    page = desk.get(reverse("activate_campaign", args=[draft.pk]))
    assert "As a text message it has" in page.content.decode()
    token = page.context["proposed"].send.token
    desk.post(reverse("activate_campaign", args=[draft.pk]), {"shown": token, "deed": "send"})
    assert Campaign.objects.get().state == "draft"
    Step.objects.all().delete()
    assert "It has no steps yet." in read(desk, "campaign", draft.pk)


def test_pausing_and_copying_are_one_press(desk: Client, draft: Campaign) -> None:
    Campaign.objects.update(state="active", activated_at=timezone.now())
    desk.post(reverse("pause_campaign", args=[draft.pk]))
    assert Campaign.objects.get().state == "paused"
    desk.post(reverse("copy_campaign", args=[draft.pk]))
    states = {("Cleanings", "paused"), ("Cleanings (2)", "draft")}
    assert set(Campaign.objects.values_list("name", "state")) == states


def test_the_history_says_who_changed_what_and_takes_it_back(
    desk: Client, draft: Campaign, manager: User
) -> None:
    edited = read_draft(draft.pk)
    edited.steps[0].days = 4
    save_shown_edit(edited, shown=diff_edit(edited).token, by=manager)
    page = read(desk, "campaign", draft.pk)
    assert "Step 1, when: <del>2 days before at 10:00 am</del> → <ins>4 days before at 10:00 am</ins>" in page
    assert "mara" in page
    address = reverse("restore_campaign", args=[draft.pk, 1])
    token = desk.get(address).context["diff"].token
    desk.post(address, {"shown": "nothing"})
    assert Step.objects.get().days == 4
    desk.post(address, {"shown": token})
    assert Step.objects.get().days == 2
    assert CampaignVersion.objects.order_by("-pk")[0].restores == CampaignVersion.objects.get(number=1)


def test_an_auditor_reads_and_changes_nothing(draft: Campaign) -> None:
    auditor = sit_at_desk(make_user("ada", role="Auditor"))
    page = read(auditor, "campaign", draft.pk)
    assert "Activate" not in page
    assert auditor.post(reverse("copy_campaign", args=[draft.pk])).status_code == 403


def test_the_pages_run_as_many_queries_for_many_visits_as_for_few(desk: Client, draft: Campaign) -> None:
    counts = []
    for first in (0, 40):
        for last in range(first, first + 20):
            book(last)
        desk.get("/")  # reads the settings, which are kept until one of them changes
        pages = ("campaign", "campaign_visits", "activate_campaign")
        counts.append([count_queries(desk, page, draft.pk) for page in pages])
    assert counts[0] == counts[1]
    assert max(counts[0]) <= 14


def test_the_list_runs_as_many_queries_for_many_campaigns_as_for_one(desk: Client, draft: Campaign) -> None:
    few = count_queries(desk, "campaigns")
    for number in range(5):
        make_step(make_campaign(f"Campaign {number}"))
    assert count_queries(desk, "campaigns") == few


def test_a_deed_that_is_not_offered_activates_nothing(desk: Client, draft: Campaign) -> None:
    address = reverse("activate_campaign", args=[draft.pk])
    token = desk.get(address).context["proposed"].send.token
    for deed in ({}, {"deed": ""}, {"deed": "Skip"}):
        page = desk.post(address, {"shown": token, **deed})
        assert "Not activated: choose one of the buttons below." in page.content.decode()
    assert Campaign.objects.get().state == "draft"


def test_an_active_campaign_whose_words_would_be_refused_is_said_to_go_on(
    desk: Client, draft: Campaign
) -> None:
    long = make_script("{PRACTICE} {CALLBACK_NUMBER} " + "x" * 400, name="Long")
    Step.objects.update(channel="sms", script=long)
    assert "be activated yet. Cleanings, " in read(desk, "campaign", draft.pk)
    Campaign.objects.update(state="active", activated_at=timezone.now())
    page = read(desk, "campaign", draft.pk)
    assert "be activated yet" not in page
    assert "It goes on sending, but its words would be refused now. Cleanings, " in page
    Step.objects.update(removed_at=timezone.now())
    assert "It sends nothing. It has no steps yet." in read(desk, "campaign", draft.pk)


def test_on_trial_what_is_asked_says_who_is_counted(desk: Client, draft: Campaign, manager: User) -> None:
    book(1)
    SendingSwitch.objects.create(mode="trial")
    page = read(desk, "activate_campaign", draft.pk)
    assert "no upcoming visit has a reminder ahead" not in page
    assert "Callboard is on trial" in page
    assert "none of them has a reminder here" in page
    PhoneNumber.objects.update(verified_at=timezone.now(), verified_by=manager)
    assert "only they are counted here" in read(desk, "activate_campaign", draft.pk)
    assert "Callboard is on trial" in read(desk, "restore_campaign", draft.pk, 1)


def test_the_people_of_a_reason_come_by_time_a_page_at_once(
    desk: Client, draft: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reminders.views.campaigns.PEOPLE_PER_PAGE", 2)
    visits = [book(last, in_days=9 - last) for last in (1, 2, 3)]
    Contact.objects.update(phone=None)
    for number, expected in ((1, [visits[2].pk, visits[1].pk]), (2, [visits[0].pk])):
        with CaptureQueriesContext(connection) as queries:
            address = reverse("campaign_people", args=[draft.pk])
            page = desk.get(f"{address}?reason=no_number&page={number}")
        assert [visit.pk for visit in page.context["visits"]] == expected
        by_id = [one["sql"].split('"contacts_appointment"."id" IN (') for one in queries]
        [*_examples, loaded] = [parts[1] for parts in by_id if len(parts) > 1]
        assert loaded.split(")")[0].count(",") == len(expected) - 1


def test_a_text_that_follows_the_calls_is_shown_in_its_own_words(desk: Client, draft: Campaign) -> None:
    text = make_script("{FIRST_NAME}: {APPT_DATE}, {PRACTICE} {CALLBACK_NUMBER}. STOP ends.", name="Text")
    Campaign.objects.update(state="active", activated_at=timezone.now() - timedelta(days=1))
    Step.objects.update(since=timezone.now() - timedelta(days=1), fallback_script=text)
    first = book(1)
    relative = Contact.objects.create(first_name="Ben", phone=first.contact.phone)
    make_appointment(relative, starts_at=first.starts_at, kind="Cleaning")
    plan_all()
    Reminder.objects.filter(appointment=first).update(channel="sms", try_after=timezone.now())
    page = read(desk, "campaign_visits", draft.pk)
    assert "Patient 1: " in page
    assert "STOP ends." in page
    assert "Hello Ben, this is" in page
    assert "Hello Patient 1" not in page
    Reminder.objects.update(channel="sms", try_after=timezone.now())
    page = read(desk, "campaign_visits", draft.pk)
    assert page.count("STOP ends.") == 2
    assert "Hello" not in page
