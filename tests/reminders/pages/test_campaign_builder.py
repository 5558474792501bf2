"""The page that edits a campaign: sentences, the count of whom it means, the timeline, and saving.

(product rules 5, 6, 29, 31, 40, 60, 62 and 63)
"""

from collections.abc import Mapping, Sequence
from datetime import time, timedelta
from html import unescape
from itertools import product
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.html import strip_tags

from contacts.models import Provider
from contacts.roles import AUDITOR, FRONT_DESK, MANAGER
from reminders.campaigns.differences import diff_edit
from reminders.campaigns.drafts import read_draft
from reminders.campaigns.edits import save_shown_edit
from reminders.campaigns.history import record_version
from reminders.deciding.shared_settings import read_shared_settings
from reminders.forms.campaign_builder import MOST_STEPS, CampaignBuilder
from reminders.models import Campaign, CampaignVersion, Step
from tests.people import (
    make_appointment,
    make_campaign,
    make_contact,
    make_location,
    make_script,
    make_step,
    make_user,
)
from tests.reminders.pages.clinic import FRAGMENT, sit_at_desk

pytestmark = pytest.mark.django_db

UNCONFIRMED = "whoever has not confirmed"

WRITTEN = (
    "{PRACTICE}: {FIRST_NAME}, {APPT_DATE}, {APPT_TIME}. Tel {CALLBACK_NUMBER}. Reply 1 or 2, STOP ends."
)
Entries = dict[str, Any]


@pytest.fixture
def manager() -> User:
    return make_user("mara", role=MANAGER)


@pytest.fixture
def desk(manager: User) -> Client:
    return sit_at_desk(manager)


@pytest.fixture
def draft() -> Campaign:
    make_location(time_zone="America/New_York")
    campaign = make_campaign("Cleanings", state="draft", activated_at=None, kinds=["Cleaning"])
    make_step(campaign, timing_kind="days_before", days=2, at=time(10), elapsed=timedelta(0), if_late="skip")
    record_version(campaign.pk, "created", by=None)
    return campaign


def address(campaign: Campaign) -> str:
    return reverse("edit_campaign", args=[campaign.pk])


def fill_in(campaign: Campaign, **changes: Any) -> Entries:
    """What a browser posts of the page as it stands, with these changes; "__" stands for "-"."""
    builder = CampaignBuilder(read_draft(campaign.pk), read_shared_settings())
    entries = {name: list(values) for name, values in builder.entries.lists()}
    for name, value in changes.items():
        entries[name.replace("__", "-")] = value
    return {name: value for name, value in entries.items() if value is not None}


def key_of(campaign: Campaign, place: int = 0) -> str:
    return f"s{campaign.steps.in_use().order_by('position')[place].pk}"


def of_step(campaign: Campaign, **changes: Any) -> Entries:
    key = key_of(campaign)
    return fill_in(campaign, **{f"{key}__{name}": value for name, value in changes.items()})


def post(desk: Client, campaign: Campaign, entries: Mapping[str, Any], deed: str = "check") -> Any:
    return desk.post(address(campaign), {**entries, "deed": deed})


def say(answer: Any) -> str:
    """The words of the page, without markup."""
    return " ".join(unescape(strip_tags(answer.content.decode())).split())


def sentences(answer: Any) -> list[str]:
    """Whom it is for, and each step in one line."""
    builder = answer.context["builder"]
    people = " ".join(view.part.words for view in builder.people)
    return [people, *(" ".join(one.part.words for one in step.parts) for step in builder.kept)]


def read_entries(answer: Any) -> Entries:
    """All that the page's form would post."""
    return {name: list(values) for name, values in answer.context["builder"].entries.lists()}


# --- reading it ----------------------------------------------------------------------------------


def test_the_campaign_is_read_as_sentences(desk: Client, draft: Campaign) -> None:
    answer = desk.get(address(draft))
    people, step = sentences(answer)
    assert people == (
        "every Cleaning of new or known patients who speak any language at every location with any provider "
        "whether or not they agreed to it:"
    )
    assert step.startswith(
        "Call whoever has not confirmed 2 days before at 10:00 am with “Reminder”. If nobody"
    )
    assert 'id="people-kinds-part"' in answer.content.decode()


