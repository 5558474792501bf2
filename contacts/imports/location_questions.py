"""Where a file's appointments are, if no column says it, or the wrong one. Pure: no database."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from django.utils.translation import gettext

from contacts.imports.column_values import LINK, LOOKED_AT, Look, find_look, read_values, sample_values
from contacts.imports.columns import NONE_OF_THEM, Columns
from contacts.imports.files import RawRow
from contacts.imports.problems import clip
from contacts.imports.questions import Choice, Question
from contacts.imports.rows import LONGEST, location_key

MOST_NEW_LOCATIONS = 20
MOST_OFFERED = 30
ONLY_LOCATION_KEY = "location"
MANY_LOCATIONS_KEY = "locations"


@dataclass(frozen=True)
class LocationChoice:
    """How the locations of a file's rows are told. `only`: the one of all rows; "" if a column says it."""

    columns: Columns
    only: str
    questions: tuple[Question, ...]


def choose_locations(
    columns: Columns, rows: Sequence[RawRow], known: Mapping[str, str], answers: Mapping[str, str]
) -> LocationChoice:
    """Ask for the location of all rows, or for the right column, where the file doesn't make it clear.

    `known`: the names of the locations here, by location_key().
    """
    questions: list[Question] = []
    new = _count_new(columns, rows, known)
    if new > MOST_NEW_LOCATIONS:
        question = _ask_for_column(columns, rows, new)
        questions.append(question)
        answer = question.find_answer(answers)
        if answer is None:
            return LocationChoice(columns, "", tuple(questions))
        positions = {name: at for name, at in columns.positions.items() if name != "location"}
        if answer != NONE_OF_THEM:
            positions["location"] = columns.labels.index(answer)
        columns = replace(columns, positions=positions)
    if "location" in columns.positions or any(each.key == "column:location" for each in columns.questions):
        return LocationChoice(columns, "", tuple(questions))
    question = _ask_for_only(known)
    answer = question.find_answer(answers) or ""
    return LocationChoice(columns, clip(answer, LONGEST["location"]), (*questions, question))


def _count_new(columns: Columns, rows: Sequence[RawRow], known: Mapping[str, str]) -> int:
    if "location" not in columns.positions:
        return 0
    named = read_values(rows, columns.positions["location"])
    return len({location_key(name) for name in named if not LINK.fullmatch(name)} - known.keys())


def _ask_for_column(columns: Columns, rows: Sequence[RawRow], new: int) -> Question:
    at = columns.positions["location"]
    label, samples = columns.labels[at], ", ".join(clip(each, 40) for each in sample_values(rows, at))
    return Question(
        key=MANY_LOCATIONS_KEY,
        text=gettext(
            "“%(column)s” names %(count)d locations that aren't known here, such as %(samples)s. A list can "
            "add at most %(most)d. Which column is the location? If all of them really are locations, add "
            "them here first."
        )
        % {"column": clip(label, 60), "count": new, "samples": samples, "most": MOST_NEW_LOCATIONS},
        choices=(
            *(_offer(columns, rows, other) for other in _list_others(columns, rows, at)),
            Choice(NONE_OF_THEM, gettext("None: all appointments are at one location")),
        ),
    )


def _list_others(columns: Columns, rows: Sequence[RawRow], at: int) -> Iterable[int]:
    """The columns whose few different cells could be names of locations."""
    taken = set(columns.positions.values()) | {at}
    for other in range(len(columns.labels)):
        if other in taken or find_look(list(read_values(rows, other, LOOKED_AT))) != Look.OTHER:
            continue
        if len({location_key(value) for value in read_values(rows, other)}) <= MOST_NEW_LOCATIONS:
            yield other


def _offer(columns: Columns, rows: Sequence[RawRow], at: int) -> Choice:
    samples = ", ".join(clip(each, 40) for each in sample_values(rows, at))
    return Choice(columns.labels[at], f"“{clip(columns.labels[at], 60)}”", samples)


def _ask_for_only(known: Mapping[str, str]) -> Question:
    return Question(
        key=ONLY_LOCATION_KEY,
        text=gettext("The file has no column for the location. Where are all its appointments?"),
        choices=tuple(Choice(name, name) for name in sorted(known.values())[:MOST_OFFERED]),
        other=gettext("The name of another location"),
    )
