"""Ids of a file that are written in another way here: other zeros, letters or signs (product rule 51)."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import TypeVar

from django.db.models import CharField, Func, QuerySet, Value

from contacts.database.arrays import is_among, is_any_external_id
from contacts.imports.identity import plain_id, spell_id
from contacts.models import Appointment, Contact

Row = TypeVar("Row", Appointment, Contact)


def match_respelled_ids(
    ids: Collection[str], found: Mapping[str, Row], rows: QuerySet[Row], beside: Collection[str] = ()
) -> dict[str, Row]:
    """The rows whose ids are those of the file but for how they are written, if each is of one row only.

    `beside`: other ids of the file, for which no row is looked for.
    """
    given: dict[str, list[str]] = defaultdict(list)
    for each in ids:
        given[plain_id(each)].append(each)
    open_ids = {plain for plain, written in given.items() if not any(each in found for each in written)}
    if not open_ids:
        return {}
    for each in {*beside} - {*ids}:
        if plain_id(each) in open_ids:
            given[plain_id(each)].append(each)
    spelled = {way for plain in open_ids for each in given[plain] for way in spell_id(each)}
    here: dict[str, set[Row]] = defaultdict(set)
    for row in rows.filter(is_any_external_id(spelled)):
        here[plain_id(row.external_id)].add(row)
    if digits := {way for plain in open_ids if plain.isdigit() for way in spell_id(plain)}:
        stripped = Func("external_id", Value("0"), function="LTRIM", output_field=CharField())
        for row in rows.annotate(stripped=stripped).filter(is_among("stripped", digits, CharField())):
            here[plain_id(row.external_id)].add(row)
    return {
        given[plain][0]: next(iter(found_here))
        for plain, found_here in here.items()
        if len(found_here) == len(given[plain]) == 1
    }