def test_the_page_of_the_campaign_leads_to_it(desk: Client, draft: Campaign) -> None:
    page = desk.get(reverse("campaign", args=[draft.pk])).content.decode()
    assert f'href="{address(draft)}"' in page


@pytest.mark.parametrize("role", [FRONT_DESK, AUDITOR])
def test_only_who_may_change_campaigns_opens_it(draft: Campaign, role: str) -> None:
    stranger = sit_at_desk(make_user("sam", role=role))
    assert stranger.get(address(draft)).status_code == 403
    assert stranger.post(address(draft), fill_in(draft)).status_code == 403


def test_a_campaign_that_is_not_there_is_not_found(desk: Client) -> None:
    assert desk.get(reverse("edit_campaign", args=[424242])).status_code == 404


def test_a_campaign_without_steps_can_be_read_and_saved(desk: Client, draft: Campaign) -> None:
    draft.steps.all().delete()
    answer = desk.get(address(draft))
    assert "There is no step yet" in say(answer)
    assert post(desk, draft, fill_in(draft, name="Empty"), "save").status_code == 302
    assert Campaign.objects.get().name == "Empty"


def test_htmx_gets_the_part_that_follows_the_changes(desk: Client, draft: Campaign) -> None:
    answer = desk.post(address(draft), of_step(draft, days="3"), headers=FRAGMENT)
    page = answer.content.decode()
    assert page.lstrip().startswith('<div id="builder"')
    assert "3 days before at 10:00 am" in page
    assert Step.objects.get().days == 2, "nothing is saved"


# --- each part is changed where it stands ---------------------------------------------------------

CHANGES: list[tuple[dict[str, Any], str]] = [
    ({"days": "5", "at": "2:30 pm"}, "confirmed 5 days before at 2:30 pm with"),
    ({"timing_kind": "open_days_before", "days": "1"}, "1 open day before at 10:00 am"),
    ({"timing_kind": "elapsed_before", "elapsed_number": "3"}, "confirmed 3 hours before with"),
    (
        {"timing_kind": "elapsed_before", "elapsed_number": "90", "elapsed_unit": "minutes"},
        "1 hour 30 minutes before",
    ),
    ({"timing_kind": "after_booking"}, "confirmed right after booking with"),
    ({"audience": "confirmed"}, "whoever has confirmed"),
    (
        {"max_tries": "3", "retry_wait_number": "45", "retry_wait_unit": "minutes"},
        "2 more times, each after 45 min",
    ),
    ({"retry_at_another_time": "on"}, "call once more in the other half of the day"),
    ({"retry_voicemail": "on"}, "After a voicemail, call again, too."),
    ({"if_late": "next_allowed"}, "send this as soon as calling hours allow"),
    ({"if_never_in_time": "bring_forward"}, "send this earlier, at the last time allowed before"),
    ({"stop_before_number": "2", "stop_before_unit": "hours"}, "in the last 2 hours before the visit"),
]


def test_a_changed_part_is_said_at_once_and_saved_as_it_was_said(desk: Client, draft: Campaign) -> None:
    step = Step.objects.get()
    for changes, words in CHANGES:
        step.save()
        entries = of_step(draft, **changes)
        assert words in sentences(post(desk, draft, entries))[1]
        assert post(desk, draft, entries, "save").status_code == 302
        assert words in sentences(desk.get(address(draft)))[1]


