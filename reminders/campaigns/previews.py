"""The preview of a campaign in numbers: who is called and when, who is not and why, and how busy that is."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from math import ceil
from zoneinfo import ZoneInfo

from django.conf import settings

from contacts.models import Appointment
from contacts.models.people import Channel
from reminders.campaigns.campaign_forecasts import CampaignForecast, foresee_campaign
from reminders.campaigns.clinic_facts import ClinicFacts
from reminders.campaigns.collector import pause_collector
from reminders.campaigns.drafts import CampaignDraft
from reminders.campaigns.forecasts import NOT_CALLED, Outcome, StepForecast
from reminders.campaigns.household_calls import count_calls
from reminders.deciding.households import build_message
from reminders.deciding.present import Present, read_present
from reminders.deciding.visits import find_upcoming
from reminders.models import Step
from reminders.rules.speech_time import estimate_seconds
from reminders.rules.states import ReminderState
from reminders.rules.zones import zone_or_utc
from reminders.traffic.rate import parse_rate
from reminders.wording.sms_alphabet import measure_text

DAYS_SHOWN = 7
DAY = timedelta(days=1)
QUARTER = 900  # seconds; clocks differ by whole quarters of an hour
REMINDED = frozenset({ReminderState.DONE, ReminderState.IN_PROGRESS})
NO_MOMENT = ""  # the reason of a visit for which no step has a moment: its location is never open


@dataclass(frozen=True)
class MessageCount:
    """Calls and texts, and how long the calls take to say: seconds if each is answered or recorded once.

    `parts`: the parts of all text messages, which is what they cost.
    """

    calls: int = 0
    texts: int = 0
    seconds: int = 0
    parts: int = 0

    @property
    def minutes(self) -> int:
        return -(-self.seconds // 60)

    def __add__(self, other: "MessageCount") -> "MessageCount":
        return MessageCount(
            self.calls + other.calls,
            self.texts + other.texts,
            self.seconds + other.seconds,
            self.parts + other.parts,
        )


@dataclass(frozen=True)
class StepPreview:
    """One step: how many visits it reminds of, by how many calls and texts, and why it doesn't of the others.

    `reasons`: visits by the code of reasons.Reason. `reminded`: those that it has reminded of already, or is
    just reminding of.
    """

    step: Step
    visits: int
    messages: MessageCount
    reminded: int
    reasons: dict[str, int]


@dataclass(frozen=True)
class ReasonGroup:
    """The visits (ids, in no order) that no step reminds of for this reason: a code of reasons.Reason."""

    reason: str
    visits: tuple[int, ...]

    @property
    def count(self) -> int:
        return len(self.visits)


@dataclass(frozen=True)
class LocationHour:
    """The calls of a location in one hour, beside what its desk can take callbacks for (None: no limit)."""

    name: str
    calls: int
    desk_takes: int | None

    @property
    def is_too_many(self) -> bool:
        return self.desk_takes is not None and self.calls > self.desk_takes


@dataclass(frozen=True)
class HourPreview:
    """An hour by the clock of the first location (`starts_at`, aware), with the calls and texts that are due.

    `over_rate`, `over_plan`: more than ROBOTALKER_RATE or the plan at Robotalker lets out in an hour, so that
    the rest goes later. `locations`: those with calls, the busiest first.
    """

    starts_at: datetime
    calls: int
    texts: int
    over_rate: bool
    over_plan: bool
    locations: tuple[LocationHour, ...]

    @property
    def total(self) -> int:
        return self.calls + self.texts

    @property
    def too_many_for(self) -> list[LocationHour]:
        """The locations whose desk can't keep up, so that their calls wait for their turn."""
        return [one for one in self.locations if one.is_too_many]


@dataclass(frozen=True)
class HourLimits:
    """What an hour can take: requests by ROBOTALKER_RATE, and calls by the plan (None: not known)."""

    by_rate: int
    by_plan: int | None


@dataclass(frozen=True)
class CampaignPreview:
    """What a campaign will do, counted over all upcoming visits, as if it were active and sending were on.

    `upcoming`: all upcoming visits; `covered`: those that its filters mean. Of these, `called` have a
    reminder ahead, `reminded` have had one and get no more, and the rest are in `reasons`, most first.
    `people`: patients who are called or texted; `today`: those of them today, by their location's clock.
    `is_trial`: Callboard is on trial, and this is what it would do if it were live.
    """

    now: datetime
    upcoming: int
    covered: int
    called: int
    reminded: int
    people: int
    today: int
    messages: MessageCount
    steps: tuple[StepPreview, ...]
    reasons: tuple[ReasonGroup, ...]
    hours: tuple[HourPreview, ...]
    limits: HourLimits
    is_trial: bool = False

    @property
    def not_called(self) -> int:
        return sum(group.count for group in self.reasons)

    @property
    def not_meant(self) -> int:
        """Upcoming visits that the filters leave out."""
        return self.upcoming - self.covered

    @property
    def busiest(self) -> int:
        """The calls and texts of the busiest hour that is shown."""
        return max((hour.total for hour in self.hours), default=0)


