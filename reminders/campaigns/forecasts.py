"""What each step of a campaign will send about each upcoming visit, and what it won't: counted set-wise.

Reminders that are planned go by their rows. What isn't planned yet is found as planning finds it (find_owed),
what an edit moves as replanning moves it (find_replanned), and whether and when it goes as pages and workers
decide it (decide). So a forecast says what the page of a visit says and what dispatch does.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import NamedTuple

from contacts.models import Appointment
from reminders.campaigns.clinic_facts import ClinicFacts
from reminders.campaigns.decisions_ahead import NEVER, DecisionsAhead
from reminders.campaigns.drafts import CampaignPlan, PlannedStep, load_texts
from reminders.campaigns.reminder_rows import ByDue, Rows, Waiting
from reminders.deciding.coverage import lacks_consent
from reminders.deciding.explanations import FOUND, foresee_call
from reminders.deciding.fallen_due import DueReminder
from reminders.deciding.number_caps import NumberUse
from reminders.deciding.situations import (
    NO_LIMITS,
    ReminderFacts,
    apply_limits,
    find_late_booking,
    read_reminder_facts,
    read_shared_facts,
)
from reminders.models import Reminder, Step
from reminders.planning.early_looks import is_line_busy
from reminders.rules.decide import Decision, Situation, Verdict
from reminders.rules.reasons import Reason
from reminders.rules.states import REMINDER_PENDING, ReminderState
from reminders.rules.zones import zone_or_utc
from reminders.wording.scripts import channel_of

GOES = (Verdict.CALL, Verdict.WAIT)
NOT_CALLED = frozenset(
    {
        *(Verdict.SKIP, Verdict.BLOCK, Verdict.MISS),
        *(ReminderState.SKIPPED, ReminderState.MISSED, ReminderState.WITHDRAWN),
    }
)


class Outcome(NamedTuple):
    """What becomes of a step's reminder about a visit.

    `verdict`: decide()'s, or the state of a reminder that has ended or is under way. `reason`: a code of
    reasons.Reason. `seconds`: when it will go out, if it will (since 1970). `text`: the id of its ScriptText.
    `own_channel`: the reminder's own, of a text that follows the calls; judge_of() and messages go by it.
    `is_at_once`: it was booked too late for it, and goes in the hours of its booking or not at all.
    """

    verdict: str
    reason: str
    seconds: float | None
    channel: str
    text: int | None
    location: int
    own_channel: str = ""
    is_at_once: bool = False

    @property
    def moment(self) -> datetime | None:
        """When it will go out (aware UTC), if it will."""
        return None if self.seconds is None else datetime.fromtimestamp(self.seconds, UTC)


@dataclass
class StepForecast:
    """The outcomes of one step, each with the visits (ids) that have it."""

    step: PlannedStep
    outcomes: dict[Outcome, list[int]] = field(default_factory=dict)

    def add(self, outcome: Outcome, visits: Sequence[int]) -> None:
        self.outcomes.setdefault(outcome, []).extend(visits)

    def list_going(self) -> dict[int, Outcome]:
        """The outcomes of those that go out, by visit."""
        return {
            visit: outcome
            for outcome, visits in self.outcomes.items()
            if outcome.seconds is not None
            for visit in visits
        }

    def count_going(self) -> int:
        return sum(len(visits) for outcome, visits in self.outcomes.items() if outcome.seconds is not None)


class Judge:
    """What decide() says of a step's reminders to visits of one class."""

    def __init__(self, facts: ReminderFacts, channel: str) -> None:
        self.facts, self.channel = facts, channel
        self.location = facts.reminder.appointment.location_id
        self.is_at_once = facts.reminder.step.if_late == Step.IfLate.NOW
        self.text = facts.script_text.pk if facts.script_text else None
        # a trial that is full today has room again tomorrow; what is due now is judged alone
        situation = facts.situation._replace(trial_full=False)
        self.decisions = DecisionsAhead(situation)
        self.before_live = DecisionsAhead(situation._replace(due_before_live=True))