def test_a_step_can_go_by_text_or_as_the_patient_prefers(desk: Client, draft: Campaign) -> None:
    text = make_script(WRITTEN, name="Text")
    entries = of_step(draft, channel="preferred", text_script=str(text.pk), fallback_script=str(text.pk))
    assert "or “Text” by text message. " in sentences(post(desk, draft, entries))[1]
    assert post(desk, draft, entries, "save").status_code == 302
    entries = of_step(draft, channel="sms", script=str(text.pk))
    assert f"Text {UNCONFIRMED} 2 days" in sentences(post(desk, draft, entries))[1]
    assert post(desk, draft, entries, "save").status_code == 302
    step = Step.objects.get()
    assert (step.channel, step.script, step.text_script, step.fallback_script) == ("sms", text, None, None)


def test_saving_writes_the_history_and_leads_back_with_a_message(
    desk: Client, draft: Campaign, manager: User
) -> None:
    answer = desk.post(address(draft), {**of_step(draft, days="4"), "deed": "save"}, follow=True)
    assert answer.redirect_chain == [(reverse("campaign", args=[draft.pk]), 302)]
    assert "Saved. A draft calls nobody." in say(answer)
    version = CampaignVersion.objects.first()
    assert version
    assert (version.what, version.by) == ("edited", manager)


def test_saving_without_a_change_says_so(desk: Client, draft: Campaign) -> None:
    answer = desk.post(address(draft), {**fill_in(draft), "deed": "save"}, follow=True)
    assert "Nothing was changed." in say(answer)
    assert CampaignVersion.objects.count() == 1


# --- steps ---------------------------------------------------------------------------------------


def test_steps_are_added_moved_removed_and_put_back_without_a_script_of_the_browser(
    desk: Client, draft: Campaign
) -> None:
    first = key_of(draft)
    answer = post(desk, draft, fill_in(draft), "add")
    assert len(sentences(answer)) == 3
    assert sentences(answer)[2].startswith(f"Call {UNCONFIRMED} 1 day before at 10:00 am")
    answer = post(desk, draft, read_entries(answer), "up:n1")
    assert read_entries(answer)["steps"] == ["n1", first]
    answer = post(desk, draft, read_entries(answer), f"remove:{first}")
    assert len(sentences(answer)) == 2
    assert f"Removed: Call {UNCONFIRMED} 2 days before at 10:00 am" in say(answer)
    answer = post(desk, draft, read_entries(answer), f"restore:{first}")
    assert post(desk, draft, read_entries(answer), "save").status_code == 302
    steps = Step.objects.in_use().order_by("position")
    assert [step.days for step in steps] == [1, 2]
    answer = post(desk, draft, fill_in(draft), f"remove:{first}")
    post(desk, draft, read_entries(answer), "save")
    assert [step.days for step in Step.objects.in_use()] == [1]
    assert Step.objects.exclude(removed_at=None).count() == 1


def test_what_was_entered_wrongly_is_still_there_after_a_step_was_added(
    desk: Client, draft: Campaign
) -> None:
    answer = post(desk, draft, of_step(draft, at="half past ten"), "add")
    assert 'value="half past ten"' in answer.content.decode()
    assert "Enter the time like 9:30 am or 2:05 pm." in say(answer)


def test_what_is_not_asked_for_now_is_there_when_it_is_asked_for_again(desk: Client, draft: Campaign) -> None:
    answer = post(desk, draft, of_step(draft, timing_kind="after_booking", days="7"))
    assert f'name="{key_of(draft)}-days" value="7"' in answer.content.decode()
    entries = {**read_entries(answer), f"{key_of(draft)}-timing_kind": "days_before"}
    assert "7 days before at 10:00 am" in sentences(post(desk, draft, entries))[1]


def test_no_more_than_the_most_steps_can_be_added(desk: Client, draft: Campaign) -> None:
    entries = fill_in(draft, steps=[f"n{number}" for number in range(1, MOST_STEPS)])
    for _ in range(2):
        entries = read_entries(post(desk, draft, entries, "add"))
    assert len(entries["steps"]) == MOST_STEPS


# --- errors stand beside their part --------------------------------------------------------------