@pause_collector()
def preview_campaign(
    saved: CampaignDraft, now: datetime | None = None, *, present: Present | None = None
) -> CampaignPreview:
    """The preview of a campaign as it is saved: a draft as if activated now, a trial as if live.

    `present`: what it goes by, where that was read already.
    """
    present = present or read_present(now)
    return replace(count_forecast(foresee_saved(saved, present)), is_trial=present.is_trial)


def foresee_saved(
    saved: CampaignDraft, present: Present, only: Mapping[int, Appointment] | None = None
) -> CampaignForecast:
    """The forecast of a campaign as its pages show it: on trial as if Callboard were live.

    `only`: of these visits, with all of their households, as ClinicFacts.read_appointments() reads them.
    """
    ids = None if only is None else only.keys()
    return foresee_campaign(saved, present.now, ids, as_live=present.is_trial, present=present, known=only)


def count_forecast(forecast: CampaignForecast) -> CampaignPreview:
    """The numbers of a forecast."""
    facts, covered = forecast.facts, forecast.forecaster.covered
    going, reminded = _collect(forecast, covered)
    messages = {key: count_calls(forecast, step) for key, step in forecast.steps.items()}
    steps = [_preview_step(forecast, key, messages[key], covered) for key in forecast.steps]
    contact_of = facts.visits.times
    return CampaignPreview(
        now=facts.now,
        upcoming=find_upcoming(facts.now).count() if any(forecast.plan.filters) else len(covered),
        covered=len(covered),
        called=len(going),
        reminded=len(reminded - going),
        people=len({contact_of[visit].contact for visit in going}),
        today=len({contact_of[visit].contact for visit in find_called_today(forecast)}),
        messages=sum((step.messages for step in steps), MessageCount()),
        steps=tuple(steps),
        reasons=_group_by_reason(forecast, covered - going - reminded),
        hours=preview_hours(forecast, messages.values()),
        limits=read_hour_limits(),
    )


def group_by_reason(forecast: CampaignForecast) -> tuple[ReasonGroup, ...]:
    """The covered visits that no step reminds of, by why not, most first."""
    covered = forecast.forecaster.covered
    going, reminded = _collect(forecast, covered)
    return _group_by_reason(forecast, covered - going - reminded)


def find_called_today(forecast: CampaignForecast) -> set[int]:
    """The visits with a reminder today, by their location's clock."""
    is_today = make_today_test(forecast.facts)
    return {
        visit
        for step in forecast.steps.values()
        for outcome, visits in step.outcomes.items()
        if is_today(outcome)
        for visit in visits
    }


def make_today_test(facts: ClinicFacts) -> Callable[[Outcome], bool]:
    """A test for whether an outcome goes out today, by its location's clock."""
    zones = {pk: zone_or_utc(location.time_zone) for pk, location in facts.locations.items()}
    ends = {pk: _end_of_day(facts.now, zone).timestamp() for pk, zone in zones.items()}
    return lambda outcome: outcome.seconds is not None and outcome.seconds < ends[outcome.location]


