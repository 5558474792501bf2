"""A campaign and its steps in plain sentences, each part with the fields that it shows."""

from datetime import time, timedelta
from typing import Any

import pytest

from contacts.models import Provider
from reminders.campaigns.drafts import NOT_EDITED
from reminders.deciding.coverage import CampaignFilters
from reminders.models import Campaign, Script, Step
from reminders.wording.campaign_sentences import write_campaign, write_step
from tests.people import make_campaign, make_location

HOUR = timedelta(hours=1)
CALL, TEXT = Script(name="Reminder"), Script(name="Short text")
TWO_DAYS: dict[str, Any] = {"days": 2, "at": time(10)}


def say(**fields: Any) -> dict[str, str]:
    step = Step(**{"script": CALL, **TWO_DAYS, **fields})
    return {part.name: part.words for part in write_step(step)}


def test_a_call_is_said_in_full() -> None:
    assert say() == {
        "channel": "Call",
        "timing": "2 days before at 10:00 am",
        "audience": "whoever has not confirmed",
        "script": "with “Reminder”.",
        "tries": "If nobody is reached, call once more after 1 hour.",
        "voicemail": "After a voicemail, don't call again.",
        "fallback": "Then send nothing more.",
        "late": "If it is booked after that time, skip this.",
        "never_in_time": "If no calling hours are left between that time and the visit, skip this.",
        "stop_before": "Nothing goes out in the last 30 minutes before the visit.",
    }


SAID: list[tuple[dict[str, Any], str, str]] = [
    ({"channel": "sms"}, "channel", "Text"),
    (
        {"channel": "preferred", "text_script": TEXT},
        "script",
        "with “Reminder”, or “Short text” by text message.",
    ),
    ({"timing_kind": "after_booking"}, "timing", "right after booking"),
    ({"audience": "everyone"}, "audience", "everyone"),
    ({"audience": "confirmed"}, "audience", "whoever has confirmed"),
    ({"max_tries": 1}, "tries", "If nobody is reached, don't call again."),
    (
        {"max_tries": 3, "retry_wait": HOUR * 1.5},
        "tries",
        "If nobody is reached, call up to 2 more times, each after 1 hour 30 minutes.",
    ),
    (
        {"retry_at_another_time": True},
        "tries",
        "If nobody is reached, call once more in the other half of the day.",
    ),
    ({"retry_wait": timedelta(0)}, "tries", "If nobody is reached, call once more after 1 minute."),
    ({"channel": "sms", "max_tries": 1}, "tries", "If it can't be delivered, don't try again."),
    ({"channel": "sms"}, "tries", "If it can't be delivered, try once more after 1 hour."),
    ({"retry_voicemail": True}, "voicemail", "After a voicemail, call again, too."),
    ({"retry_voicemail": True, "max_tries": 1}, "voicemail", "After a voicemail, don't call again."),
    ({"fallback_script": TEXT}, "fallback", "Then send the text message “Short text”."),
    (
        {"if_late": "now"},
        "late",
        "If it is booked after that time, send this at once; skip it if that is outside calling hours.",
    ),
    (
        {"if_late": "next_allowed"},
        "late",
        "If it is booked after that time, send this as soon as calling hours allow.",
    ),
    ({"stop_before": timedelta(0)}, "stop_before", "Nothing goes out once the visit has begun."),
]


@pytest.mark.parametrize(("fields", "part", "words"), SAID)
def test_each_choice_has_its_words(fields: dict[str, Any], part: str, words: str) -> None:
    assert say(**fields)[part] == words


def test_what_does_not_apply_is_not_said() -> None:
    assert {"voicemail", "fallback"}.isdisjoint(say(channel="sms"))
    assert "late" not in say(timing_kind="after_booking")


@pytest.mark.django_db
def test_every_field_that_staff_set_is_shown_by_one_part() -> None:
    step = Step(script=CALL, **TWO_DAYS)
    shown = [name for part in write_step(step) for name in part.fields]
    edited = {field.name for field in Step._meta.concrete_fields} - NOT_EDITED
    assert sorted([*shown, "position"]) == sorted(edited)
    filters = [name for part in write_campaign(Campaign(pk=0, name="New")) for name in part.fields]
    assert sorted(filters) == sorted(CampaignFilters._fields)


@pytest.mark.django_db
def test_a_campaign_says_whom_it_is_for() -> None:
    campaign = make_campaign()
    assert " ".join(part.words for part in write_campaign(campaign)) == (
        "every appointment of new or known patients who speak any language at every location "
        "with any provider whether or not they agreed to it"
    )
    campaign.kinds, campaign.patients, campaign.languages = ["Cleaning", "Physical"], "new", ["es"]
    campaign.locations.set([make_location("Downtown"), make_location("Eastside"), make_location("Hill")])
    campaign.providers.add(Provider.objects.create(name="Dr. Chen"))
    assert " ".join(part.words for part in write_campaign(campaign)) == (
        "every Cleaning or Physical of new patients who speak Spanish at Downtown, Eastside or Hill "
        "with Dr. Chen whether or not they agreed to it"
    )