ERRORS: list[tuple[dict[str, Any], str, str]] = [
    ({"at": ""}, "timing", "Enter a time of day, such as 10:00."),
    ({"at": "25"}, "timing", "Enter the time like 9:30 am or 2:05 pm."),
    ({"at": "10:00:30"}, "timing", "The time of day must be whole minutes"),
    ({"days": ""}, "timing", "Enter how many days before."),
    ({"days": "9" * 5000}, "timing", "Enter a whole number of days."),
    ({"days": "99999"}, "timing", "Enter at most 365 days."),
    ({"days": "-1"}, "timing", "Enter 0 or more days."),
    ({"timing_kind": "open_days_before", "days": "0"}, "timing", "from 1 to 365"),
    ({"timing_kind": "elapsed_before"}, "timing", "Enter how long before the appointment, such as 4 hours."),
    ({"timing_kind": "elapsed_before", "elapsed_number": "-3"}, "timing", "Enter 0 or more."),
    ({"timing_kind": "elapsed_before", "elapsed_number": "0.5"}, "timing", "Enter a whole number."),
    ({"timing_kind": "elapsed_before", "elapsed_number": "99999"}, "timing", "That is more than a year."),
    (
        {"timing_kind": "elapsed_before", "elapsed_number": "20", "elapsed_unit": "minutes"},
        "timing",
        "This is not before the last moment to call",
    ),
    ({"timing_kind": "after_booking", "elapsed_number": "200"}, "timing", "must be from 0 to 7 days"),
    ({"timing_kind": "yesterday"}, "timing", "Choose one of these."),
    ({"timing_kind": None}, "timing", "Choose one of these."),
    ({"elapsed_unit": "weeks", "timing_kind": "elapsed_before"}, "timing", "Choose minutes or hours."),
    ({"channel": "\x00"}, "channel", "Choose one of these."),
    ({"channel": "preferred"}, "script", "Choose what patients get who prefer a text message."),
    ({"script": ""}, "script", "Choose what is said."),
    ({"script": "424242"}, "script", "Choose one of these."),
    ({"script": "1; DROP"}, "script", "Choose one of these."),
    ({"audience": "everybody"}, "audience", "Choose one of these."),
    ({"max_tries": "0"}, "tries", "Enter at least 1."),
    ({"max_tries": "1e9"}, "tries", "Enter a whole number."),
    ({"max_tries": "11"}, "tries", "Enter at most 10."),
    ({"retry_wait_number": ""}, "tries", "Enter how long to wait, such as 1 hour."),
    ({"fallback_script": "x"}, "fallback", "Choose one of these."),
    ({"if_late": "send_now"}, "late", "Choose one of these."),
    ({"if_never_in_time": "-"}, "never_in_time", "Choose one of these."),
    ({"stop_before_number": "-5"}, "stop_before", "Enter 0 or more."),
    ({"stop_before_number": ""}, "stop_before", "Enter how long, such as 30 minutes; 0 for none."),
]


def test_an_error_stands_beside_its_part_and_nothing_is_saved(desk: Client, draft: Campaign) -> None:
    for changes, part, sentence in ERRORS:
        answer = post(desk, draft, of_step(draft, **changes), "save")
        assert answer.status_code == 422, changes
        [step] = answer.context["builder"].steps
        assert [(view.part.name, view.is_open) for view in step.faulty] == [(part, True)], changes
        assert sentence in " ".join(step.faulty[0].errors), changes
        assert "Not saved yet." in say(answer)
    assert CampaignVersion.objects.count() == 1


FILTER_ERRORS: list[tuple[dict[str, Any], str]] = [
    ({"name": ""}, "Enter a name."),
    ({"name": "\u200b"}, "Enter a name."),
    ({"name": "x" * 121}, "Enter at most 120 letters."),
    ({"name": "A\x00B"}, "Take out the characters that can't be seen."),
    ({"name": "Others"}, "Another campaign has this name."),
    ({"locations": ["424242"]}, "One of those chosen is no longer there."),
    ({"locations": ["9" * 30]}, "One of those chosen is no longer there."),
    ({"providers": ["x"]}, "One of those chosen is no longer there."),
    ({"kinds": ["Surgery"]}, "One of those chosen is no longer there."),
    ({"languages": ["\x00"]}, "One of those chosen is no longer there."),
    ({"patients": "old"}, "Choose one of these."),
    ({"consent": "yes"}, "Choose one of these."),
    ({"other_kinds": "x" * 81}, "A kind has at most 80 letters."),
    ({"other_kinds": ",".join(map(str, range(51)))}, "Enter at most 50 kinds."),
    ({"other_kinds": "A\x00"}, "Take out the characters that can't be seen."),
]


