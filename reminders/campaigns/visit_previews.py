"""What each of a few visits would hear from a campaign, and when, word for word; or why not."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import QuerySet

from contacts.models import Appointment
from contacts.models.people import Channel
from reminders.campaigns.campaign_forecasts import CampaignForecast
from reminders.campaigns.clinic_facts import PEOPLE
from reminders.campaigns.drafts import CampaignDraft
from reminders.campaigns.forecasts import Outcome, StepForecast
from reminders.campaigns.household_calls import find_household_calls
from reminders.campaigns.previews import foresee_saved
from reminders.campaigns.step_words import describe_time
from reminders.deciding.coverage import build_coverage
from reminders.deciding.households import build_message
from reminders.deciding.present import Present
from reminders.deciding.situations import ReminderFacts
from reminders.deciding.visits import find_upcoming
from reminders.models import Reminder
from reminders.rules.reasons import sentence_for
from reminders.rules.states import ReminderState


@dataclass(frozen=True)
class StepLine:
    """One step for one visit.

    `when`: the step's time in words. `moment`: when it goes out (aware, by the location's clock), if it will;
    then `text` is exactly what is said or written, `together` the first names of the others in the call, and
    `is_with_another` whether the call is another visit's. Else `why_not` is a sentence, or its state.
    """

    when: str
    moment: datetime | None
    is_text: bool
    text: str
    together: Sequence[str]
    is_with_another: bool
    why_not: str


@dataclass(frozen=True)
class VisitPreview:
    """A visit with a line for each step; its contact and location are loaded."""

    appointment: Appointment
    lines: Sequence[StepLine]


def find_covered_visits(saved: CampaignDraft, now: datetime) -> "QuerySet[Appointment]":
    """The upcoming visits that the campaign is for, the next first."""
    covered = find_upcoming(now).filter(build_coverage(saved.filters))
    return covered.select_related(*PEOPLE, "location").order_by("starts_at", "pk")


def preview_visits(
    saved: CampaignDraft, visits: Sequence[Appointment], present: Present
) -> list[VisitPreview]:
    """What these visits of find_covered_visits() would hear, on trial as if it were live.

    Queries don't grow with their number.
    """
    relatives = _find_relatives(visits, present.now)
    everybody = {visit.pk: visit for visit in (*relatives, *visits)}
    forecast = foresee_saved(saved, present, only=everybody)
    lines: dict[int, list[StepLine]] = {visit.pk: [] for visit in visits}
    for step in forecast.steps.values():
        writer = _LineWriter(forecast, step, everybody)
        for visit in visits:
            lines[visit.pk].append(writer.write(visit))
    return [VisitPreview(visit, lines[visit.pk]) for visit in visits]


def _find_relatives(visits: Sequence[Appointment], now: datetime) -> list[Appointment]:
    """The other visits of the same numbers at the same locations; the forecast groups those of one day."""
    phones = {visit.contact.phone_id for visit in visits} - {None}
    found = find_upcoming(now).filter(
        contact__phone__in=phones, location__in={visit.location_id for visit in visits}
    )
    others = found.exclude(pk__in=[visit.pk for visit in visits])
    return list(others.select_related(*PEOPLE, "location")) if phones else []


class _LineWriter:
    """Writes the lines of one step."""

    def __init__(
        self, forecast: CampaignForecast, step: StepForecast, everybody: dict[int, Appointment]
    ) -> None:
        self._forecast, self._step, self._everybody = forecast, step, everybody
        self._outcomes = {visit: outcome for outcome, own in step.outcomes.items() for visit in own}
        calls = find_household_calls(forecast, step)
        self._call_of = {visit: call for call in calls for visit in call.visits}

    def write(self, visit: Appointment) -> StepLine:
        when = describe_time(self._step.step.step)
        outcome = self._outcomes.get(visit.pk)
        if outcome is None:
            return StepLine(when, None, False, "", (), False, "")
        if outcome.seconds is None:
            return StepLine(when, None, False, "", (), False, _say_why_not(outcome))
        call = self._call_of.get(visit.pk)
        spoken_for: Collection[int] = call.visits if call else (visit.pk,)
        lead, *others = spoken_for
        goes = call.outcome if call else outcome
        zone = visit.location.zone
        return StepLine(
            when,
            datetime.fromtimestamp(goes.seconds or 0.0, zone),
            outcome.channel == Channel.SMS,
            self._build_text(lead, others, goes),
            [self._everybody[one].contact.first_name for one in spoken_for if one != visit.pk],
            is_with_another=lead != visit.pk,
            why_not="",
        )

    def _build_text(self, lead: int, others: Sequence[int], outcome: Outcome) -> str:
        if outcome.text is None:
            return ""
        facts = [self._facts_of(visit) for visit in (lead, *others)]
        return build_message(facts[0], facts[1:], self._forecast.facts.pronunciations)[1]

    def _facts_of(self, visit: int) -> ReminderFacts:
        index = self._forecast.facts.visits.class_of[visit]
        channel = self._outcomes[visit].own_channel
        facts = self._forecast.forecaster.judge_of(self._step.step.key, index, channel).facts
        own = Reminder(
            pk=visit, appointment=self._everybody[visit], step=facts.reminder.step, channel=channel
        )
        return replace(facts, reminder=own)


def _say_why_not(outcome: Outcome) -> str:
    if outcome.reason:
        return sentence_for(outcome.reason)
    states = dict(ReminderState.choices)
    return str(states.get(outcome.verdict, ""))
