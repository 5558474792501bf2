"""Locations and providers of a file: matched by name, or to be made."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import phonenumbers
from django.conf import settings

from contacts.imports.errors import ImportRefused, UnknownZone
from contacts.imports.problems import clip
from contacts.imports.rows import ImportedLocation, location_key
from contacts.models import Location, Provider
from contacts.zones import is_zone_name


@dataclass(frozen=True)
class ImportOptions:
    """What a person says about a file. `zones`: location as written -> IANA zone, for new ones.

    `time_zone`: for every new location without its own; `columns`: meaning -> header, for odd headers.
    """

    source: str = "csv"
    zones: Mapping[str, str] = field(default_factory=dict)
    time_zone: str = ""
    region: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)

    @property
    def number_region(self) -> str:
        return self.region or str(settings.PHONE_REGION)


@dataclass
class KnownPlaces:
    """Locations and providers in the book, by location_key."""

    locations: dict[str, Location]
    providers: dict[str, Provider]


def check_options(options: ImportOptions) -> None:
    """Raise ImportRefused unless the zones and the region exist and the source is a short name."""
    for name in filter(None, [options.time_zone, *options.zones.values()]):
        if not is_zone_name(name):
            raise UnknownZone(f"“{clip(name, 60)}” is no time zone. Write it like America/New_York.")
    if options.number_region not in phonenumbers.SUPPORTED_REGIONS:
        raise ImportRefused(
            f"“{clip(options.number_region, 20)}” is no country. Use two letters, such as US."
        )
    if not options.source or len(options.source) > 60:
        raise ImportRefused("The source needs a name of at most 60 characters, such as “frontdesk-export”.")


def read_known_places() -> KnownPlaces:
    """All of them, in two queries; of two names that differ only in case the older row counts."""
    return KnownPlaces(
        locations={location_key(each.name): each for each in Location.objects.order_by("-pk")},
        providers={location_key(each.name): each for each in Provider.objects.order_by("-pk")},
    )


def describe_places(
    names: Iterable[str], known: KnownPlaces, options: ImportOptions
) -> dict[str, ImportedLocation]:
    """Clock and country of each location that the file names, by location_key."""
    given = {location_key(name): zone for name, zone in options.zones.items()}
    places = {}
    for key in {location_key(name) for name in names} - {""}:
        location = known.locations.get(key)
        if location:
            places[key] = ImportedLocation(location.zone, location.region)
        else:
            zone = given.get(key) or options.time_zone
            places[key] = ImportedLocation(ZoneInfo(zone) if zone else None, options.number_region)
    return places


def make_location(name: str, place: ImportedLocation) -> Location:
    """A new location, not saved: spoken as it is written, called back at the practice's own number."""
    return Location(
        name=name,
        spoken_name=name,
        time_zone=str(place.zone),
        region=place.region,
        callback_number=settings.ROBOTALKER_FROM_NUMBER,
    )
