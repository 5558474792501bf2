"""Compare the results of the strategies: the table, and the reasons why a run failed."""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.torture.oracle import DOUBLED, LOST, RULES, find_broken_rules

Result = Mapping[str, Any]
Results = Mapping[str, Result]
EXPECTED_VIOLATIONS = {"post_then_mark": DOUBLED, "mark_then_post": LOST}
LEAST_ACCEPTED = 0.3  # of the reminders; a run with fewer accepted calls proves nothing


def find_failures(results: Results) -> list[str]:
    """Return why the run failed; empty if Callboard breaks no rule and each naive strategy breaks its own."""
    return [failure for strategy, result in results.items() for failure in _find_failures(strategy, result)]


def _find_failures(strategy: str, result: Result) -> Iterator[str]:
    broken, counts = find_broken_rules(result["rules"]), result["counts"]
    if strategy in EXPECTED_VIOLATIONS:
        if EXPECTED_VIOLATIONS[strategy] not in broken:
            yield f"{strategy}: the oracle should have found {EXPECTED_VIOLATIONS[strategy]}"
        return
    yield from (f"{strategy}: {name}: {result['rules'][name]}" for name in broken)
    if counts["calls and texts accepted"] < LEAST_ACCEPTED * counts["reminders"]:
        yield f"{strategy}: too few calls were accepted, so the run proves nothing"


def show_table(results: Results) -> str:
    """Return a table with a column for each strategy: first the rules, then what happened."""
    names = [name.replace("_", " ") for name in results]
    rules = [[name, *_show_rule(name, results)] for name in RULES]
    counts = list(dict.fromkeys(name for result in results.values() for name in result["counts"]))
    happened = [
        [name, *(str(result["counts"].get(name, "")) for result in results.values())] for name in counts
    ]
    rows = [["rules", *names], *rules, [], ["what happened", *names], *happened]
    return "\n".join(align(rows))


def _show_rule(name: str, results: Results) -> Iterator[str]:
    limit = RULES[name][1]
    for result in results.values():
        count = result["rules"][name]
        yield str(count) if count <= limit else f"{count} !"


def align(rows: list[list[str]]) -> Iterator[str]:
    """The lines of a table: the first column to the left, the others to the right."""
    full = [row for row in rows if row]
    first = max(len(row[0]) for row in full)
    widths = [max(len(row[column]) for row in full) for column in range(1, len(full[0]))]
    for row in rows:
        cells = [cell.rjust(width) for cell, width in zip(row[1:], widths, strict=False)]
        yield "  ".join([row[0].ljust(first), *cells]) if row else ""
