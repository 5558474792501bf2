"""How people of a country write times of day: 2:05 pm, or 14:05."""

from functools import cache

from babel import Locale, UnknownLocaleError


@cache
def has_12_hour_clock(region: str) -> bool:
    """Whether people of a country (ISO 3166-1) write 2:05 pm, by Unicode's tables; False if unknown."""
    try:
        locale = Locale.parse(f"und_{region}")  # in the language that most people of the country speak
    except (UnknownLocaleError, ValueError):
        return False
    return "h" in locale.time_formats["short"].pattern
