"""Which visits of a household go out as one call, as the last look groups them (deciding/households.py)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from contacts.models.people import Channel
from reminders.campaigns.campaign_forecasts import CampaignForecast
from reminders.campaigns.forecasts import Judge, Outcome, StepForecast
from reminders.deciding.households import MOST_IN_ONE_CALL, build_message
from reminders.deciding.situations import ReminderFacts
from reminders.models import Reminder
from reminders.rules.decide import Verdict, decide
from reminders.rules.reasons import Reason
from reminders.wording.sms_alphabet import measure_text


class HouseholdCall(NamedTuple):
    """One call or text: its lead's outcome, and all visits that it is about, the lead first."""

    outcome: Outcome
    visits: tuple[int, ...]


def count_calls(forecast: CampaignForecast, step: StepForecast) -> Counter[Outcome]:
    """How many calls and texts go out, by the outcome of their leads."""
    members = {visit for household in forecast.facts.visits.households for visit in household}
    calls: Counter[Outcome] = Counter()
    for outcome, visits in step.outcomes.items():
        if outcome.seconds is not None:
            calls[outcome] += len(visits) - (sum(visit in members for visit in visits) if members else 0)
    calls.update(call.outcome for call in find_household_calls(forecast, step))
    return +calls


def find_household_calls(forecast: CampaignForecast, step: StepForecast) -> list[HouseholdCall]:
    """The calls about visits of households, also those about one visit alone."""
    households = forecast.facts.visits.households
    if not households:
        return []
    members = {visit for household in households for visit in household}
    outcomes = {
        visit: outcome
        for outcome, visits in step.outcomes.items()
        if outcome.seconds is not None
        for visit in visits
        if visit in members
    }
    grouping = _Grouping(forecast, step, outcomes)
    return [call for household in households for call in grouping.group(household)]


class _Grouping:
    """Groups the reminders of one step to a household."""

    def __init__(self, forecast: CampaignForecast, step: StepForecast, outcomes: dict[int, Outcome]) -> None:
        self._forecast, self._step, self._outcomes = forecast, step, outcomes
        texted = [visit for visit, outcome in outcomes.items() if outcome.channel == Channel.SMS]
        self._texted = forecast.facts.read_appointments(texted)

    def group(self, household: Sequence[int]) -> list[HouseholdCall]:
        by_channel: dict[tuple[str, str], list[int]] = {}
        calls = []
        for visit in household:
            outcome = self._outcomes.get(visit)
            if outcome is None or (outcome.channel == Channel.SMS and visit not in self._texted):
                continue  # not sent, or deleted since the visits were read
            if outcome.reason == Reason.ORDERED:  # joined with nothing else
                calls.append(HouseholdCall(outcome, (visit,)))
            else:
                by_channel.setdefault((outcome.own_channel, outcome.channel), []).append(visit)
        for waiting in by_channel.values():
            calls += self._group_by_turn(sorted(waiting, key=self._turn_of))
        return calls

    def _group_by_turn(self, waiting: list[int]) -> list[HouseholdCall]:
        calls = []
        while waiting:
            lead, others = waiting[0], waiting[1:]
            companions = self._choose_companions(lead, others)
            calls.append(HouseholdCall(self._outcomes[lead], (lead, *companions)))
            waiting = [visit for visit in others if visit not in companions]
        return calls

    def _choose_companions(self, lead: int, others: Sequence[int]) -> list[int]:
        """As deciding/households.py: those that may be called with the lead, by the times of the visits."""
        moment = self._outcomes[lead].moment
        assert moment is not None  # noqa: S101 - only those that go are here
        chosen = [visit for visit in others if self._may_go_with(visit, moment)]
        times = self._forecast.facts.visits.times
        chosen = sorted(chosen, key=lambda visit: (times[visit].starts, visit))[: MOST_IN_ONE_CALL - 1]
        if chosen and lead in self._texted:
            joined = build_message(self._facts_of(lead), [self._facts_of(visit) for visit in chosen])[1]
            if measure_text(joined).segments > 1:
                return []
        return chosen

    def _may_go_with(self, visit: int, moment: datetime) -> bool:
        judge, facts = self._judge_of(visit), self._forecast.facts
        times = facts.visits.times[visit]
        ends = facts.at(times.starts) - self._step.step.step.stop_before
        if self._outcomes[visit].is_at_once:
            ahead = judge.decisions.situation
            late = ahead._replace(not_before=moment, not_after=ends, at_once_from=facts.at(times.revised))
            return decide(late, moment).verdict == Verdict.CALL
        return judge.decisions.decide_at(moment.timestamp(), ends.timestamp())[0].verdict == Verdict.CALL

    def _judge_of(self, visit: int) -> Judge:
        index = self._forecast.facts.visits.class_of[visit]
        own_channel = self._outcomes[visit].own_channel
        return self._forecast.forecaster.judge_of(self._step.step.key, index, own_channel)

    def _facts_of(self, visit: int) -> ReminderFacts:
        facts = self._judge_of(visit).facts
        channel = self._outcomes[visit].own_channel
        reminder = Reminder(
            pk=visit, appointment=self._texted[visit], step=facts.reminder.step, channel=channel
        )
        return replace(facts, reminder=reminder)

    def _turn_of(self, visit: int) -> tuple[float, int]:
        return self._outcomes[visit].seconds or 0.0, visit
