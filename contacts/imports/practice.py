"""Locations and providers of a file: matched by name, or created."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import phonenumbers
from django.conf import settings

from contacts.imports.errors import ImportRefused, UnknownZone
from contacts.imports.files import NO_CHOICES, ReadChoices
from contacts.imports.problems import clip
from contacts.imports.rows import ImportedLocation, location_key
from contacts.models import Location, Provider
from contacts.public_holidays import guess_place
from contacts.zones import is_zone_name


@dataclass(frozen=True)
class ImportOptions:
    """The choices made for an import. `zones`: name of a new location -> IANA zone.

    `time_zone`: for new locations that `zones` doesn't have; `columns`: field -> header, for columns whose
    headers aren't recognised; `region`: ISO 3166, by default PHONE_REGION; `answers`: key of a Question ->
    value of one of its choices; `reading`: delimiter, letters, header row and sheet that a person chose.
    """

    source: str = "csv"
    zones: Mapping[str, str] = field(default_factory=dict)
    time_zone: str = ""
    region: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[str, str] = field(default_factory=dict)
    reading: ReadChoices = NO_CHOICES

    @property
    def number_region(self) -> str:
        return self.region or str(settings.PHONE_REGION)


@dataclass
class KnownPractice:
    """The locations and providers in the database, by location_key()."""

    locations: dict[str, Location]
    providers: dict[str, Provider]


def check_options(options: ImportOptions) -> None:
    """Raise ImportRefused unless the time zones and the region exist and the source has a valid length."""
    for name in filter(None, [options.time_zone, *options.zones.values()]):
        if not is_zone_name(name):
            raise UnknownZone(f"“{clip(name, 60)}” isn't a time zone. Enter one such as America/New_York.")
    if options.number_region not in phonenumbers.SUPPORTED_REGIONS:
        raise ImportRefused(
            f"“{clip(options.number_region, 20)}” isn't a country code. Use two letters, such as US."
        )
    if not options.source or len(options.source) > 60:
        raise ImportRefused(
            "The source must have 1 to 60 characters. Enter a name such as “frontdesk-export”."
        )


def read_known_practice() -> KnownPractice:
    """Read all of them, in two queries. If two names differ only in case, the older row is used."""
    return KnownPractice(
        locations={location_key(each.name): each for each in Location.objects.order_by("-pk")},
        providers={location_key(each.name): each for each in Provider.objects.order_by("-pk")},
    )


def describe_locations(
    names: Iterable[str], known: KnownPractice, options: ImportOptions
) -> dict[str, ImportedLocation]:
    """Return the time zone and country of each location that the file names, by location_key()."""
    given = {location_key(name): zone for name, zone in options.zones.items()}
    described = {}
    for key in {location_key(name) for name in names} - {""}:
        location = known.locations.get(key)
        if location:
            described[key] = ImportedLocation(location.zone, location.region)
        else:
            zone = given.get(key) or options.time_zone
            described[key] = ImportedLocation(ZoneInfo(zone) if zone else None, options.number_region)
    return described


def make_location(name: str, described: ImportedLocation) -> Location:
    """Build a new location, not saved. Its spoken name is its name, its callback number the practice's.

    Public holidays are those of the place that its zone and the number agree on, if they do.
    """
    place = guess_place(str(described.zone), settings.ROBOTALKER_FROM_NUMBER)
    return Location(
        name=name,
        spoken_name=name,
        time_zone=str(described.zone),
        region=described.region,
        callback_number=settings.ROBOTALKER_FROM_NUMBER,
        country=place.country,
        subdivision=place.subdivision,
    )
