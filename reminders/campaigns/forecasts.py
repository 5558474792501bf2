"""What each step of a campaign will send about each upcoming visit, and what it won't: counted set-wise.

Reminders that are planned go by their rows. What isn't planned yet is found as planning finds it (find_owed),
what an edit moves as replanning moves it (find_replanned), and whether and when it goes as pages and workers
decide it (decide). So a forecast says what the page of a visit says and what dispatch does.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import NamedTuple

from contacts.models import Appointment, Location
from reminders.campaigns.decisions_ahead import NEVER, DecisionsAhead
from reminders.campaigns.drafts import CampaignPlan, PlannedStep, load_texts
from reminders.campaigns.upcoming import ReminderGroup, VisitClass, Visits
from reminders.deciding.explanations import FOUND, foresee_call
from reminders.deciding.number_caps import LOOKED_BACK
from reminders.deciding.situations import (
    ModeFacts,
    ReminderFacts,
    find_late_booking,
    read_mode_facts,
    read_reminder_facts,
    read_shared_facts,
)
from reminders.models import Reminder, Step
from reminders.planning.bulk_rows import OwedReminder, PlannedAppointment
from reminders.planning.early_looks import is_line_busy
from reminders.planning.owed_reminders import (
    LONG_AGO,
    LocationClock,
    OwedFinder,
    StepTiming,
    read_location_clock,
)
from reminders.planning.replanning import (
    UntriedReminder,
    as_covered_then,
    find_replanned,
    with_details_then,
)
from reminders.rules.decide import Decision, Verdict
from reminders.rules.modes import SendingMode
from reminders.rules.reasons import SKIPPED_BY_PLANNING, Reason
from reminders.rules.states import REMINDER_PENDING, ReminderState
from reminders.wording.pronunciations import read_pronunciations
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


class Waiting(NamedTuple):
    """A reminder's row as far as decisions go by it, but its end; seconds since 1970.

    `is_before_live`: it came to be owed before the installation went live (situations.is_due_before).
    """

    state: str
    reason: str
    channel: str
    ordered_by: int | None
    due: float
    look: float
    try_after: float | None
    is_before_live: bool = False


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


class ClinicFacts:
    """The upcoming visits with what decisions about them need: their classes' examples, locations, clocks.

    `as_live`: as if the mode were live, which is what a trial is a preview of.
    """

    def __init__(self, visits: Visits, now: datetime, *, as_live: bool = False) -> None:
        self.visits, self.now = visits, now
        self.mode = ModeFacts(SendingMode.LIVE, None, 0) if as_live else read_mode_facts(now)
        self.pronunciations = read_pronunciations()
        self.locations = {one.pk: one for one in Location.objects.prefetch_related("closed_days")}
        self.clocks: dict[int, LocationClock | None] = {
            pk: read_location_clock(location) for pk, location in self.locations.items()
        }
        self.examples = self._read_examples()
        self._places = {index: _find_place(example) for index, example in self.examples.items()}
        self._moments: dict[float, datetime] = {}

    def at(self, seconds: float) -> datetime:
        """The moment (aware UTC); one object for equal moments."""
        found = self._moments.get(seconds)
        if found is None:
            found = self._moments[seconds] = datetime.fromtimestamp(seconds, UTC)
        return found

    def class_of(self, visit: int) -> VisitClass:
        return self.visits.classes[self.visits.class_of[visit]]

    def plannable(self, visit: int, patient: float | None = None) -> PlannedAppointment:
        """The visit as planning takes it; `patient`: one of its times, by the filters that planning uses."""
        times = self.visits.times[visit]
        location, stated_zone, number_zones = self._places[self.visits.class_of[visit]]
        return PlannedAppointment(
            visit,
            location,
            times.revision,
            self.at(times.starts),
            datetime.fromtimestamp(times.revised, UTC),
            None if times.details is None else self.at(times.details),
            stated_zone,
            number_zones,
            None if times.booked is None else self.at(times.booked),
            None if patient is None else self.at(patient),
        )

    def _read_examples(self) -> dict[int, Appointment]:
        """A visit of each class that has any, by class, with its contact, number, provider and location.

        One that was deleted since the visits were read is left out, and the next of its class is taken.
        """
        found: dict[int, Appointment] = {}
        while first := self._find_first(found):
            rows = Appointment.objects.select_related("contact__phone", "provider").in_bulk(
                list(first.values())
            )
            for index, visit in first.items():
                if visit in rows and rows[visit].location_id in self.locations:
                    found[index] = rows[visit]
                    found[index].location = self.locations[rows[visit].location_id]
                else:
                    del self.visits.class_of[visit]
        return found

    def _find_first(self, found: Collection[int]) -> dict[int, int]:
        """The first visit of each class that has no example yet, by class."""
        first: dict[int, int] = {}
        for visit, index in self.visits.class_of.items():
            if index not in found:
                first.setdefault(index, visit)
        return first


def _find_place(example: Appointment) -> tuple[int, str, tuple[str, ...]]:
    """Its location (id), the zone that the patient has stated, and the zones of the number."""
    phone = example.contact.phone
    return example.location_id, example.contact.time_zone, tuple(phone.time_zones) if phone else ()


class Judge:
    """What decide() says of a step's reminders to visits of one class."""

    def __init__(self, facts: ReminderFacts, channel: str) -> None:
        self.facts, self.channel = facts, channel
        self.location = facts.reminder.appointment.location_id
        self.is_at_once = facts.reminder.step.if_late == Step.IfLate.NOW
        self.text = facts.script_text.pk if facts.script_text else None
        # a trial that is full today has room again tomorrow; what is due now is judged alone
        situation = replace(facts.situation, trial_full=False)
        self.decisions = DecisionsAhead(situation)
        self.before_live = DecisionsAhead(replace(situation, due_before_live=True))


