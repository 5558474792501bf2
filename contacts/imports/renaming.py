"""What follows when a location or a provider gets another name: lists know both by their names only.

What lists said of visits is kept with these names (three_way.py). They are rewritten with the change: else
each visit would count as changed by staff, and what the lists say next of its time would be refused.

A practice system may go on with the former name. It is remembered for every source that has sent a list, and
read as the present one (product rule 45: a value that the file had before changes nothing).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from django.db import connection, transaction

from contacts.imports.columns import Columns
from contacts.imports.files import RawRow, Table
from contacts.imports.leases import lock_import_writes
from contacts.imports.packed_lists import PackedList
from contacts.imports.practice import KnownPractice
from contacts.imports.rows import location_key
from contacts.models import ImportBatch, Location, Provider, SourceAnswers

# Keys of SourceAnswers.answers, followed by a former name, as by location_key(); the answer is the row's id.
FORMER_LOCATION, FORMER_PROVIDER = "former_location:", "former_provider:"
DAYS_BACK = 100  # visits from before aren't rewritten: no list moves them any more


@dataclass(frozen=True)
class _Memory:
    """How a name stands in what lists said of a visit: `name` and `renamed` are SQL of one such value."""

    prefix: str
    column: str
    field: str
    name: str
    renamed: str


# The place is the rest of a slot, behind the first “@”: see say_slot().
_OF_LOCATION = _Memory(
    FORMER_LOCATION,
    "location_id",
    "slot",
    "substr({said} ->> 'slot', strpos({said} ->> 'slot', '@') + 1)",
    "left({said} ->> 'slot', strpos({said} ->> 'slot', '@')) || %(new)s::text",
)
_OF_PROVIDER = _Memory(FORMER_PROVIDER, "provider_id", "provider", "({said} ->> 'provider')", "%(new)s::text")
_REWRITE_VISITS = """
UPDATE contacts_appointment AS visit
SET file_values = (
    SELECT jsonb_object_agg(said.key, CASE WHEN {has_name} THEN {renamed} ELSE said.value END)
    FROM jsonb_each(visit.file_values) AS said
)
FROM (
    SELECT id FROM contacts_appointment
    WHERE starts_at > now() - interval '{days} days'
    AND (%(only)s::bigint IS NULL OR {column} = %(only)s)
    AND EXISTS (SELECT FROM jsonb_each(file_values) AS said WHERE {has_name})
    ORDER BY id FOR NO KEY UPDATE
) AS held
WHERE visit.id = held.id
"""
_REWRITE_OVERWRITTEN = """
UPDATE contacts_overwrittenvalues
SET before = CASE WHEN {before_has_name} THEN {before_renamed} ELSE before END,
    after = CASE WHEN {after_has_name} THEN {after_renamed} ELSE after END
WHERE ({before_has_name} OR {after_has_name})
AND appointment_id IN (
    SELECT id FROM contacts_appointment
    WHERE starts_at > now() - interval '{days} days'
    AND (%(only)s::bigint IS NULL OR {column} = %(only)s)
)
"""


@contextmanager
def following_new_name(row: Location | Provider) -> Iterator[None]:
    """Around saving a location or provider that has another name now: let all that lists said follow.

    One transaction, in which no part of a list is written.
    """
    with transaction.atomic():
        lock_import_writes()
        model: type[Location] | type[Provider] = type(row)
        former = model._default_manager.filter(pk=row.pk).values_list("name", flat=True).first()
        yield
        if former and location_key(former) != location_key(row.name):
            names = model._default_manager.exclude(pk=row.pk).values_list("name", flat=True)
            is_shared = location_key(former) in map(location_key, names)
            _rewrite_memories(row, former, only=row.pk if is_shared else None)
            _remember_former_name(row, former)


def _rewrite_memories(row: Location | Provider, former: str, *, only: int | None) -> None:
    """Rewrite the name in what lists said of visits, and in what an undo puts back of that. Two statements.

    `only`: of the visits that it has now, since another row has that name as well.
    """
    memory = _OF_LOCATION if isinstance(row, Location) else _OF_PROVIDER
    names = {"old": location_key(former), "new": location_key(row.name), "only": only}

    def write(said: str, value: str, path: str) -> dict[str, str]:
        """SQL for one value: whether it has the name, and the whole with the other name."""
        return {
            "has_name": f"{memory.name.format(said=said)} = %(old)s",
            "renamed": f"jsonb_set({value}, '{{{path}}}', to_jsonb({memory.renamed.format(said=said)}))",
        }

    of_visit = write("said.value", "said.value", memory.field)
    of_undo = {
        f"{column}_{name}": sql
        for column in ("before", "after")
        for name, sql in write(f"({column} -> 'memory')", column, f"memory,{memory.field}").items()
    }
    with connection.cursor() as cursor:
        for statement, sql in ((_REWRITE_VISITS, of_visit), (_REWRITE_OVERWRITTEN, of_undo)):
            cursor.execute(statement.format(column=memory.column, days=DAYS_BACK, **sql), names)


def _remember_former_name(row: Location | Provider, former: str) -> None:
    memory = _OF_LOCATION if isinstance(row, Location) else _OF_PROVIDER
    known = {kept.source: kept for kept in SourceAnswers.objects.all()}
    for source in {*known, *ImportBatch.objects.order_by().values_list("source", flat=True).distinct()}:
        kept = known.get(source) or SourceAnswers(source=source)
        kept.answers = {**kept.answers, f"{memory.prefix}{location_key(former)}": str(row.pk)}
        kept.save()


@dataclass(frozen=True)
class PresentNames:
    """The present names of locations and providers, by former ones that no other has now."""

    locations: Mapping[str, str]
    providers: Mapping[str, str]

    def name_location(self, name: str) -> str:
        return self.locations.get(location_key(name), name)

    def rename_cells(self, table: Table, columns: Columns) -> Table:
        """The table with the present names in place of former ones."""
        known = (("location", self.locations), ("provider", self.providers))
        named = [(columns.positions[name], names) for name, names in known if name in columns.positions]
        if not any(names for _, names in named):
            return table

        def rename(row: RawRow) -> RawRow:
            cells = list(row.cells)
            for at, names in named:
                if at < len(cells):
                    cells[at] = names.get(location_key(cells[at]), cells[at])
            return replace(row, cells=tuple(cells))

        return replace(table, rows=PackedList(map(rename, table.rows)))


def read_present_names(answers: Mapping[str, str], practice: KnownPractice) -> PresentNames:
    """What former names stand for, as it is remembered of a source (`answers`)."""

    def find(prefix: str, rows: Mapping[str, Location] | Mapping[str, Provider]) -> dict[str, str]:
        names = {str(row.pk): row.name for row in rows.values()}
        former = {key.removeprefix(prefix): pk for key, pk in answers.items() if key.startswith(prefix)}
        return {name: names[pk] for name, pk in former.items() if name not in rows and pk in names}

    return PresentNames(find(FORMER_LOCATION, practice.locations), find(FORMER_PROVIDER, practice.providers))
