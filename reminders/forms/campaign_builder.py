"""The page that edits a campaign, as one form: nothing of it is saved or remembered between two requests.

The entries hold everything. `steps` are the keys of the steps in their order: "s12" is the saved step 12,
"n1" a new one; the fields of each begin with its key. `removed` are keys of steps that are to be taken out;
their entries stay, so that each can be put back. `seen` is the edition of the campaign that the person began
with, and `version` the number of its last version then.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import time
from functools import cached_property
from itertools import count
from typing import Any

from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _

from contacts.models.people import Channel
from contacts.templatetags.display import day_and_clock
from reminders.campaigns.coverage_counts import count_coverage, say_coverage
from reminders.campaigns.drafts import SCRIPTS, CampaignDraft
from reminders.campaigns.example_visits import TimelineEntry, view_timeline
from reminders.deciding.shared_settings import SharedSettings
from reminders.forms.campaigns import CampaignFiltersForm, CampaignStepForm, read_choices
from reminders.forms.example_visit import BOOKED, ExampleVisitForm
from reminders.forms.sentence_parts import PartView, list_hidden, view_parts, write_form
from reminders.models import Campaign, Script, Step
from reminders.models.campaigns import StepChannel
from reminders.rules.schedule import TimingKind
from reminders.rules.script_findings import ScriptFault
from reminders.rules.zones import zone_or_utc
from reminders.wording.campaign_sentences import SentencePart, mark_part, write_filters, write_step
from reminders.wording.script_verdicts import TextVerdict, judge_steps, list_script_uses

MOST_STEPS = 20
MOST_KEYS = 3 * MOST_STEPS  # with those that are to be removed
KEY = re.compile(r"[sn][1-9][0-9]{0,17}")
FIRST_LINE = ("channel", "timing", "audience", "script")
THEN = ("tries", "voicemail", "fallback")
NEW_STEP: dict[str, Any] = {"timing_kind": TimingKind.DAYS_BEFORE.value, "days": 1, "at": time(10)}
# Why a script can't be a text message at all; everything else is judged when the campaign is activated.
NEVER_A_TEXT = frozenset({ScriptFault.TEXT_TOO_LONG, ScriptFault.EMPTY})
WRITTEN = ("text_script", "fallback_script")


@dataclass
class BuilderStep:
    """A step as the page shows it: its sentences in three lines. `hidden`: entries that no part shows."""

    key: str
    number: int
    form: CampaignStepForm
    is_removed: bool
    is_first: bool
    is_last: bool
    parts: Sequence[PartView] = ()
    warnings: Sequence[str] = ()
    hidden: Sequence[tuple[str, str]] = ()

    @property
    def lines(self) -> list[list[PartView]]:
        first = [one for one in self.parts if one.part.name in FIRST_LINE]
        then = [one for one in self.parts if one.part.name in THEN]
        return [first, then, [one for one in self.parts if one not in first and one not in then]]

    @property
    def faulty(self) -> list[PartView]:
        return [one for one in self.parts if one.errors]

    @property
    def words(self) -> str:
        """In short, for a step that is to be removed."""
        shown = [one.part.words for one in self.parts if one.part.name in ("channel", "timing", "audience")]
        return " ".join(shown)


class CampaignBuilder:
    """The campaign as it stands in the form. `saved`: as it is saved; `entries`: None at the beginning.

    `settings`: as they are now. `saved` isn't changed but its steps, which hold what was entered.
    """

    def __init__(
        self, saved: CampaignDraft, settings: SharedSettings, entries: QueryDict | None = None
    ) -> None:
        self.campaign = saved.campaign
        self._saved_uses = list_script_uses(saved.steps)
        wanted = entries.get("patients") if entries is not None else saved.filters.patients
        self.choices = read_choices(settings, tell_known=bool(wanted))
        self.entries = self._write_entries(saved) if entries is None else entries.copy()
        self._apply(self.entries.get("deed", ""))
        self._steps = self._find_steps(saved)
        self.filters = CampaignFiltersForm(saved, self.choices, self.entries)
        self.filters.is_valid()
        self.example = self._read_example()

    # --- what was entered ---

    @property
    def keys(self) -> list[str]:
        """The steps in their order, with those that are to be removed; what is no key is passed over."""
        found = dict.fromkeys(key for key in self.entries.getlist("steps") if KEY.fullmatch(key))
        return list(found)[:MOST_KEYS]

    @property
    def removed(self) -> set[str]:
        return set(self.entries.getlist("removed"))

    @property
    def seen(self) -> int:
        """The edition that the person began with; -1 if it can't be read, which is no edition."""
        return _read_number(self.entries.get("seen", ""), -1)

    @property
    def version(self) -> int:
        return _read_number(self.entries.get("version", ""), 0)

    @property
    def is_outdated(self) -> bool:
        """Whether somebody else has edited or activated the campaign since."""
        return self.seen != self.campaign.edition

    @cached_property
    def steps(self) -> list[BuilderStep]:
        """All steps with their sentences; the first part with an error is open."""
        views, number = [], 0
        names, pronunciations = self.choices.said_names, self.choices.pronunciations
        for place, key in enumerate(self.keys):
            form, is_removed = self._steps[key], key in self.removed
            form.is_valid()
            if form.step._state.adding and key.startswith("s"):
                form.add_error(None, _("This step isn't part of this campaign any more. Remove it."))
            number += not is_removed
            view = BuilderStep(key, number, form, is_removed, place == 0, place == len(self.keys) - 1)
            form.step.position = number
            view.warnings = self._judge_scripts(form, names, pronunciations)
            view.parts = view_parts(_write(form), form)
            view.hidden = list_hidden(form, view.parts if not is_removed else ())
            views.append(view)
        return views

    @property
    def kept(self) -> list[BuilderStep]:
        return [view for view in self.steps if not view.is_removed]

    @property
    def has_too_many(self) -> bool:
        return len(self.kept) > MOST_STEPS

    @property
    def may_add(self) -> bool:
        return len(self.kept) < MOST_STEPS and len(self.keys) < MOST_KEYS

    def is_valid(self) -> bool:
        """Whether it can be saved as it is entered."""
        forms_of_steps = [view.form.is_valid() for view in self.kept]
        return self.filters.is_valid() and all(forms_of_steps) and not self.has_too_many

    def make_draft(self) -> CampaignDraft:
        """The edit, to be compared and saved. Only if is_valid()."""
        steps = tuple(view.form.step for view in self.kept)
        return CampaignDraft(self.campaign, self.filters.cleaned_data["name"], self.filters.filters, steps)

    # --- what it means ---

    @cached_property
    def people(self) -> list[PartView]:
        """Whom it is for, in parts."""
        filters, names = self.filters.filters, self.choices.names
        parts = write_filters(
            kinds=sorted(filters.kinds),
            patients=filters.patients,
            languages=sorted(filters.languages),
            consent=filters.consent,
            locations=sorted(names["locations"][pk] for pk in filters.locations),
            providers=sorted(names["providers"][pk] for pk in filters.providers),
        )
        return view_parts([*parts[:-1], replace(parts[-1], after=":")], self.filters)

    @property
    def coverage(self) -> str:
        """How many of the upcoming visits it means, and why not the others."""
        filters = self.filters.filters
        return say_coverage(count_coverage(filters, self.choices.groups), filters, self.choices.names)

    @property
    def example_parts(self) -> list[PartView]:
        """The example visit as a sentence."""
        visit, form = self.example.visit, self.example
        where = visit.location.name if visit else ""
        zone = zone_or_utc(visit.location.time_zone if visit else "")
        when = day_and_clock(visit.starts_at.astimezone(zone)) if visit else ""
        booked = dict(BOOKED).get(form["booked"].value(), "")
        parts = [
            mark_part("example_location", _("At *%(name)s*"), "location", name=where),
            mark_part("example_time", _("on *%(when)s*,"), "day", "at", when=when),
            mark_part("example_booked", _("booked *%(when)s*."), "booked", when=booked),
        ]
        return view_parts(parts, form)

    @property
    def timeline(self) -> list[TimelineEntry]:
        """What the steps mean for the example visit; those whose time isn't clear yet are left out."""
        visit = self.example.visit
        if visit is None:
            return []
        steps = []
        for view in self.kept:
            if not {"timing_kind", "days", "at", "elapsed", "stop_before"} & set(view.form.errors):
                steps.append(view.form.step)
        return view_timeline(steps, visit)

    # --- how it comes about ---

    def _write_entries(self, saved: CampaignDraft) -> QueryDict:
        entries = QueryDict(mutable=True)
        _enter(entries, write_form(CampaignFiltersForm(saved, self.choices)))
        for step in saved.steps:
            key = f"s{step.pk}"
            entries.appendlist("steps", key)
            _enter(entries, write_form(CampaignStepForm(step, self.choices.scripts, prefix=key)))
        entries["seen"] = str(saved.campaign.edition)
        entries["version"] = str(saved.last_version)
        return entries

    def _read_example(self) -> ExampleVisitForm:
        """The example visit, at one of the locations that the campaign is for."""
        filters = self.filters.filters
        form = ExampleVisitForm(self.choices, filters)
        begun = write_form(form)
        if "example-day" not in self.entries:
            _enter(self.entries, begun)
        if self.entries.get("example-location") not in form.offered:
            self.entries["example-location"] = begun.get("example-location", "")
        return ExampleVisitForm(self.choices, filters, self.entries)

    def _apply(self, deed: str) -> None:
        """Add, remove, put back or move a step: "add", "up:s12"; anything else changes nothing."""
        name, _colon, key = deed.partition(":")
        keys = self.keys
        if name == "add" and len([one for one in keys if one not in self.removed]) < MOST_STEPS:
            self._add_step(keys)
        if key not in keys:
            return
        place = keys.index(key)
        deeds: dict[str, Callable[[], object]] = {
            "remove": lambda: self.entries.appendlist("removed", key),
            "restore": lambda: self.entries.setlist("removed", sorted(self.removed - {key})),
            "up": lambda: keys.insert(max(place - 1, 0), keys.pop(place)),
            "down": lambda: keys.insert(place + 1, keys.pop(place)),
        }
        deeds.get(name, lambda: None)()
        self.entries.setlist("steps", keys)

    def _add_step(self, keys: list[str]) -> None:
        """A step of the usual kind behind the others, with the first's script or one for calls."""
        if len(keys) >= MOST_KEYS:
            return
        key = next(f"n{number}" for number in count(1) if f"n{number}" not in keys)
        used = [self.entries.get(f"{one}-script", "") for one in keys]
        calls = [str(pk) for pk, one in self.choices.scripts.items() if one.channel == Channel.VOICE]
        form = CampaignStepForm(Step(**NEW_STEP), self.choices.scripts, prefix=key)
        _enter(self.entries, write_form(form))
        self.entries[f"{key}-script"] = next(filter(None, [*used, *calls]), "")
        self.entries.setlist("steps", [*keys, key])

    def _find_steps(self, saved: CampaignDraft) -> dict[str, CampaignStepForm]:
        """A form for each key. What was taken out meanwhile is put back; another campaign's is not found."""
        known = {f"s{step.pk}": step for step in saved.steps}
        asked = [int(key[1:]) for key in self.keys if key.startswith("s") and key not in known]
        if asked:
            known |= {f"s{step.pk}": step for step in self.campaign.steps.filter(pk__in=asked)}
        steps = {key: known.get(key) or Step() for key in self.keys}
        for step in steps.values():
            step.campaign = self.campaign
        return {
            key: CampaignStepForm(step, self.choices.scripts, self.entries, prefix=key)
            for key, step in steps.items()
        }

    def _judge_scripts(self, form: CampaignStepForm, *said: Any) -> list[str]:
        """Refuse the scripts that can't be sent, and return why others will be at activation (rule 62).

        An active campaign takes no script that would be refused there; those that it has already stay.
        """
        if set(SCRIPTS) & set(form.errors) or not form.step.script_id:
            return []
        warnings: list[str] = []
        for verdict in judge_steps([form.step], *said):
            name, channel = _find_use(form.step, verdict)
            is_new = (verdict.script.pk, channel) not in self._saved_uses
            if is_new and (
                self.campaign.state == Campaign.State.ACTIVE or _is_never_a_text(verdict, channel)
            ):
                form.add_error(name, verdict.sentences)
            else:
                warnings += verdict.sentences
        return warnings


