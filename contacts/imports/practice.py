"""Locations and providers of a file: matched by name, or created."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import phonenumbers
from django.conf import settings
from django.utils.translation import gettext, gettext_noop

from contacts.database.clock import read_database_clock
from contacts.imports.errors import ImportRefused, UnknownZone
from contacts.imports.files import NO_CHOICES, ReadChoices
from contacts.imports.problems import Problem, clip
from contacts.imports.rows import ImportedLocation, location_key
from contacts.imports.times import Spans
from contacts.models import Location, OpeningHours, Provider
from contacts.number_faults import NotANumber
from contacts.numbers import parse_number
from contacts.public_holidays import guess_place
from contacts.zones import is_zone_name

LONGEST_SPOKEN_NAME = 160
UNFINISHED = gettext_noop("made by an import, without a spoken name and a callback number")
HELD = gettext_noop(
    "This location is new. Its reminders are held until it has a spoken name and a callback number."
)
FINISH_IT = gettext_noop(
    "Enter both with the import, or on the location's page in the admin, and resume its reminders."
)
DEFAULT_SOURCE = "csv"


class PracticeChanged(Exception):
    """Since the file was read, a location's time zone was corrected, or somebody added, renamed or removed a
    location or provider: read it again.
    """


@dataclass(frozen=True)
class ImportOptions:
    """The choices made for an import. `zones`: name of a new location -> IANA zone.

    `spoken_names`, `callback_numbers`: of new locations, by name; the numbers as people write them.
    `time_zone`: for new locations that `zones` doesn't have; `columns`: field -> header, for columns whose
    headers aren't recognised ("" to forget what is remembered of the source, "none" for no column);
    `region`: ISO 3166, by default PHONE_REGION; `answers`: key of a Question -> value of one of its choices;
    `reading`: delimiter, letters, header row and sheet that a person chose; `as_recognised`: what is
    remembered of the source and was taken back (names of reading_options).
    """

    source: str = DEFAULT_SOURCE
    zones: Mapping[str, str] = field(default_factory=dict)
    spoken_names: Mapping[str, str] = field(default_factory=dict)
    callback_numbers: Mapping[str, str] = field(default_factory=dict)
    time_zone: str = ""
    region: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[str, str] = field(default_factory=dict)
    reading: ReadChoices = NO_CHOICES
    as_recognised: Sequence[str] = ()

    @property
    def number_region(self) -> str:
        return self.region or str(settings.PHONE_REGION)


@dataclass
class KnownPractice:
    """The locations and providers in the database, by location_key().

    `zones`: the time zone of each location by its id, by which the file's times are read.
    """

    locations: dict[str, Location]
    providers: dict[str, Provider]
    zones: dict[int, str]


def check_options(options: ImportOptions) -> None:
    """Raise ImportRefused unless the time zones and the region exist and the source has a valid length."""
    for name in filter(None, [options.time_zone, *options.zones.values()]):
        if not is_zone_name(name):
            raise UnknownZone(describe_unknown_zone(name))
    if options.number_region not in phonenumbers.SUPPORTED_REGIONS:
        raise ImportRefused(describe_unknown_country(options.number_region))
    if not options.source or len(options.source) > 60:
        raise ImportRefused(
            gettext("The source must have 1 to 60 characters. Enter a name such as “frontdesk-export”.")
        )
    for name, number in options.callback_numbers.items():
        _read_callback_number(name, number, options)


def describe_unknown_zone(value: str) -> str:
    """The sentence for staff about what isn't a time zone."""
    words = gettext("“%(value)s” isn't a time zone. Enter one such as America/New_York.")
    return words % {"value": clip(value, 60)}


def describe_unknown_country(value: str) -> str:
    """The sentence for staff about what isn't the code of a country."""
    words = gettext("“%(value)s” isn't a country code. Use two letters, such as US.")
    return words % {"value": clip(value, 20)}


def _read_callback_number(name: str, number: str, options: ImportOptions) -> str:
    """Return the number as E.164, "" for none. Raises ImportRefused."""
    if not number:
        return ""
    try:
        return parse_number(number, options.number_region).e164
    except NotANumber as error:
        raise ImportRefused(
            gettext("The callback number of “%(location)s” is wrong. %(why)s")
            % {"location": clip(name, 60), "why": error}
        ) from None


def read_known_practice() -> KnownPractice:
    """Read all of them, in two queries. If two names differ only in case, the older row is used."""
    locations = list(Location.objects.order_by("-pk"))
    return KnownPractice(
        locations={location_key(each.name): each for each in locations},
        providers={location_key(each.name): each for each in Provider.objects.order_by("-pk")},
        zones={each.pk: each.time_zone for each in locations},
    )


def read_entered_hours() -> dict[str, dict[int, Spans]]:
    """When locations are open, by location_key() and day of the week (Monday is 0), where that was entered.

    One query.
    """
    found: dict[str, dict[int, Spans]] = {}
    for row in OpeningHours.objects.select_related("location").order_by("weekday", "opens"):
        days = found.setdefault(location_key(row.location.name), {})
        days[row.weekday] = (*days.get(row.weekday, ()), (row.opens, row.closes))
    return found


def is_as_known(known: KnownPractice) -> bool:
    """Whether nobody added, renamed or removed a location or provider since `known` was read. Two queries."""
    now = read_known_practice()
    return now.locations.keys() == known.locations.keys() and now.providers.keys() == known.providers.keys()


def describe_locations(
    names: Iterable[str], known: KnownPractice, options: ImportOptions
) -> dict[str, ImportedLocation]:
    """Return the time zone and country of each location that the file names, by location_key()."""
    zones, spoken_names, numbers = (
        {location_key(name): value.strip() for name, value in given.items()}
        for given in (options.zones, options.spoken_names, options.callback_numbers)
    )
    described = {}
    for key in {location_key(name) for name in names} - {""}:
        location = known.locations.get(key)
        if location:
            described[key] = ImportedLocation(location.zone, location.region)
        else:
            zone = zones.get(key) or options.time_zone
            described[key] = ImportedLocation(
                ZoneInfo(zone) if zone else None,
                options.number_region,
                clip(spoken_names.get(key, ""), LONGEST_SPOKEN_NAME),
                _read_callback_number(key, numbers.get(key, ""), options),
            )
    return described


def make_location(name: str, described: ImportedLocation) -> Location:
    """Build a new location, not saved.

    What calls say is taken from its name and the practice's number as long as nobody gave it, and then its
    reminders are held: it is paused. Public holidays are those of the place that its zone and the number
    agree on, if they do.
    """
    number = described.callback_number or settings.ROBOTALKER_FROM_NUMBER
    place = guess_place(str(described.zone), number)
    return Location(
        name=name,
        spoken_name=described.spoken_name or name,
        time_zone=str(described.zone),
        region=described.region,
        callback_number=number,
        country=place.country,
        subdivision=place.subdivision,
        paused_at=None if described.is_complete else read_database_clock(),
        pause_reason="" if described.is_complete else gettext(UNFINISHED),
    )


def describe_unfinished(
    cells: Iterable[tuple[int, str]], known: KnownPractice, described: Mapping[str, ImportedLocation]
) -> list[Problem]:
    """Return a note for each location that would be made without what calls say; `cells`: lines and names."""
    first = {location_key(name): (line, name) for line, name in reversed(list(cells)) if name}
    return [
        Problem(line, gettext("Location"), clip(name), gettext(HELD), gettext(FINISH_IT))
        for key, (line, name) in sorted(first.items(), key=lambda each: each[1])
        if key not in known.locations and described[key].zone and not described[key].is_complete
    ]
