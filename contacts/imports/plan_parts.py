"""Cut a plan into parts that are written one after another, each in a short transaction. Pure: no database.

What belongs together is never cut: all rows of a patient, and all rows about one contact or appointment that
is here already, such as those that give an appointment to another record of the patient.
"""

from collections import defaultdict
from collections.abc import Collection, Hashable

from contacts.imports.people import person_key
from contacts.imports.plans import Plan, PlannedRow, RefusedRow


def split_plan(plan: Plan, most_rows: int) -> list[Plan]:
    """Return the plan in parts, in the order of the file.

    A part has `most_rows` rows at most, unless more than that belong together.
    """
    parts: list[list[PlannedRow | RefusedRow]] = []
    for group in find_groups(plan):
        if not parts or len(parts[-1]) + len(group) > most_rows:
            parts.append([])
        parts[-1] += group
    return [_make_part(plan, rows) for rows in parts]


def halve_plan(plan: Plan) -> list[Plan]:
    """Return the plan in two halves, or alone if all of it belongs together."""
    groups = find_groups(plan)
    middle = (len(groups) + 1) // 2
    halves = [[row for group in some for row in group] for some in (groups[:middle], groups[middle:])]
    return [_make_part(plan, rows) for rows in halves if rows]


def find_groups(plan: Plan) -> list[list[PlannedRow | RefusedRow]]:
    """Return the rows that belong together, those with the first line of the file first."""
    joined = _Joined()
    rows = list_rows(plan)
    for row in rows:
        for key in _list_keys(plan, row):
            joined.join(("line", find_line(row)), key)
    groups: dict[Hashable, list[PlannedRow | RefusedRow]] = defaultdict(list)
    for row in sorted(rows, key=find_line):
        groups[joined.find(("line", find_line(row)))].append(row)
    return list(groups.values())


def find_line(row: PlannedRow | RefusedRow) -> int:
    """The line of the file that the row starts in."""
    return row.row.line if isinstance(row, PlannedRow) else row.result.line


def list_lines(plan: Plan) -> list[int]:
    """All lines that the plan is about."""
    return sorted(find_line(row) for row in list_rows(plan))


def list_rows(plan: Plan) -> list[PlannedRow | RefusedRow]:
    """The accepted rows, and the rejected ones that cancel."""
    return [*plan.rows, *plan.refused]


def _list_keys(plan: Plan, row: PlannedRow | RefusedRow) -> list[Hashable]:
    """What a row touches: its patient, their contact or the one who isn't them because another id of the file
    is, its appointment and the contact of that.
    """
    keys: list[Hashable] = []
    if isinstance(row, PlannedRow):
        key = person_key(row.row)
        keys.append(key)
        planned = plan.contacts.get(key)
        if planned and (contact := planned.contact or planned.rival):
            keys.append(("contact", contact.pk))
    if row.appointment:
        keys += [("appointment", row.appointment.pk), ("contact", row.appointment.contact_id)]
    return keys


def _make_part(plan: Plan, rows: Collection[PlannedRow | RefusedRow]) -> Plan:
    planned = [row for row in rows if isinstance(row, PlannedRow)]
    people = {person_key(row.row) for row in planned}
    return Plan(
        rows=planned,
        contacts={key: each for key, each in plan.contacts.items() if key in people},
        refused=[row for row in rows if isinstance(row, RefusedRow)],
    )


class _Joined:
    """Which keys are joined, directly or by others between them."""

    def __init__(self) -> None:
        self._parents: dict[Hashable, Hashable] = {}

    def find(self, key: Hashable) -> Hashable:
        """The one key that stands for all that are joined with this one."""
        root = key
        while (parent := self._parents.get(root, root)) != root:
            root = parent
        while (parent := self._parents.get(key, key)) != root:
            self._parents[key], key = root, parent
        return root

    def join(self, one: Hashable, other: Hashable) -> None:
        self._parents[self.find(one)] = self.find(other)
