"""Where Django looks for the formats of this language: config/formats/by_country.py has them for all."""

from config.formats.by_country import __getattr__  # noqa: F401
