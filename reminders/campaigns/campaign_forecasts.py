"""A whole campaign before and after an edit or an activation: the forecast of each of its steps."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from contacts.database.grouping import group_in_memory
from contacts.models import Appointment
from reminders.campaigns.clinic_facts import ClinicFacts
from reminders.campaigns.drafts import (
    CampaignDraft,
    CampaignPlan,
    is_like,
    plan_as_edited,
    plan_as_saved,
)
from reminders.campaigns.forecasts import Forecaster, StepForecast
from reminders.campaigns.reminder_rows import Rows, read_rows
from reminders.campaigns.step_planner import StepPlanner
from reminders.campaigns.upcoming import (
    Planned,
    ReminderGroup,
    read_planned,
    read_reminder_groups,
    read_visits_ahead,
)
from reminders.deciding.fallen_due import DueReminder
from reminders.deciding.present import Present, read_present
from reminders.models import Campaign
from reminders.planning.owed_reminders import StepTiming
from reminders.rules.decide import Situation
from reminders.rules.reasons import Reason
from reminders.rules.states import REMINDER_PENDING, ReminderState

KEPT_STATES = frozenset({ReminderState.SKIPPED, ReminderState.PLANNED})


@dataclass(frozen=True)
class CampaignForecast:
    """What a campaign will send, step by step, as if it were active and sending were on.

    `unplanned`: of the campaign as it is saved, what planning is about to write, by step.
    """

    facts: ClinicFacts
    forecaster: Forecaster
    plan: CampaignPlan
    steps: dict[int, StepForecast]
    unplanned: dict[int, list[Rows]] = field(default_factory=dict)

    def list_unplanned_due(self) -> Iterator[tuple[DueReminder, Situation]]:
        """What of the unplanned is due by now, as fallen_due.py asks for it."""
        for key, rows in self.unplanned.items():
            yield from self.forecaster.list_due(key, rows)


@dataclass(frozen=True)
class ForecastPair:
    """A campaign before and after an edit; the same object twice where there is none."""

    before: CampaignForecast
    after: CampaignForecast


@group_in_memory()
def foresee_edit(
    saved: CampaignDraft,
    draft: CampaignDraft,
    now: datetime,
    only: Collection[int] | None = None,
    *,
    present: Present | None = None,
) -> ForecastPair:
    """The campaign as it is saved, and as `draft` makes it if that is saved at `now` (the database's clock).

    `only`: for these upcoming visits (ids), with all of their households; None for all. `present`: at `now`,
    where it was read already.
    """
    plans = plan_as_saved(saved, now), plan_as_edited(saved, draft, now)
    visits = read_visits_ahead(saved.filters, draft.filters, now, only)
    facts = ClinicFacts(visits, present or read_present(now))
    keys = {key for plan in plans for key in plan.steps if key > 0}
    groups = read_reminder_groups(keys, now, only, live_since=facts.mode.live_since)
    reader = _StepRows(saved.campaign, facts, *plans, groups, only)
    before = CampaignForecast(facts, Forecaster(facts, plans[0], looks_again=True), plans[0], {})
    after = CampaignForecast(
        facts, Forecaster(facts, plans[1], is_after=True, looks_again=True), plans[1], {}
    )
    for key in plans[0].steps:
        before.steps[key] = before.forecaster.forecast(key, reader.read_before(key, before.forecaster))
    for key in plans[1].steps:
        rows = reader.read_after(key, before.forecaster, after.forecaster)
        is_same = rows is reader.read_before(key, before.forecaster) and _decides_alike(key, *plans)
        after.steps[key] = before.steps[key] if is_same else after.forecaster.forecast(key, rows)
    return ForecastPair(before, after)


def foresee_campaign(
    saved: CampaignDraft,
    now: datetime,
    only: Collection[int] | None = None,
    *,
    as_live: bool = False,
    present: Present | None = None,
    known: Mapping[int, Appointment] | None = None,
) -> CampaignForecast:
    """The campaign as it is saved; a draft as if it were activated at `now`.

    `as_live`: as if Callboard were live, for a trial. `present`, `known`: the settings at `now`, and visits
    with all that ClinicFacts.read_appointments() reads, where they were read already.
    """
    plan, present = plan_as_saved(saved, now), present or read_present(now)
    with group_in_memory() if only is None else nullcontext():
        visits = read_visits_ahead(saved.filters, saved.filters, now, only)
        facts = ClinicFacts(visits, present, as_live=as_live, known=known)
        return _foresee_plan(saved, plan, facts, only)


def _foresee_plan(
    saved: CampaignDraft, plan: CampaignPlan, facts: ClinicFacts, only: Collection[int] | None
) -> CampaignForecast:
    now = facts.now
    groups = read_reminder_groups(plan.steps, now, only, live_since=facts.mode.live_since)
    reader = _StepRows(saved.campaign, facts, plan, plan, groups, only)
    found = CampaignForecast(facts, Forecaster(facts, plan), plan, {})
    for key in plan.steps:
        missing = found.unplanned[key] = reader.read_missing(key, plan, found.forecaster)
        rows = [*read_rows(facts, groups.get(key, [])), *missing]
        found.steps[key] = found.forecaster.forecast(key, rows)
    return found


def _decides_alike(key: int, before: CampaignPlan, after: CampaignPlan) -> bool:
    """Whether decisions about the step's reminders stay the same in an edit."""
    one, other = before.steps[key].step, after.steps[key].step
    return before.filters == after.filters and is_like(one, other)


class _StepRows:
    """The reminders of each step before and after an edit."""

    def __init__(
        self,
        campaign: Campaign,
        facts: ClinicFacts,
        before: CampaignPlan,
        after: CampaignPlan,
        groups: dict[int, list[ReminderGroup]],
        only: Collection[int] | None,
    ) -> None:
        self._campaign, self._facts, self._before, self._after = campaign, facts, before, after
        self._groups, self._only = groups, only
        self._rows_before: dict[int, list[Rows]] = {}
        self._present: dict[int, set[int]] = {}
        self._early: dict[datetime | None, Planned] = {}  # by before when
        self._is_planned = campaign.state != Campaign.State.DRAFT

    def read_before(self, key: int, forecaster: Forecaster) -> list[Rows]:
        """The step's reminders as they are, and those that planning is about to write."""
        if key not in self._before.steps:
            return read_rows(self._facts, self._groups.get(key, []))
        if key not in self._rows_before:
            missing = self.read_missing(key, self._before, forecaster) if self._is_planned else []
            self._rows_before[key] = [*read_rows(self._facts, self._groups.get(key, [])), *missing]
            added = (visits for own in missing for visits, _ in own.by_due.values())
            self._present[key] = self._find_present(key).union(*added)
        return self._rows_before[key]

    def read_missing(self, key: int, plan: CampaignPlan, forecaster: Forecaster) -> list[Rows]:
        """What planning would write for the visits that are covered and have no reminder of the step."""
        planner = StepPlanner(self._facts, plan.steps[key].timing)
        return planner.plan(forecaster.covered - self._find_present(key))

    def read_after(self, key: int, before: Forecaster, after: Forecaster) -> list[Rows]:
        """The step's reminders after the edit; the very list of read_before() where nothing moves."""
        rows = self.read_before(key, before)
        present = self._find_present(key)
        planner = StepPlanner(self._facts, self._after.steps[key].timing, is_after=True)
        rows = self._replan(key, planner, rows)
        added = planner.plan(after.covered - present)
        return [*rows, *added] if added else rows

    def _find_present(self, key: int) -> set[int]:
        """The visits with a reminder of the step, those included that read_before() found to be written."""
        if key not in self._present:
            visits = (group.visits for group in self._groups.get(key, ()))
            self._present[key] = set().union(*visits)
        return self._present[key]

    def _replan(self, key: int, planner: StepPlanner, rows: list[Rows]) -> list[Rows]:
        stays = self._stays(key)
        if not any(_may_move(own, stays=stays) for own in rows):
            return rows
        created, tried = self._read_planned(key, self._after.steps[key].timing)
        replanned: list[Rows] = []
        is_moved = False
        for own in rows:
            if not _may_move(own, stays=stays):
                replanned.append(own)
                continue
            new = planner.replan(own, created, tried)
            is_moved = is_moved or new != [own]
            replanned += new
        return replanned if is_moved else rows

    def _stays(self, key: int) -> bool:
        """Whether what the edit leaves planned of a step is due when it was."""
        was = self._before.steps.get(key)
        return was is not None and _is_due_alike(was.timing, self._after.steps[key].timing)

    def _list_moving(self) -> list[int]:
        """The steps of whose reminders replanning may move any: those that were read, and any others."""
        return [
            key
            for key in self._after.steps
            if key not in self._rows_before
            or any(_may_move(own, stays=self._stays(key)) for own in self._rows_before[key])
        ]

    def _read_planned(self, key: int, timing: StepTiming | None) -> tuple[dict[int, float], Collection[int]]:
        """When each reminder was planned (seconds since 1970), and the visits of those that were tried.

        Just now, where it makes no difference.
        """
        facts = self._facts
        live, filters = facts.mode.live_since, timing and timing.since.filters
        early = [moment for moment in (live, filters) if moment and moment < facts.now]
        just_now = (facts.now - timedelta.resolution).timestamp()
        created: dict[int, float] = {}
        for group in self._groups.get(key, ()):
            created.update(dict.fromkeys(group.visits, just_now))
        before = max(early, default=None)
        if before not in self._early:
            self._early[before] = read_planned(self._list_moving(), facts.now, before, self._only)
        planned = self._early[before]
        return created | dict(planned.early.get(key, {})), planned.tried.get(key, ())


def _is_due_alike(one: StepTiming | None, other: StepTiming | None) -> bool:
    """Whether what is planned by either is due at the same time, since whenever they mean somebody."""
    if one is None or other is None:
        return one is other
    return one._replace(since=other.since) == other and not other.bring_forward


def _may_move(own: Rows, *, stays: bool) -> bool:
    """Whether replanning may change these reminders; `stays`: what is planned is due when it was."""
    if own.row.state not in KEPT_STATES:
        return False
    is_plain = own.row.state in REMINDER_PENDING and own.row.reason != Reason.BROUGHT_FORWARD
    return not (stays and is_plain)
