"""The demo's locations, providers and campaigns."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from contacts.models import Location, OpeningHours, Provider
from contacts.models.people import Channel
from reminders.demo import appointments
from reminders.models import Campaign, Step
from reminders.rules.schedule import TimingKind
from reminders.wording.default_scripts import DefaultScripts

ACTIVE_FOR = timedelta(days=30)  # longer than the past week, so that it covers all past appointments
QUARTER = timedelta(minutes=15)
SOON = timedelta(minutes=10)
OPEN = (time(8), time(18))
EVERY_DAY = list(range(7))  # on Sundays too, or the demo would be empty on Saturdays

PROVIDERS = {
    appointments.CHEN: "Susan Chen",
    appointments.RIVERA: "Alejandro Rivera",
    appointments.BROOKS: "Nora Brooks",
}


@dataclass(frozen=True)
class DemoPractice:
    """What was made, by name."""

    locations: dict[str, Location]
    providers: dict[str, Provider]


def make_locations(zone: ZoneInfo) -> DemoPractice:
    """Two locations in the same zone with their opening hours, and three providers."""
    Location.objects.bulk_create(
        [
            _build_location(appointments.DOWNTOWN, "Harbor View Clinic", "+18005550199", zone),
            _build_location(appointments.EASTSIDE, "Harbor View Clinic Eastside", "+12025550199", zone),
        ]
    )
    OpeningHours.objects.bulk_create(
        OpeningHours(location=location, weekday=weekday, opens=OPEN[0], closes=OPEN[1])
        for location in Location.objects.all()
        for weekday in EVERY_DAY
    )
    Provider.objects.bulk_create(
        Provider(name=name, spoken_name=spoken_name) for name, spoken_name in PROVIDERS.items()
    )
    return DemoPractice(
        {location.name: location for location in Location.objects.prefetch_related("closed_days")},
        {provider.name: provider for provider in Provider.objects.all()},
    )


def make_campaigns(scripts: DefaultScripts, now: datetime, zone: ZoneInfo) -> list[Step]:
    """Makes the active campaign and a draft. Returns the active one's steps, with what history.py needs."""
    active = Campaign.objects.create(
        name="Appointment reminders", state=Campaign.State.ACTIVE, activated_at=now - ACTIVE_FOR
    )
    draft = Campaign.objects.create(name="A week ahead, for confirmed appointments")
    Step.objects.bulk_create(
        [
            *_build_steps(active, scripts, next_quarter(now, zone)),
            Step(
                campaign=draft,
                timing_kind=TimingKind.OPEN_DAYS_BEFORE.value,
                days=5,
                at=time(15),
                audience=Step.Audience.CONFIRMED,
                script=scripts.call,
            ),
        ]
    )
    active.steps.update(since=active.activated_at)
    steps = active.steps.select_related("campaign", "script").prefetch_related("script__texts")
    return list(steps.order_by("position"))


def next_quarter(now: datetime, zone: ZoneInfo) -> time:
    """The first quarter of an hour in `zone` that is at least ten minutes away."""
    local = (now + SOON).astimezone(zone)
    past = timedelta(minutes=local.minute % 15, seconds=local.second, microseconds=local.microsecond)
    return (local + (QUARTER - past if past else past)).time()


def _build_location(name: str, spoken_name: str, callback_number: str, zone: ZoneInfo) -> Location:
    return Location(
        name=name,
        spoken_name=spoken_name,
        time_zone=zone.key,
        callback_number=callback_number,
        calling_opens=time(8),
        calling_closes=time(19),
        open_weekdays=EVERY_DAY,
    )


def _build_steps(campaign: Campaign, scripts: DefaultScripts, at: time) -> list[Step]:
    """A call two days before, a text message a day before, a call three hours before."""
    elapsed = TimingKind.ELAPSED_BEFORE.value
    return [
        Step(campaign=campaign, position=1, days=2, at=at, script=scripts.call),
        Step(
            campaign=campaign,
            position=2,
            timing_kind=elapsed,
            elapsed=timedelta(hours=24),
            channel=Channel.SMS,
            max_tries=1,
            script=scripts.text,
        ),
        Step(
            campaign=campaign,
            position=3,
            timing_kind=elapsed,
            elapsed=timedelta(hours=3),
            if_late=Step.IfLate.NEXT_ALLOWED,
            script=scripts.call,
        ),
    ]