def test_an_error_of_the_name_or_of_a_filter_is_said(desk: Client, draft: Campaign) -> None:
    make_campaign("Others", state="draft", activated_at=None)
    for changes, sentence in FILTER_ERRORS:
        answer = post(desk, draft, fill_in(draft, **changes), "save")
        assert answer.status_code == 422, changes
        assert sentence in say(answer), changes
    draft.refresh_from_db()
    assert (draft.name, draft.kinds) == ("Cleanings", ["Cleaning"])


def test_a_script_too_long_for_a_text_message_is_refused(desk: Client, draft: Campaign) -> None:
    long = make_script("x" * 170, name="Long")
    entries = of_step(draft, channel="sms", script=str(long.pk))
    answer = post(desk, draft, entries, "save")
    assert answer.status_code == 422
    assert "“Long” (English): As a text message it has 170 characters" in say(answer)


def test_a_script_that_may_not_go_live_is_warned_of_in_a_draft_and_refused_in_an_active_campaign(
    desk: Client, draft: Campaign
) -> None:
    bill = make_script("This is {PRACTICE}. Pay your bill.", name="Bill")
    entries = of_step(draft, script=str(bill.pk))
    [step] = post(desk, draft, entries).context["builder"].steps
    assert any("It speaks of money" in warning for warning in step.warnings)
    Campaign.objects.update(state="active", activated_at=timezone.now())
    answer = post(desk, draft, entries, "review")
    assert answer.status_code == 422
    assert [view.part.name for view in answer.context["builder"].steps[0].faulty] == ["script"]


def test_a_script_that_an_active_campaign_has_already_keeps_no_other_edit_back(
    desk: Client, draft: Campaign
) -> None:
    Step.objects.update(script=make_script("This is {PRACTICE}. Pay your bill.", name="Bill"))
    Campaign.objects.update(state="active", activated_at=timezone.now())
    assert "What changes in" in post(desk, draft, of_step(draft, days="4"), "review").content.decode()


# --- hostile entries -----------------------------------------------------------------------------


def test_a_step_of_another_campaign_is_never_touched(desk: Client, draft: Campaign) -> None:
    other = make_step(make_campaign("Others"), days=9)
    key = f"s{other.pk}"
    mine = fill_in(draft)
    foreign = {name.replace(key_of(draft), key): value for name, value in mine.items()}
    answer = post(desk, draft, {**foreign, "steps": [key]}, "save")
    assert answer.status_code == 422
    assert "This step isn't part of this campaign any more. Remove it." in say(answer)
    other.refresh_from_db()
    assert (other.campaign.name, other.days) == ("Others", 9)
    assert key_of(draft)


HOSTILE: list[Entries] = [
    {},
    {"steps": ["s1" * 50, "s-1", "n0", "", "\x00", "s999999999999999999", "n١"]},
    {"steps": ["n999999999999999999", "n1"], "removed": ["n1", "n7"]},
    {"seen": "9" * 5000, "version": "-1", "over": "x"},
    {"seen": "١", "version": "\x00"},
    {"example-day": "0001-01-01", "example-at": "10:00", "example-booked": "28", "example-location": "1"},
    {"example-day": "9999-12-31", "example-at": "\x00", "example-booked": "-1", "example-location": "9" * 40},
]


DEEDS = ("add", "save", "confirm", "up:s1", "remove:\x00:")


