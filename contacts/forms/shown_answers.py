"""Whether a list is confirmed with the answers that its preview was made with.

A preview carries a digest of the answers that it was made with, as its form posts them if nobody touches it.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.datastructures import MultiValueDict

from contacts.forms.imports import ColumnForm, NewLocationsForm, read_answers, read_columns
from contacts.forms.reading import SHOWN, ReadingForm, read_reading
from contacts.imports.practice import ImportOptions
from contacts.imports.report import AskedQuestion
from contacts.imports.stored_files import pack_options


def sign_shown(
    kept: ImportOptions,
    questions: Iterable[AskedQuestion],
    locations: Iterable[str],
    columns: ColumnForm,
    reading: ReadingForm | None,
) -> str:
    """The digest for the form of a preview that was made with `kept`. `locations`: those it asks about."""
    return _sign(
        kept,
        answers={asked.question.key: asked.given for asked in questions},
        columns=columns.shown,
        locations={
            name: _describe_location(name, kept.zones, kept.spoken_names, kept.callback_numbers)
            for name in locations
        },
        reading=reading.kept_as_shown if reading else {},
    )


def is_as_shown(
    data: MultiValueDict[str, Any], asked: NewLocationsForm, kept: ImportOptions, changed: ImportOptions
) -> bool:
    """Whether a form was posted as its preview showed it, and nobody answered anything meanwhile.

    `kept`: the options that are kept with the file; `changed`: with what was posted now. A form without a
    digest may change nothing of what is kept.
    """
    if SHOWN not in data:
        return bool(_tidy(pack_options(kept)) == _tidy(pack_options(changed)))
    signed = _sign(
        kept,
        answers=read_answers(data),
        columns=read_columns(data),
        locations={
            name: _describe_location(name, asked.zones, asked.spoken_names, asked.callback_numbers)
            for name in asked.locations
        },
        reading=read_reading(data),
    )
    return str(data[SHOWN]) == signed


def _describe_location(name: str, *answers: Mapping[str, str]) -> list[str]:
    """Zone, spoken name and number of a new location; nothing without a zone, since it isn't made then."""
    zones = answers[0]
    return [each.get(name, "") for each in answers] if zones.get(name) else []


def _sign(kept: ImportOptions, **answers: Mapping[str, Any]) -> str:
    said = _tidy({"kept": pack_options(kept), **answers})
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _tidy(value: Any) -> Any:
    """Without what is empty: a field that is left empty says what one that wasn't posted says."""
    if isinstance(value, Mapping):
        return {str(name): tidy for name, each in value.items() if (tidy := _tidy(each))}
    return value