class Forecaster:
    """Forecasts the steps of a campaign as one plan has it, as if it were active and sending were on.

    `is_after`: by the filters after an edit. `looks_again`: as after any edit, when what waits for a later
    look of a worker is looked at again at once (planning/early_looks.py).
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

    def list_covered(self) -> set[int]:
        """The visits that the plan's filters cover, by id."""
        return {visit for visit, index in self._facts.visits.class_of.items() if index in self._covered}

    def forecast(self, key: int, rows: Sequence["Rows"]) -> StepForecast:
        """The outcomes of a step for these rows, planned or as planning would write them."""
        forecast = StepForecast(self._plan.steps[key])
        for index, row, visits, ends in rows:
            if row.state in REMINDER_PENDING:
                self._judge(forecast, row, self.judge_of(key, index, row.channel), visits, ends)
            else:
                location = self._facts.visits.classes[index].location
                forecast.add(Outcome(row.state, row.reason, None, row.channel, None, location), visits)
        return forecast

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
        situation = replace(
            found.situation,
            campaign_active=True,
            location_paused=False,
            at_once_from=None,
            due_before_live=False,
        )
        return Judge(replace(found, situation=situation), channel_of(reminder))

    def _judge(
        self, forecast: StepForecast, row: Waiting, judge: Judge, visits: list[int], ends: list[float]
    ) -> None:
        due = max(row.due, row.try_after or row.due)
        moment = self._facts.at(due) if due > self._now else self._facts.now
        if limited := self._find_limited(row, judge, visits, moment):
            for visit, end in zip(visits, ends, strict=True):
                if visit in limited:
                    decision, called_at = self._judge_alone(judge, row, visit, end)
                    outcome = self._describe(decision, called_at, row, judge)
                    is_late = self._is_booked_late(row, judge, visit)
                    forecast.add(outcome._replace(is_at_once=is_late), [visit])
            pairs = [pair for pair in zip(visits, ends, strict=True) if pair[0] not in limited]
            visits, ends = [visit for visit, _ in pairs], [end for _, end in pairs]
        while visits:
            earliest = min(ends)
            ends_at = self._facts.at(earliest)
            decisions = judge.before_live if row.is_before_live else judge.decisions
            decision = decisions.decide_at(moment, ends_at)
            until = decision.until or moment
            outcome = self._describe(decision, until if decision.verdict in GOES else None, row, judge)
            if decision.verdict != Verdict.MISS and until < ends_at:  # who ends later has more time left
                forecast.add(outcome, visits)
                return
            forecast.add(outcome, [one for one, end in zip(visits, ends, strict=True) if end == earliest])
            visits = [one for one, end in zip(visits, ends, strict=True) if end > earliest]
            ends = [end for end in ends if end > earliest]

    def _describe(
        self, decision: Decision, called_at: datetime | None, row: Waiting, judge: Judge
    ) -> Outcome:
        if called_at is None:
            return Outcome(
                decision.verdict, decision.reason, None, judge.channel, None, judge.location, row.channel
            )
        seconds = max(called_at.timestamp(), self._find_next_look(row))
        return Outcome(
            decision.verdict,
            decision.reason,
            seconds,
            judge.channel,
            judge.text,
            judge.location,
            row.channel,
        )

    def _find_next_look(self, row: Waiting) -> float:
        """Before which no worker comes; an activation brings it forward too (planning/activation.py)."""
        if not self._looks_again and row.reason != Reason.CAMPAIGN_PAUSED:
            return row.look
        return self._now if row.ordered_by else row.due  # an order doesn't wait for the due time

    def _find_limited(
        self, row: Waiting, judge: Judge, visits: list[int], moment: datetime
    ) -> Collection[int]:
        """Those that an order, an earlier look, their booking or other calls decide about, one by one."""
        is_full = judge.facts.situation.trial_full and moment <= self._facts.now
        if row.ordered_by or row.reason in FOUND or is_full:
            return set(visits)
        uses, times = self._facts.visits.uses, self._facts.visits.times
        limited = set()
        if judge.is_at_once:
            limited = {visit for visit in visits if self._is_booked_late(row, judge, visit)}
        if not uses:
            return limited
        called = {visit for visit in visits if times[visit].phone in uses}
        return limited | {
            visit
            for visit in called
            if any(call.at > moment - LOOKED_BACK for call in uses[times[visit].phone or 0].calls)
        }

    def _is_booked_late(self, row: Waiting, judge: Judge, visit: int) -> bool:
        """Whether the step says "at once" of it, as situations.find_late_booking() finds it."""
        is_at_once = judge.is_at_once and row.try_after is None
        return is_at_once and row.due < self._facts.visits.times[visit].revised

    def _judge_alone(
        self, judge: Judge, row: Waiting, visit: int, end: float
    ) -> tuple[Decision, datetime | None]:
        """By explanations.py, as pages do, with the calls to its number."""
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
            due_at=at(row.due),
            not_after=at(end),
            next_look_at=at(row.look),
            try_after=None if row.try_after is None else at(row.try_after),
            state=row.state,
            reason=row.reason,
            channel=row.channel,
        )
        situation = replace(
            judge.facts.situation,
            not_before=reminder.not_before,
            not_after=reminder.not_after,
            ordered=row.ordered_by is not None,
            at_once_from=find_late_booking(reminder),
            due_before_live=row.is_before_live,
        )
        use = self._facts.visits.uses.get(times.phone or 0)
        if self._looks_again and row.reason == Reason.LINE_BUSY and not is_line_busy(use, self._facts.now):
            reminder.reason = ""  # as planning/early_looks.py: the other call has ended
        foreseen = foresee_call(reminder, situation, self._facts.now, use)
        return foreseen.decision, foreseen.moment


