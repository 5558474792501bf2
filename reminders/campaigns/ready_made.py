"""Ready-made campaigns to start from, as data; making a draft of one, or an empty draft.

What is made is the practice's own: a draft, which calls nobody, to be changed as any other.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from reminders.campaigns.history import record_version
from reminders.models import Campaign, CampaignVersion, Script, Step
from reminders.models.campaigns import StepChannel
from reminders.planning.activation import find_free_name
from reminders.rules.schedule import TimingKind
from reminders.wording.ready_scripts import (
    BOOKED_TEXT,
    COURTESY_CALL,
    COURTESY_TEXT,
    REMINDER_CALL,
    REMINDER_TEXT,
    ReadyScript,
    ensure_script,
)

EMPTY = "empty"  # the key of a campaign without steps


class NameTaken(ValueError):
    """No campaign was made. The message says why, in a sentence for staff."""


@dataclass(frozen=True)
class ReadyStep:
    """A step of a ready-made campaign. `values`: its fields, but its place and its scripts."""

    values: Mapping[str, Any]
    script: ReadyScript
    text_script: ReadyScript | None = None

    @property
    def scripts(self) -> dict[str, ReadyScript]:
        """Its scripts, by the fields of Step."""
        found = {"script": self.script, "text_script": self.text_script}
        return {name: script for name, script in found.items() if script}


@dataclass(frozen=True)
class ReadyCampaign:
    """A ready-made campaign: its name, and for what it is good, in a sentence or two."""

    key: str
    title: str | Promise
    purpose: str | Promise
    steps: tuple[ReadyStep, ...] = field(default=())

    @property
    def scripts(self) -> list[ReadyScript]:
        """What it says, each script once."""
        return list(dict.fromkeys(script for step in self.steps for script in step.scripts.values()))


TEN = time(10)
CALL_AND_TRY_LATER: dict[str, Any] = {
    "channel": StepChannel.VOICE,
    "audience": Step.Audience.UNCONFIRMED,
    "max_tries": 2,
    "retry_at_another_time": True,
}
READY_MADE = (
    ReadyCampaign(
        "three_days",
        gettext_lazy("Three days and one day before"),
        gettext_lazy(
            "A call early enough to give the time to somebody else, and a text message the day before to "
            "whoever has not confirmed by then."
        ),
        (
            ReadyStep(
                {"timing_kind": TimingKind.DAYS_BEFORE, "days": 3, "at": TEN, **CALL_AND_TRY_LATER},
                REMINDER_CALL,
            ),
            ReadyStep(
                {
                    "timing_kind": TimingKind.DAYS_BEFORE,
                    "days": 1,
                    "at": TEN,
                    "channel": StepChannel.SMS,
                    "audience": Step.Audience.UNCONFIRMED,
                },
                REMINDER_TEXT,
            ),
        ),
    ),
    ReadyCampaign(
        "open_day",
        gettext_lazy("One open day before"),
        gettext_lazy(
            "One call, on the last day before the visit on which the location is open: on Friday for Monday, "
            "and before a public holiday for the day after it."
        ),
        (
            ReadyStep(
                {"timing_kind": TimingKind.OPEN_DAYS_BEFORE, "days": 1, "at": TEN, **CALL_AND_TRY_LATER},
                REMINDER_CALL,
            ),
        ),
    ),
    ReadyCampaign(
        "same_day",
        gettext_lazy("Same-day courtesy"),
        gettext_lazy(
            "A friendly word a few hours before the visit, also to those who have confirmed. Visits early in "
            "the day, for which no calling hours are left, get none."
        ),
        (
            ReadyStep(
                {
                    "timing_kind": TimingKind.ELAPSED_BEFORE,
                    "elapsed": timedelta(hours=3),
                    "stop_before": timedelta(hours=1),
                    "channel": StepChannel.PREFERRED,
                    "audience": Step.Audience.EVERYONE,
                    "max_tries": 1,
                },
                COURTESY_CALL,
                COURTESY_TEXT,
            ),
        ),
    ),
    ReadyCampaign(
        "at_booking",
        gettext_lazy("Confirm at booking"),
        gettext_lazy(
            "A text message right after a visit is booked or moved here. Whoever answers 1 has confirmed, "
            "and gets no reminder that is only for those who have not. Visits of an imported list get none."
        ),
        (
            ReadyStep(
                {
                    "timing_kind": TimingKind.AFTER_BOOKING,
                    "elapsed": timedelta(0),
                    "channel": StepChannel.SMS,
                    "audience": Step.Audience.UNCONFIRMED,
                },
                BOOKED_TEXT,
            ),
        ),
    ),
)
BY_KEY = {ready.key: ready for ready in READY_MADE}


def make_ready_made(key: str, *, by: User, name: str = "") -> Campaign:
    """A draft of a ready-made campaign, with its steps and scripts; EMPTY for one without steps.

    `name`: "" for the ready-made one's own, with a number if it is taken. Scripts that are there already and
    say the same are used. Raises KeyError for an unknown key, and NameTaken.
    """
    ready = None if key == EMPTY else BY_KEY[key]
    wanted = " ".join(name.split()) or (suggest_name(ready) if ready else "")
    if not wanted:
        raise NameTaken(_("Give the campaign a name."))
    try:
        with transaction.atomic():
            return _make(wanted, ready, by)
    except IntegrityError as error:  # somebody else was faster
        if is_name_taken(wanted):
            raise NameTaken(say_name_taken(wanted)) from error
        raise


def suggest_name(ready: ReadyCampaign) -> str:
    """The name of a ready-made campaign in the reader's language, with a number if a campaign has it."""
    title = str(ready.title)
    return find_free_name(title) if is_name_taken(title) else title


def is_name_taken(name: str) -> bool:
    """Whether a campaign has this name, in whatever case: two such names can't be told apart when spoken."""
    return Campaign.objects.filter(name__iexact=name).exists()


def say_name_taken(name: str) -> str:
    """Why a campaign of this name can't be made."""
    return _("There is a campaign “%(name)s” already. Choose another name.") % {"name": name}


def build_steps(ready: ReadyCampaign) -> list[Step]:
    """Its steps, unsaved, to be described."""
    return [
        Step(
            position=position,
            **step.values,
            **{
                name: Script(name=script.name, channel=script.channel)
                for name, script in step.scripts.items()
            },
        )
        for position, step in enumerate(ready.steps, start=1)
    ]


def _make(name: str, ready: ReadyCampaign | None, by: User) -> Campaign:
    if is_name_taken(name):
        raise NameTaken(say_name_taken(name))
    campaign = Campaign.objects.create(name=name, created_by=by)
    for position, step in enumerate(ready.steps if ready else (), start=1):
        scripts = {field_name: ensure_script(script, by=by) for field_name, script in step.scripts.items()}
        Step.objects.create(campaign=campaign, position=position, **step.values, **scripts)
    record_version(campaign.pk, CampaignVersion.What.CREATED, by=by)
    return campaign