def test_whatever_is_posted_gets_an_answer_and_changes_nothing(desk: Client, draft: Campaign) -> None:
    for entries, deed in product(HOSTILE, DEEDS):
        assert post(desk, draft, entries, deed).status_code in (200, 422), (entries, deed)
    assert CampaignVersion.objects.count() == 1
    assert Step.objects.get().removed_at is None


def test_five_hundred_steps_are_refused_in_words(desk: Client, draft: Campaign) -> None:
    answer = post(desk, draft, fill_in(draft, steps=[f"n{number}" for number in range(1, 501)]), "save")
    assert answer.status_code == 422
    assert "a campaign has at most 20" in say(answer)


def test_no_address_holds_what_was_entered(desk: Client, draft: Campaign) -> None:
    answer = post(desk, draft, fill_in(draft, name="Sarah Lindqvist"), "save")
    assert answer["Location"] == reverse("campaign", args=[draft.pk])


# --- whom it means -------------------------------------------------------------------------------


def test_the_count_follows_the_filters_and_says_why_not_the_others(desk: Client, draft: Campaign) -> None:
    east = make_location("Eastside")
    for number, (place, kind) in enumerate([(east, "Cleaning"), (None, "Cleaning"), (None, "Physical")]):
        contact = make_contact(f"P{number}", number=f"+1202555{110 + number:04}")
        make_appointment(contact, location=place, kind=kind, starts_at=timezone.now() + timedelta(days=3))
    page = say(desk.get(address(draft)))
    assert "Means 2 of the next 3 visits; 1 not, because 1 is of the kind Physical." in page
    entries = fill_in(draft, locations=[str(east.pk)], kinds=None, patients="known")
    page = say(post(desk, draft, entries))
    assert "Means 0 of the next 3 visits; 3 not, because 2 are at Downtown and 1 is of a new patient." in page


def test_filters_are_saved_as_they_were_chosen(desk: Client, draft: Campaign) -> None:
    east, chen = make_location("Eastside"), Provider.objects.create(name="Dr. Chen")
    entries = fill_in(
        draft,
        name="  New   names ",
        locations=[str(east.pk)],
        providers=[str(chen.pk)],
        other_kinds="cleaning , Root canal,",
        patients="new",
        languages=["es", "fr"],
        consent="written",
    )
    assert post(desk, draft, entries, "save").status_code == 302
    draft.refresh_from_db()
    assert (draft.name, draft.kinds, draft.patients) == ("New names", ["Cleaning", "Root canal"], "new")
    assert draft.consent == "written"
    assert (draft.languages, [*draft.locations.all()], [*draft.providers.all()]) == (
        ["es", "fr"],
        [east],
        [chen],
    )
    assert sentences(desk.get(address(draft)))[0] == (
        "every Cleaning or Root canal of new patients who speak Spanish or French at Eastside with Dr. Chen "
        "only if they agreed to it in writing:"
    )


# --- the timeline --------------------------------------------------------------------------------


def look(answer: Any) -> list[tuple[str, str]]:
    """Each entry of the timeline: how it looks, and its time by the location's clock."""
    entries = answer.context["builder"].timeline
    return [(entry.look, f"{entry.at:%m-%d %H:%M}" if entry.at else "") for entry in entries]


EXAMPLE = {"example__day": "2027-06-16", "example__at": "8:30", "example__booked": "28"}  # a Wednesday
TIMELINES: list[tuple[dict[str, Any], dict[str, Any], tuple[str, str]]] = [
    ({}, {}, ("goes", "06-14 10:00")),
    ({"days": "1"}, {}, ("goes", "06-15 10:00")),
    ({"days": "1", "at": "7:00"}, {}, ("later", "06-15 08:00")),
    ({"timing_kind": "elapsed_before", "elapsed_number": "2"}, {}, ("skipped", "06-16 06:30")),
    (
        {"timing_kind": "elapsed_before", "elapsed_number": "2", "if_never_in_time": "bring_forward"},
        {},
        ("earlier", "06-15 20:30"),
    ),
    ({}, {"example__booked": "1"}, ("skipped", "06-14 10:00")),
    ({"if_late": "next_allowed"}, {"example__booked": "1"}, ("later", "06-15 08:30")),
    ({"timing_kind": "after_booking"}, {"example__booked": "7"}, ("goes", "06-09 08:30")),
]