class Rows(NamedTuple):
    """Reminders to visits of one class that are alike but for their ends (seconds since 1970)."""

    class_index: int
    row: Waiting
    visits: list[int]
    ends: list[float]


class RowGroups:
    """Collects reminders that are alike."""

    def __init__(self) -> None:
        self._groups: dict[tuple[int, Waiting], tuple[list[int], list[float]]] = {}

    def add(self, index: int, row: Waiting, visit: int, end: float) -> None:
        """`index`: the visit's class."""
        own = self._groups.get((index, row))
        if own is None:
            own = self._groups[index, row] = ([], [])
        own[0].append(visit)
        own[1].append(end)

    def list_rows(self) -> list[Rows]:
        return [Rows(index, row, *own) for (index, row), own in self._groups.items()]


def read_rows(facts: ClinicFacts, groups: Sequence[ReminderGroup]) -> list[Rows]:
    """The reminders as they are, those that are alike together."""
    class_of, found = facts.visits.class_of, []
    live = facts.mode.live_since.timestamp() if facts.mode.live_since else 0.0
    for group in groups:
        head = group[:4]
        is_pending = group.state in REMINDER_PENDING
        own: dict[tuple[int, float, float, float | None, bool], tuple[list[int], list[float]]] = {}
        for visit, due, end, look, try_after, created in zip(*group[4:], strict=True):
            index = class_of.get(visit)
            if index is None:
                continue
            key = (index, 0.0, 0.0, None, False)
            if is_pending:
                key = (index, due, look, try_after, due < live and created < live)
            pair = own.get(key)
            if pair is None:
                pair = own[key] = ([], [])
            pair[0].append(visit)
            pair[1].append(end)
        found += [
            Rows(index, Waiting(*head, due, look, again, is_before_live), *pair)
            for (index, due, look, again, is_before_live), pair in own.items()
        ]
    return found


