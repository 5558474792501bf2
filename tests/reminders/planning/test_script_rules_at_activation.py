"""Scripts are judged again when a campaign is activated, and missing languages counted (product rule 62)."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from contacts.models import Contact, Location
from reminders.campaigns.activation_notes import list_activation_notes
from reminders.campaigns.differences import diff_activation
from reminders.deciding.situations import read_practice_config
from reminders.desk.script_versions import approve_text
from reminders.models import Campaign, ScriptText
from reminders.planning.activation import ScriptsRefused, activate_campaign, pause_campaign
from reminders.wording.default_scripts import WRITTEN, ensure_default_scripts
from reminders.wording.script_verdicts import fingerprint_text, judge_campaign
from tests.people import (
    ENGLISH,
    make_appointment,
    make_campaign,
    make_contact,
    make_location,
    make_script,
    make_step,
    make_user,
)

pytestmark = pytest.mark.django_db
IN_TWO_DAYS = timedelta(days=2)


def draft_campaign(text: str, **step: object) -> Campaign:
    campaign = make_campaign("New", state="draft", activated_at=None)
    make_step(campaign, script=make_script(text, name="Own"), **step)
    return campaign


@pytest.mark.parametrize(
    ("text", "channel", "fault"),
    [
        (ENGLISH, "voice", ""),
        (WRITTEN["en"], "sms", ""),
        ("Hello {FIRST_NAME}", "voice", "no_practice"),
        (ENGLISH.replace("9", "3"), "voice", "no_optout_key"),
        (ENGLISH.replace("Press 9 to get no more calls.", ""), "sms", "no_optout_word"),
        (WRITTEN["en"], "voice", "no_optout_key"),
        (WRITTEN["en"] + "x" * 160, "sms", "text_too_long"),
        (ENGLISH + " Word" * 140, "voice", "over_a_minute"),
        ("{NICKNAME}", "voice", "unknown_variable"),
    ],
)
def test_a_campaign_with_a_refused_script_is_not_activated(text: str, channel: str, fault: str) -> None:
    make_location()
    campaign = draft_campaign(text, channel=channel)
    if not fault:
        activate_campaign(campaign)
        assert Campaign.objects.get().state == "active"
        return
    with pytest.raises(ScriptsRefused) as refused:
        activate_campaign(campaign)
    assert fault in {str(finding.fault) for one in refused.value.verdicts for finding in one.refusals}
    assert Campaign.objects.get().state == "draft"


def test_a_script_without_a_published_text_keeps_a_campaign_from_being_activated() -> None:
    campaign = make_campaign(state="draft", activated_at=None)
    make_step(campaign, script=make_script(ENGLISH, state="draft"))
    [verdict] = judge_campaign(campaign)
    assert (verdict.language, [str(one.fault) for one in verdict.refusals]) == ("", ["empty"])


def test_each_published_language_is_judged_and_only_the_newest_version_of_it() -> None:
    make_script("old and wrong", name="Own")
    campaign = draft_campaign(ENGLISH)
    assert judge_campaign(campaign) == []
    make_script("{PRACTICE}", name="Own", language="es")
    assert [verdict.language for verdict in judge_campaign(campaign)] == ["es"]


def test_a_warned_script_of_before_needs_a_second_persons_word_to_be_activated_again() -> None:
    campaign = draft_campaign(ENGLISH.replace("an appointment", "an oncology appointment"))
    with pytest.raises(ScriptsRefused) as refused:
        activate_campaign(campaign)
    assert [finding.words for one in refused.value.verdicts for finding in one.unapproved] == ["oncology"]
    text = ScriptText.objects.get()
    approve_text(text.pk, seen=fingerprint_text(text), by=make_user("bob", role=""))
    activate_campaign(campaign)
    pause_campaign(campaign)
    activate_campaign(campaign)
    Location.objects.update(spoken_name="Harbor Dental")  # a new warning asks again
    pause_campaign(campaign)
    make_location("Two", spoken_name="Harbor Dental")
    with pytest.raises(ScriptsRefused):
        activate_campaign(campaign)


def test_the_shipped_scripts_can_be_activated_at_any_practice() -> None:
    make_location(spoken_name="Harbor View Family Clinic of North Salem")
    scripts = ensure_default_scripts()
    campaign = make_campaign(state="draft", activated_at=None)
    make_step(campaign, script=scripts.call, fallback_script=scripts.text)
    activate_campaign(campaign)


def make_visits(language: str, count: int, **fields: Any) -> None:
    number = Contact.objects.count()
    for index in range(number, number + count):
        contact = make_contact(f"P{index}", number=f"+1202555{1000 + index}", language=language)
        make_appointment(contact, starts_at=timezone.now() + IN_TWO_DAYS, **fields)


def read_notes(campaign: Campaign) -> list[str]:
    """What the page says that asks before it is activated."""
    return list_activation_notes(diff_activation(campaign.pk).forecast, read_practice_config())


def test_visits_in_a_language_without_a_text_are_counted() -> None:
    campaign = draft_campaign(ENGLISH)
    make_script(ENGLISH, name="Own", language="es")
    make_script(ENGLISH, name="Own", language="fr", state="draft")  # nobody hears a draft
    for language, count in (("en", 3), ("es", 2), ("pl", 2), ("fr", 1)):
        make_visits(language, count)
    make_appointment(make_contact("Past", number=None, language="pl"), starts_at=timezone.now() - IN_TWO_DAYS)
    assert read_notes(campaign) == [
        "2 of the next 8 visits are in Polish and will hear English.",
        "1 of the next 8 visits is in French and will hear English.",
    ]


def test_visits_of_others_are_not_counted_and_without_english_nothing_is_heard() -> None:
    campaign = make_campaign(state="draft", activated_at=None)
    make_step(campaign, script=make_script(ENGLISH, language="es"))
    here, there = make_location(), make_location("Hill")
    campaign.locations.add(here)
    make_visits("pl", 1, location=here)
    make_visits("pl", 5, location=there)
    [said] = read_notes(campaign)
    assert said.startswith("1 of the next 1 visits is in Polish and can't be reminded")
    assert read_notes(make_campaign("Without steps", state="draft")) == []