def _enter(entries: QueryDict, found: MultiValueDict[str, Any]) -> None:
    """Put these in place of what is there under their names."""
    for name, values in found.lists():
        entries.setlist(name, values)


def _write(form: CampaignStepForm) -> list[SentencePart]:
    """Its sentences. Of what isn't clear yet the words don't matter, since view_parts() doesn't show them."""
    step = form.step
    if not step.script_id:
        step.script = Script(name="…")
    try:
        return write_step(step)
    except ValueError:
        others = {name: getattr(step, name) for name in form.fields}
        return write_step(Step(**{**others, **NEW_STEP}))


def _find_use(step: Step, verdict: TextVerdict) -> tuple[str, Channel]:
    """By which field a step uses the script, and the channel it goes by; of two, the one that is at fault."""
    if step.channel == StepChannel.SMS:
        return "script", Channel.SMS
    pk = verdict.script.pk
    written = next((name for name in WRITTEN if getattr(step, f"{name}_id") == pk), "")
    if written and (step.script_id != pk or _is_never_a_text(verdict, Channel.SMS)):
        return written, Channel.SMS
    return "script", Channel.VOICE


def _is_never_a_text(verdict: TextVerdict, channel: Channel) -> bool:
    return channel == Channel.SMS and any(one.fault in NEVER_A_TEXT for one in verdict.refusals)


def _read_number(text: str, otherwise: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else otherwise