def test_the_timeline_of_the_example_visit_follows_each_change(desk: Client, draft: Campaign) -> None:
    key = key_of(draft)
    for changes, visit, expected in TIMELINES:
        of_it = {f"{key}__{name}": value for name, value in changes.items()}
        shown = look(post(desk, draft, fill_in(draft, **{**EXAMPLE, **of_it, **visit})))
        assert [one for one in shown if one[0] not in ("booked", "visit")] == [expected], changes
        assert ("visit", "06-16 08:30") in shown


def test_the_example_visit_is_at_a_location_that_the_campaign_is_for(desk: Client, draft: Campaign) -> None:
    east = make_location("Eastside")
    answer = post(desk, draft, fill_in(draft, locations=[str(east.pk)]))
    assert "At Eastside on " in " ".join(view.part.words for view in answer.context["builder"].example_parts)


def test_without_a_location_there_is_no_timeline_and_no_failure(desk: Client) -> None:
    campaign = make_campaign("Alone", state="draft", activated_at=None)
    assert "Add a location first" in say(desk.get(address(campaign)))


def test_a_step_that_is_not_clear_yet_is_left_out_of_the_timeline(desk: Client, draft: Campaign) -> None:
    assert [entry[0] for entry in look(post(desk, draft, of_step(draft, at="x")))] == ["booked", "visit"]


# --- active and paused campaigns -----------------------------------------------------------------


@pytest.fixture
def active(draft: Campaign) -> Campaign:
    now = timezone.now()
    Campaign.objects.update(state="active", activated_at=now - timedelta(days=30))
    Step.objects.update(since=now - timedelta(days=30))
    make_appointment(starts_at=now + timedelta(days=6), kind="Cleaning")
    draft.refresh_from_db()
    return draft


def test_an_edit_of_an_active_campaign_shows_what_changes_before_it_is_saved(
    desk: Client, active: Campaign
) -> None:
    entries = of_step(active, days="3")
    answer = post(desk, active, entries, "save")
    page = say(answer)
    assert "Step 1, when: 2 days before at 10:00 am → 3 days before at 10:00 am" in page
    assert "1 reminder moves" in page
    assert "Save: remind 1 person, 0 of them today" in page
    assert Step.objects.get().days == 2, "nothing is saved yet"
    carried = {**dict(answer.context["entries"]), "shown": answer.context["diff"].token}
    answer = desk.post(address(active), {**carried, "deed": "confirm"}, follow=True)
    assert "Saved. What this change would have sent before now is not sent." in say(answer)
    assert Step.objects.get().days == 3


def test_what_was_entered_comes_back_from_the_page_that_asks(desk: Client, active: Campaign) -> None:
    answer = post(desk, active, of_step(active, days="3"), "review")
    carried = dict(answer.context["entries"])
    assert "3 days before at 10:00 am" in sentences(post(desk, active, carried))[1]


def test_a_confirmation_of_something_else_is_shown_again(desk: Client, active: Campaign) -> None:
    entries = of_step(active, days="3")
    shown = post(desk, active, entries, "review").context["diff"].token
    make_appointment(
        make_contact("Ben", number="+12025550142"),
        starts_at=timezone.now() + timedelta(days=8),
        kind="Cleaning",
    )
    answer = post(desk, active, {**entries, "shown": shown}, "confirm")
    assert "Something has changed meanwhile. Look at it again." in say(answer)
    assert "Save: remind 2 people" in say(answer)
    assert Step.objects.get().days == 2