def read_hour_limits() -> HourLimits:
    """What one hour can take at most, by the settings."""
    rate = parse_rate(settings.ROBOTALKER_RATE)
    return HourLimits(rate.amount * 3600 // rate.get_expiry(), settings.ROBOTALKER_CALLS_PER_HOUR or None)


def _collect(forecast: CampaignForecast, covered: set[int]) -> tuple[set[int], set[int]]:
    """The covered visits with a reminder yet to come, and those with one that went out or is under way."""
    going: set[int] = set()
    reminded: set[int] = set()
    for step in forecast.steps.values():
        for outcome, visits in step.outcomes.items():
            if outcome.seconds is not None:
                going.update(visits)
            elif outcome.verdict in REMINDED:
                reminded.update(visits)
    return going & covered, reminded & covered


def _group_by_reason(forecast: CampaignForecast, not_called: set[int]) -> tuple[ReasonGroup, ...]:
    """Each visit by why the last of the steps won't remind of it."""
    reason_of = dict.fromkeys(not_called, NO_MOMENT)
    for key in forecast.plan.steps:
        for outcome, visits in forecast.steps[key].outcomes.items():
            if outcome.verdict in NOT_CALLED:
                reason_of.update((visit, outcome.reason) for visit in visits if visit in reason_of)
    grouped: dict[str, list[int]] = defaultdict(list)
    for visit, reason in reason_of.items():
        grouped[reason].append(visit)
    groups = [ReasonGroup(reason, tuple(visits)) for reason, visits in grouped.items()]
    return tuple(sorted(groups, key=lambda group: (-group.count, group.reason)))


def _preview_step(
    forecast: CampaignForecast, key: int, calls: Counter[Outcome], covered: set[int]
) -> StepPreview:
    step = forecast.steps[key]
    reasons: Counter[str] = Counter()
    visits = reminded = 0
    for outcome, own in step.outcomes.items():
        if outcome.seconds is not None:
            visits += len(own)
        elif outcome.verdict in REMINDED:
            reminded += len(own)
        else:
            reasons[outcome.reason] += sum(visit in covered for visit in own)
    return StepPreview(
        step.step.step, visits, _count_messages(forecast, step, calls), reminded, dict(+reasons)
    )


def _count_messages(forecast: CampaignForecast, step: StepForecast, calls: Counter[Outcome]) -> MessageCount:
    """With the length of one example for each script's text and location: names differ by little."""
    by_text: Counter[tuple[int | None, int, str]] = Counter()
    for outcome, count in calls.items():
        by_text[outcome.text, outcome.location, outcome.channel] += count
    found = MessageCount()
    for (text, location, channel), count in by_text.items():
        example = _write_example(forecast, step, text, location, channel)
        if channel == Channel.SMS:
            found += MessageCount(texts=count, parts=count * measure_text(example[0]).segments)
        else:
            found += MessageCount(calls=count, seconds=count * ceil(estimate_seconds(*example)))
    return found


def _write_example(
    forecast: CampaignForecast, step: StepForecast, text: int | None, location: int, channel: str
) -> tuple[str, str]:
    """The message with this ScriptText to somebody at this location by this channel, and its language."""
    for judge in forecast.forecaster.judges_of(step.step.key):
        facts = judge.facts
        is_said = (judge.text, judge.location, judge.channel) == (text, location, channel)
        if is_said and facts.script_text:
            return build_message(facts, [], forecast.facts.pronunciations)[1], facts.script_text.language
    return "", ""


def preview_hours(
    forecast: CampaignForecast, messages: Iterable[Counter[Outcome]]
) -> tuple[HourPreview, ...]:
    """The hours of the next days in which these messages go out, as they pass."""
    locations, now = forecast.facts.locations, forecast.facts.now
    zone = next((zone_or_utc(one.time_zone) for one in locations.values()), ZoneInfo("UTC"))
    last = _end_of_day(now + (DAYS_SHOWN - 1) * DAY, zone).timestamp()
    quarters: Counter[tuple[int, str, int]] = Counter()
    for calls in messages:
        for outcome, count in calls.items():
            if outcome.seconds is not None and outcome.seconds < last:
                quarter = int(outcome.seconds) // QUARTER * QUARTER
                quarters[quarter, outcome.channel, outcome.location] += count
    by_hour: dict[float, Counter[tuple[str, int]]] = defaultdict(Counter)
    for (quarter, channel, location), count in quarters.items():
        local = datetime.fromtimestamp(quarter, zone)
        # in seconds: the two hours of a night when clocks go back are equal as wall times
        by_hour[local.replace(minute=0).timestamp()][channel, location] += count
    limits = read_hour_limits()
    return tuple(
        _preview_hour(forecast, datetime.fromtimestamp(hour, zone), by_hour[hour], limits)
        for hour in sorted(by_hour)
    )


def _preview_hour(
    forecast: CampaignForecast, hour: datetime, counts: Counter[tuple[str, int]], limits: HourLimits
) -> HourPreview:
    calls = Counter({location: count for (way, location), count in counts.items() if way == Channel.VOICE})
    texts = sum(count for (way, _), count in counts.items() if way == Channel.SMS)
    locations = forecast.facts.locations
    by_location = []
    for location, count in calls.most_common():
        pace = locations[location].calls_per_minute
        by_location.append(LocationHour(locations[location].name, count, pace * 60 if pace else None))
    total = calls.total()
    return HourPreview(
        hour,
        total,
        texts,
        over_rate=total + texts > limits.by_rate,
        over_plan=limits.by_plan is not None and total > limits.by_plan,
        locations=tuple(by_location),
    )


def _end_of_day(now: datetime, zone: ZoneInfo) -> datetime:
    """Midnight after `now` in this zone (aware)."""
    day: date = now.astimezone(zone).date() + DAY
    return datetime(day.year, day.month, day.day, tzinfo=zone)
