"""Find rows of one file that are about the same appointment. Pure: no database."""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import replace

from django.utils.translation import gettext, gettext_noop

from contacts.imports.problems import NOTE, REJECTED, Problem
from contacts.imports.rows import AppointmentRow, RowResult, location_key
from contacts.imports.status_words import CANCELLED

DUPLICATE = gettext_noop("This row repeats line %(first)d, so it is skipped.")
SAME_VISIT = gettext_noop(
    "This is the same visit as line %(first)d, which is kept. Its length is the longest of them."
)
OTHER_PROVIDER = gettext_noop(
    "This is the same visit as line %(first)d with another provider. The first provider is kept, and the "
    "longest length."
)
CONTRADICTION = gettext_noop(
    "The same appointment id is in %(lines)s with different details, so none of them is imported."
)

ONE_APPOINTMENT = gettext_noop("Nothing to do if the patient has only one appointment at this time.")


def find_repeats(results: Sequence[RowResult], id_header: str) -> tuple[list[RowResult], set[int]]:
    """Return the results without repeated rows, and the lines that were exact repeats.

    Of rows about one visit the first is kept, with the longest length: some systems write a line for each
    provider or service. Rows with one id but another patient, time, location or status are all rejected, so
    that no patient is told a time that may be wrong. So are those that book what a rejected row cancels.
    """
    groups: dict[Hashable, list[RowResult]] = defaultdict(list)
    cancelling: dict[str, RowResult] = {}
    for result in results:
        if result.row:
            groups[_identify(result.row)].append(result)
        elif result.cancels and result.appointment_id:
            cancelling[result.appointment_id] = result
    changed: dict[int, RowResult] = {}
    duplicates: set[int] = set()
    for group in groups.values():
        cancels = cancelling.get(group[0].appointment_id)
        if cancels and any(each.row and each.row.status != CANCELLED for each in group):
            contradicting = sorted([*group, cancels], key=lambda each: each.line)
            changed.update({each.line: _reject(each, contradicting, id_header) for each in group})
        elif len(group) > 1 and len({_content(result.row) for result in group if result.row}) == 1:
            changed[group[0].line] = _take_longest(group)
            changed.update({each.line: _mark_duplicate(each, group[0], id_header) for each in group[1:]})
            duplicates.update(each.line for each in group[1:])
        elif len(group) > 1:
            changed.update({each.line: _reject(each, group, id_header) for each in group})
    return [changed.get(result.line, result) for result in results], duplicates


def _identify(row: AppointmentRow) -> Hashable:
    return row.appointment_id or (_person(row), row.starts_at, location_key(row.location))


def _person(row: AppointmentRow) -> Hashable:
    number = row.mobile or row.home
    return row.patient_id or (row.first_name.casefold(), row.last_name.casefold(), number and number.e164)


def _content(row: AppointmentRow) -> Hashable:
    """What rows of one visit have in common."""
    return (row.starts_at, location_key(row.location), row.status, _person(row))


def _take_longest(group: Sequence[RowResult]) -> RowResult:
    first = group[0].row
    lengths = [each.row.minutes for each in group if each.row and each.row.minutes]
    return replace(group[0], row=replace(first, minutes=max(lengths, default=None))) if first else group[0]


def _mark_duplicate(result: RowResult, first: RowResult, header: str) -> RowResult:
    text = DUPLICATE
    if result.row and first.row and _details(result.row) != _details(first.row):
        is_same_provider = location_key(result.row.provider) == location_key(first.row.provider)
        text = SAME_VISIT if is_same_provider else OTHER_PROVIDER
    problem = gettext(text) % {"first": first.line}
    note = Problem(result.line, header, result.appointment_id, problem, gettext(ONE_APPOINTMENT), NOTE)
    return replace(result, row=None, problems=(note,))


def _details(row: AppointmentRow) -> Hashable:
    return (location_key(row.provider), row.kind, row.minutes)


def _reject(result: RowResult, group: Sequence[RowResult], header: str) -> RowResult:
    """Reject a row; if all of its group say that the appointment is cancelled, that counts."""
    lines = ", ".join(gettext("line %(line)d") % {"line": each.line} for each in group[:5])
    lines += gettext(" and others") if len(group) > 5 else ""
    problem = gettext(CONTRADICTION) % {"lines": lines}
    remedy = gettext("Keep only the correct row, or give each appointment its own id.")
    return replace(
        result,
        row=None,
        problems=(Problem(result.line, header, result.appointment_id, problem, remedy, REJECTED),),
        cancels=all(each.row is not None and each.row.status == CANCELLED for each in group),
        partial=result.row,
    )
