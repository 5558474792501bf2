"""What an edit or an activation changes, call by call, before it is confirmed (product rules 6 and 29)."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple

from django.core.serializers.json import DjangoJSONEncoder

from reminders.campaigns.campaign_forecasts import CampaignForecast, foresee_campaign, foresee_edit
from reminders.campaigns.collector import pause_collector
from reminders.campaigns.drafts import NOT_EDITED, CampaignDraft, read_draft, take_draft
from reminders.campaigns.forecasts import Outcome, StepForecast
from reminders.campaigns.previews import find_called_today, make_today_test
from reminders.deciding.fallen_due import FallenDue, Foreseen, find_due_in_paused_campaign
from reminders.deciding.present import Present, read_present
from reminders.models import Campaign, Step

ChangesByKind = dict[str, list["CallChange"]]
SAME = "same"


class CallChange(NamedTuple):
    """One reminder that changes: of which visit (id) and step, and its outcome before and after.

    None where it doesn't go out, before or after.
    """

    visit: int
    step: Step
    before: Outcome | None
    after: Outcome | None


@dataclass(frozen=True)
class CampaignDiff:
    """What changes among the reminders yet to come.

    `appear`, `vanish`: they go out only after, or only before; `move`: at another time or by another way;
    `reword`: at the same time with other words. `unchanged`: how many stay as they are. `people`: patients
    who are called or texted after it; `today`: those of them today, by their location's clock. `digest`
    stands for what it was computed from: the campaign's edition and state, and the draft. `fallen_due`: how
    many fell due in the pause that it ends, and are sent at once or skipped.
    """

    now: datetime
    appear: tuple[CallChange, ...]
    move: tuple[CallChange, ...]
    vanish: tuple[CallChange, ...]
    reword: tuple[CallChange, ...]
    unchanged: int
    people: int
    today: int
    digest: str
    fallen_due: int = 0

    @property
    def token(self) -> str:
        """What a page hands back with the confirmation: what was shown, and its numbers."""
        return ".".join([self.digest, *map(str, self._numbers)])

    def is_as_shown(self, token: str) -> bool:
        """Whether `token` is of the same edition and draft, and no number has grown since it was shown.

        Reminders go out meanwhile, so fewer may be left; more than was confirmed must be shown again.
        """
        digest, *shown = token.split(".")
        if digest != self.digest or len(shown) != len(self._numbers):
            return False
        if not all(number.isascii() and number.isdigit() and len(number) < 10 for number in shown):
            return False
        return all(now <= int(then) for now, then in zip(self._numbers, shown, strict=True))

    @property
    def _numbers(self) -> tuple[int, ...]:
        return (
            self.people,
            self.today,
            len(self.appear),
            len(self.move),
            len(self.vanish),
            len(self.reword),
            self.fallen_due,
        )


@dataclass(frozen=True)
class ActivationDiff:
    """What an activation starts: `send` with what fell due in a pause and is in time, `skip` without it.

    `forecast`: what it goes by. `is_trial`: Callboard is on trial.
    """

    send: CampaignDiff
    skip: CampaignDiff
    fallen_due: FallenDue
    forecast: CampaignForecast
    is_trial: bool


class DiffOutdated(Exception):
    """Nothing was applied: what would happen is no longer what was shown. `diff` is to be shown instead."""

    def __init__(self, diff: CampaignDiff) -> None:
        super().__init__("what would happen is no longer what was shown")
        self.diff = diff


@pause_collector()
def diff_edit(
    draft: CampaignDraft, now: datetime | None = None, *, present: Present | None = None
) -> CampaignDiff:
    """What saving the draft changes. Of a campaign that isn't active, nothing goes out before or after.

    `present`: what it goes by, where that was read already, with the campaign as it is saved.
    """
    pk = draft.campaign.pk
    saved = take_draft(pk, present.config) if present else read_draft(pk)
    present = present or read_present(now)
    now = present.now
    digest = _make_digest(saved.campaign, draft)
    if saved.campaign.state != Campaign.State.ACTIVE:
        return CampaignDiff(now, (), (), (), (), 0, 0, 0, digest)
    pair = foresee_edit(saved, draft, now, present=present)
    changes, unchanged = _no_changes(), 0
    for key in dict.fromkeys([*pair.before.steps, *pair.after.steps]):
        before, after = pair.before.steps.get(key), pair.after.steps.get(key)
        if before is after:
            unchanged += before.count_going() if before else 0
            continue
        step = (after or before).step.step  # type: ignore[union-attr] # one of the two has it
        unchanged += _compare(step, before, after, changes)
    return _build_diff(pair.after, changes, unchanged, digest)


@pause_collector()
def diff_activation(
    campaign_id: int, saved: CampaignDraft | None = None, present: Present | None = None
) -> ActivationDiff:
    """What activating the campaign starts now, from a draft or a pause.

    What came to be owed in a pause counts, though it is planned only when the pause ends. `saved`, `present`:
    the campaign and what it goes by, where they were read already.
    """
    saved = saved or read_draft(campaign_id)
    campaign = saved.campaign
    present = present or read_present()
    now, forecast = present.now, foresee_campaign(saved, present.now, present=present)
    changes = _no_changes()
    if campaign.state != Campaign.State.ACTIVE:
        changes["appear"] = [
            CallChange(visit, step.step.step, None, outcome)
            for step in forecast.steps.values()
            for visit, outcome in step.list_going().items()
        ]
    foreseen = Foreseen(present.config, forecast.facts.visits.uses, forecast.list_unplanned_due())
    due = find_due_in_paused_campaign(campaign, now, foreseen)
    send = _build_diff(forecast, changes, 0, _make_digest(campaign, saved))
    send = replace(send, fallen_due=len(due.in_time))
    return ActivationDiff(send, _leave_out(send, forecast, due), due, forecast, present.is_trial)


def count_people(forecast: CampaignForecast, visits: Iterable[int]) -> int:
    """How many patients these visits are of."""
    return len({forecast.facts.visits.times[visit].contact for visit in visits})


def _no_changes() -> ChangesByKind:
    return {"appear": [], "move": [], "vanish": [], "reword": []}


def _compare(
    step: Step, before: StepForecast | None, after: StepForecast | None, changes: ChangesByKind
) -> int:
    """Add the changes of one step to `changes`; how many of its reminders stay the same.

    Outcomes are shared by many visits, so that each pair of them is compared once.
    """
    gone = before.list_going() if before else {}
    unchanged = 0
    for new, visits in after.outcomes.items() if after else ():
        if new.seconds is None:
            continue
        kind_of: dict[int, str] = {}  # by the identity of the outcome before
        for visit in visits:
            old = gone.pop(visit, None)
            kind = kind_of.get(id(old))
            if kind is None:
                kind = kind_of[id(old)] = _find_kind(old, new)
            if kind == SAME:
                unchanged += 1
            else:
                changes[kind].append(CallChange(visit, step, old, new))
    changes["vanish"] += [CallChange(visit, step, old, None) for visit, old in gone.items()]
    return unchanged


def _build_diff(
    forecast: CampaignForecast, changes: ChangesByKind, unchanged: int, digest: str
) -> CampaignDiff:
    outcomes = [one for step in forecast.steps.values() for one in step.outcomes.items()]
    going = set[int]().union(*(visits for outcome, visits in outcomes if outcome.seconds is not None))
    return CampaignDiff(
        forecast.facts.now,
        appear=tuple(changes["appear"]),
        move=tuple(changes["move"]),
        vanish=tuple(changes["vanish"]),
        reword=tuple(changes["reword"]),
        unchanged=unchanged,
        people=count_people(forecast, going),
        today=count_people(forecast, find_called_today(forecast)),
        digest=digest,
    )


def _find_kind(old: Outcome | None, new: Outcome) -> str:
    if old is None:
        return "appear"
    if (old.seconds, old.channel) != (new.seconds, new.channel):
        return "move"
    return SAME if old.text == new.text else "reword"


def _leave_out(diff: CampaignDiff, forecast: CampaignForecast, due: FallenDue) -> CampaignDiff:
    if not due.in_time:
        return diff
    left_out = {(one.step, one.appointment) for one in due.in_time}
    appear = tuple(one for one in diff.appear if (one.step.pk, one.visit) not in left_out)
    is_today = make_today_test(forecast.facts)
    called_today = {one.visit for one in appear if one.after and is_today(one.after)}
    return replace(
        diff,
        appear=appear,
        people=count_people(forecast, {one.visit for one in appear}),
        today=count_people(forecast, called_today),
    )


def _make_digest(campaign: Campaign, draft: CampaignDraft) -> str:
    fields = [field for field in Step._meta.concrete_fields if field.name not in NOT_EDITED]
    steps = [
        [step.pk, *(getattr(step, field.attname) for field in fields if field.name != "position")]
        for step in draft.steps
    ]
    filters = [sorted(part) for part in draft.filters]
    content: list[Any] = [campaign.pk, campaign.edition, campaign.state, draft.name, filters, steps]
    return sha256(json.dumps(content, cls=DjangoJSONEncoder).encode()).hexdigest()[:20]