class StepPlanner:
    """What planning writes for visits without a reminder of a step, and what replanning makes of the others.

    What is owed is found once for visits of a class that start at the same time and were booked before it is
    due: for them, when they were booked makes no difference (a test holds it equal to find_owed).
    `is_after`: by the filters after an edit.
    """

    def __init__(self, facts: ClinicFacts, timing: StepTiming | None, *, is_after: bool = False) -> None:
        self._facts, self._timing, self._is_after = facts, timing, is_after
        self._finders: dict[bool, OwedFinder] = {}
        self._owed: dict[tuple[int, float, bool], tuple[OwedReminder | None, float]] = {}

    def plan(self, visits: Collection[int]) -> list[Rows]:
        """The reminders that planning would write for these visits."""
        found, class_of = RowGroups(), self._facts.visits.class_of
        for visit in visits:
            if owed := self._find_owed(visit, None):
                found.add(class_of[visit], _write(owed), visit, owed.not_after.timestamp())
        return found.list_rows()

    def replan(self, own: Rows, created: Mapping[int, float], tried: Collection[int]) -> list[Rows]:
        """These reminders after an edit; `created`: when each was planned, for a new one it is missing."""
        found, at, known = RowGroups(), self._facts.at, {}
        is_done = own.row.ordered_by is not None or not _is_replannable(own.row)
        for visit, end in zip(own.visits, own.ends, strict=True):
            if is_done or visit in tried:
                found.add(own.class_index, own.row, visit, end)
                continue
            planned_at = created.get(visit)
            owed = self._find_owed(visit, self._facts.now if planned_at is None else at(planned_at))
            is_before_live = owed is not None and self._is_before_live(owed, planned_at)
            key = (id(owed), end, is_before_live)
            if key not in known:
                untried = UntriedReminder(
                    own.row.state, own.row.reason, at(own.row.due), at(end), self._facts.now
                )
                new = find_replanned(untried, owed, self._facts.now)
                moved = new and _write(new)._replace(
                    channel=own.row.channel, try_after=own.row.try_after, is_before_live=is_before_live
                )
                known[key] = (owed, moved or own.row, new.not_after.timestamp() if new else end)
            _, row, end = known[key]
            found.add(own.class_index, row, visit, end)
        return found.list_rows()

    def _is_before_live(self, owed: OwedReminder, planned_at: float | None) -> bool:
        """As situations.py says it; what is not planned yet (None) is planned now, after that."""
        live = self._facts.mode.live_since
        if live is None or planned_at is None:
            return False
        return max(owed.due_at.timestamp(), planned_at) < live.timestamp()

    def _find_owed(self, visit: int, planned_at: datetime | None) -> OwedReminder | None:
        """`planned_at`: when it was planned, if it was."""
        times, index = self._facts.visits.times[visit], self._facts.visits.class_of[visit]
        filters = self._timing and self._timing.since.filters
        was_covered = bool(filters and planned_at and planned_at < filters)
        # replanning passes over what the filters ask of the patient: it was covered when it was planned
        changed = times.patient_after if self._is_after else times.patient_before
        patient = changed if planned_at is None else None
        is_after_booking = self._timing is not None and self._timing.is_after_booking
        if times.details is None and patient is None and not is_after_booking:
            key = (index, times.starts, was_covered)
            known = self._owed.get(key)
            if known is None:
                early = self._facts.plannable(visit)._replace(revised_at=LONG_AGO)
                owed = self._finder_for(was_covered).find(early)
                known = self._owed[key] = (owed, owed.due_at.timestamp() if owed else 0.0)
            if known[0] is None or times.revised <= known[1]:
                return known[0]
        appointment = self._facts.plannable(visit, patient)
        if planned_at is not None:
            appointment = with_details_then(appointment, planned_at)
        return self._finder_for(was_covered).find(appointment)

    def _finder_for(self, was_covered: bool) -> OwedFinder:
        if was_covered not in self._finders:
            timing = as_covered_then(self._timing, LONG_AGO) if was_covered else self._timing
            self._finders[was_covered] = OwedFinder(timing, self._facts.clocks)
        return self._finders[was_covered]


def _write(owed: OwedReminder) -> Waiting:
    """The row of a reminder that is planned now."""
    due = owed.due_at.timestamp()
    return Waiting(owed.state, owed.reason, "", None, due, due, None)


def _is_replannable(row: Waiting) -> bool:
    return row.state == ReminderState.PLANNED or (
        row.state == ReminderState.SKIPPED and row.reason in SKIPPED_BY_PLANNING
    )