class Forecaster:
    """Forecasts the steps of a campaign as one plan has it, as if it were active and sending were on.

    `covered`: the visits (ids) that the plan's filters cover. `is_after`: by the filters after an edit.
    `looks_again`: as after any edit, when what waits for a later look of a worker is looked at again at once
    (planning/early_looks.py).
    """

    def __init__(
        self, facts: ClinicFacts, plan: CampaignPlan, *, is_after: bool = False, looks_again: bool = False
    ) -> None:
        self._facts, self._plan, self._looks_again = facts, plan, looks_again
        self._now = facts.now.timestamp()
        self._judges: dict[tuple[int, int, str], Judge] = {}
        load_texts([planned.step for planned in plan.steps.values()])
        kinds = enumerate(facts.visits.classes)
        self._covered = {index for index, kind in kinds if kind.is_covered(after=is_after)}
        class_of = facts.visits.class_of
        self.covered = {visit for visit, index in class_of.items() if index in self._covered}

    def forecast(self, key: int, rows: Sequence["Rows"]) -> StepForecast:
        """The outcomes of a step for these rows, planned or as planning would write them."""
        forecast = StepForecast(self._plan.steps[key])
        for own in rows:
            index, row, by_due = own
            if row.state in REMINDER_PENDING:
                self._judge(forecast, row, self.judge_of(key, index, row.channel), by_due)
                continue
            location = self._facts.visits.classes[index].location
            for visits, _ends in by_due.values():
                forecast.add(Outcome(row.state, row.reason, None, row.channel, None, location), visits)
        return forecast

    def list_due(self, key: int, rows: Sequence[Rows]) -> Iterator[tuple[DueReminder, Situation]]:
        """Those of a step's unplanned reminders that are due by now, within the caps of their numbers.

        Unlike a forecast, it goes by whether their location is paused.
        """
        due_by_now = (
            (self.judge_of(key, index, row.channel), row, due, visit, end)
            for index, row, by_due in rows
            if row.state in REMINDER_PENDING
            for due, (visits, ends) in by_due.items()
            if due <= self._now
            for visit, end in zip(visits, ends, strict=True)
        )
        for judge, row, due, visit, end in due_by_now:
            reminder, situation = self._read_alone(judge, row, due, visit, end)
            is_paused, use = reminder.appointment.location.paused_at is not None, self._use_of(visit)
            situation = situation._replace(location_paused=is_paused)
            limits = use.limits_by_cap(reminder, self._facts.now) if use else NO_LIMITS
            yield DueReminder(None, key, visit), apply_limits(situation, limits)

    def judge_of(self, key: int, index: int, channel: str = "") -> Judge:
        """The judge for a step and a class of visits; `channel`: a reminder's own, where it has one."""
        known = self._judges.get((key, index, channel))
        if known is None:
            known = self._judges[key, index, channel] = self._make_judge(key, index, channel)
        return known

    def judges_of(self, key: int) -> list[Judge]:
        """The judges that a forecast of the step has needed."""
        return [judge for (step, *_), judge in self._judges.items() if step == key]

    def _make_judge(self, key: int, index: int, channel: str) -> Judge:
        example, step = self._facts.examples[index], self._plan.steps[key].step
        now = self._facts.now
        reminder = Reminder(
            appointment=example,
            step=step,
            revision=example.revision,
            due_at=now,
            not_after=NEVER,
            next_look_at=now,
            channel=channel,
        )
        self._facts.mode.add_to(reminder)
        is_covered = index in self._covered and step.removed_at is None
        shared = read_shared_facts(reminder, covered=is_covered)
        found = read_reminder_facts(reminder, sending_paused=False, shared=shared)
        situation = found.situation._replace(
            campaign_active=True,
            location_paused=False,
            consent_lacking=lacks_consent(self._plan.filters.consent, found.number),
            at_once_from=None,
            due_before_live=False,
        )
        return Judge(replace(found, situation=situation), channel_of(reminder))

    def _judge(self, forecast: StepForecast, row: Waiting, judge: Judge, by_due: ByDue) -> None:
        may_be_limited = self._may_be_limited(row, judge)
        decisions = judge.before_live if row.is_before_live else judge.decisions
        for due, (visits, ends) in by_due.items():
            moment = max(due, row.try_after or due, self._now)
            look = self._find_next_look(row, due)
            if may_be_limited:
                visits, ends = self._judge_limited(forecast, row, judge, due, visits, ends)
            while visits:
                earliest = min(ends)
                decision, goes_at = decisions.decide_at(moment, earliest)
                seconds = max(goes_at, look) if decision.verdict in GOES else None
                outcome = _describe(decision, seconds, row, judge)
                if (
                    decision.verdict != Verdict.MISS and goes_at < earliest
                ):  # who ends later has more time left
                    forecast.add(outcome, visits)
                    break
                forecast.add(outcome, [one for one, end in zip(visits, ends, strict=True) if end == earliest])
                visits = [one for one, end in zip(visits, ends, strict=True) if end > earliest]
                ends = [end for end in ends if end > earliest]

    def _judge_limited(
        self,
        forecast: StepForecast,
        row: Waiting,
        judge: Judge,
        due: float,
        visits: list[int],
        ends: list[float],
    ) -> tuple[list[int], list[float]]:
        """Judge those alone that are not like the others; the others, with their ends."""
        limited = self._find_limited(row, judge, due, visits)
        if not limited:
            return visits, ends
        look = self._find_next_look(row, due)
        for visit, end in zip(visits, ends, strict=True):
            if visit in limited:
                decision, called_at = self._judge_alone(judge, row, due, visit, end)
                seconds = None if called_at is None else max(called_at.timestamp(), look)
                is_late = self._is_booked_late(row, judge, due, visit)
                outcome = _describe(decision, seconds, row, judge)
                forecast.add(outcome._replace(is_at_once=is_late), [visit])
        others = [pair for pair in zip(visits, ends, strict=True) if pair[0] not in limited]
        return [visit for visit, _ in others], [end for _, end in others]

    def _find_next_look(self, row: Waiting, due: float) -> float:
        """Before which no worker comes; an activation brings it forward too (planning/activation.py)."""
        if not self._looks_again and row.reason != Reason.CAMPAIGN_PAUSED:
            return due if row.look is None else row.look
        return self._now if row.ordered_by else due  # an order doesn't wait for the due time

    def _may_be_limited(self, row: Waiting, judge: Judge) -> bool:
        """Whether _find_limited() can find any."""
        is_full = judge.facts.situation.trial_full
        is_of_its_own = bool(row.ordered_by) or row.reason in FOUND or is_full or judge.is_at_once
        return is_of_its_own or bool(self._facts.visits.uses)

    def _find_limited(self, row: Waiting, judge: Judge, due: float, visits: list[int]) -> Collection[int]:
        """Those that an order, an earlier look, their booking or other calls decide about, one by one."""
        moment = self._facts.at(max(due, row.try_after or due, self._now))
        is_full = judge.facts.situation.trial_full and moment <= self._facts.now
        if row.ordered_by or row.reason in FOUND or is_full:
            return set(visits)
        uses, times = self._facts.visits.uses, self._facts.visits.times
        limited = set()
        if judge.is_at_once:
            limited = {visit for visit in visits if self._is_booked_late(row, judge, due, visit)}
        if not uses:
            return limited
        zone = zone_or_utc(judge.facts.reminder.appointment.location.time_zone)
        called = (visit for visit in visits if times[visit].phone in uses)
        return limited.union(
            visit for visit in called if uses[times[visit].phone or 0].may_be_capped(moment, zone)
        )

    def _is_booked_late(self, row: Waiting, judge: Judge, due: float, visit: int) -> bool:
        """Whether the step says "at once" of it, as situations.find_late_booking() finds it."""
        is_at_once = judge.is_at_once and row.try_after is None
        return is_at_once and due < self._facts.visits.times[visit].revised

    def _judge_alone(
        self, judge: Judge, row: Waiting, due: float, visit: int, end: float
    ) -> tuple[Decision, datetime | None]:
        """By explanations.py, as pages do, with the calls to its number."""
        (reminder, situation), use = self._read_alone(judge, row, due, visit, end), self._use_of(visit)
        if self._looks_again and row.reason == Reason.LINE_BUSY and not is_line_busy(use, self._facts.now):
            reminder.reason = ""  # as planning/early_looks.py: the other call has ended
        foreseen = foresee_call(reminder, situation, self._facts.now, use)
        return foreseen.decision, foreseen.moment

    def _read_alone(
        self, judge: Judge, row: Waiting, due: float, visit: int, end: float
    ) -> tuple[Reminder, Situation]:
        """One reminder of a row, and its situation."""
        at, example, times = self._facts.at, judge.facts.reminder.appointment, self._facts.visits.times[visit]
        appointment = Appointment(
            pk=visit,
            location=example.location,
            starts_at=at(times.starts),
            revised_at=at(times.revised),
            revision=times.revision,
        )
        reminder = Reminder(
            appointment=appointment,
            step=judge.facts.reminder.step,
            revision=times.revision,
            due_at=at(due),
            not_after=at(end),
            next_look_at=at(due if row.look is None else row.look),
            try_after=None if row.try_after is None else at(row.try_after),
            state=row.state,
            reason=row.reason,
            channel=row.channel,
        )
        situation = judge.facts.situation._replace(
            not_before=reminder.not_before,
            not_after=reminder.not_after,
            ordered=row.ordered_by is not None,
            at_once_from=find_late_booking(reminder),
            due_before_live=row.is_before_live,
        )
        return reminder, situation

    def _use_of(self, visit: int) -> NumberUse | None:
        """The calls of the last week to its number, if there were any."""
        return self._facts.visits.uses.get(self._facts.visits.times[visit].phone or 0)


def _describe(decision: Decision, seconds: float | None, row: Waiting, judge: Judge) -> Outcome:
    """`seconds`: when it goes out, if it does."""
    text = None if seconds is None else judge.text
    return Outcome(
        decision.verdict, decision.reason, seconds, judge.channel, text, judge.location, row.channel
    )