def test_a_paused_campaign_shows_what_changes_in_it(desk: Client, active: Campaign) -> None:
    Campaign.objects.update(state="paused", paused_at=timezone.now())
    answer = post(desk, active, of_step(active, days="3"), "review")
    assert "It is paused, so nothing is sent until it is resumed." in say(answer)
    entries = {**of_step(active, days="3"), "shown": answer.context["diff"].token}
    assert post(desk, active, entries, "confirm").status_code == 302
    assert (Step.objects.get().days, Campaign.objects.get().state) == (3, "paused")


# --- two managers at once ------------------------------------------------------------------------


def edit_as_another(campaign: Campaign) -> None:
    edited = read_draft(campaign.pk)
    edited.steps[0].days = 9
    save_shown_edit(edited, shown=diff_edit(edited).token, by=make_user("otto", role=MANAGER))


def test_the_second_of_two_managers_sees_what_the_first_changed_before_saving_over_it(
    desk: Client, draft: Campaign
) -> None:
    mine = of_step(draft, days="4")
    edit_as_another(draft)
    answer = post(desk, draft, mine, "save")
    assert answer.status_code == 422
    page = say(answer)
    assert "otto changed this campaign after you opened it. Nothing of yours is saved yet." in page
    assert "Step 1, when: 2 days before at 10:00 am → 9 days before at 10:00 am" in page
    assert "Save mine all the same" in page
    assert "4 days before at 10:00 am" in page, "what the second entered is still there"
    assert Step.objects.get().days == 9
    draft.refresh_from_db()
    assert post(desk, draft, {**mine, "over": str(draft.edition)}, "save").status_code == 302
    assert Step.objects.get().days == 4


def test_seeing_one_change_of_somebody_else_is_no_leave_to_overwrite_the_next(
    desk: Client, draft: Campaign
) -> None:
    mine = of_step(draft, days="4")
    edit_as_another(draft)
    draft.refresh_from_db()
    over = {**mine, "over": str(draft.edition)}
    edited = read_draft(draft.pk)
    edited.steps[0].days = 11
    save_shown_edit(edited, shown=diff_edit(edited).token, by=User.objects.get(username="otto"))
    assert post(desk, draft, over, "save").status_code == 422
    assert Step.objects.get().days == 11


def test_a_draft_that_somebody_activated_meanwhile_is_not_saved_unseen(desk: Client, draft: Campaign) -> None:
    mine = of_step(draft, days="4")
    Campaign.objects.update(state="active", activated_at=timezone.now(), edition=draft.edition + 1)
    assert post(desk, draft, mine, "save").status_code == 422
    assert Step.objects.get().days == 2


def test_a_step_that_somebody_removed_meanwhile_comes_back_only_when_that_was_seen(
    desk: Client, draft: Campaign
) -> None:
    mine = of_step(draft, days="4")
    edited = read_draft(draft.pk)
    save_shown_edit(edited.with_steps([]), shown=diff_edit(edited.with_steps([])).token, by=make_user("otto"))
    answer = post(desk, draft, mine, "save")
    assert f"Step 1: Call {UNCONFIRMED} 2 days before at 10:00 am" in say(answer)
    assert "→ removed" in say(answer)
    draft.refresh_from_db()
    assert post(desk, draft, {**mine, "over": str(draft.edition)}, "save").status_code == 302
    [step] = Step.objects.in_use()
    assert step.days == 4


# --- queries -------------------------------------------------------------------------------------


def count_queries(desk: Client, campaign: Campaign, entries: Entries) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert post(desk, campaign, entries).status_code == 200
    return len(queries)


def test_it_takes_as_many_queries_for_many_steps_and_visits_as_for_few(desk: Client, draft: Campaign) -> None:
    few = count_queries(desk, draft, fill_in(draft, patients="new"))
    for number in range(12):
        make_step(draft, script=make_script(name=f"Script {number}"))
        contact = make_contact(f"P{number}", number=f"+1202555{110 + number:04}")
        make_appointment(contact, kind=f"Kind {number}", location=make_location(f"Place {number}"))
    many: Sequence[str] = fill_in(draft)["steps"]
    assert len(many) == 13
    assert count_queries(desk, draft, fill_in(draft, patients="new")) == few
    assert few <= 30
