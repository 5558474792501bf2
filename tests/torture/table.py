"""The results side by side, and what in them isn't as it must be."""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.torture.oracle import DOUBLED, LOST, RULES, find_broken

Result = Mapping[str, Any]
Results = Mapping[str, Result]
MUST_SHOW = {"post_then_mark": DOUBLED, "mark_then_post": LOST}
ENOUGH = 0.3  # a run in which fewer calls were accepted than this part of the reminders proves nothing


def find_faults(results: Results) -> list[str]:
    """What isn't as it must be, in sentences; none when ours holds and the naive ones are found out."""
    return [fault for strategy, result in results.items() for fault in _find_faults(strategy, result)]


def _find_faults(strategy: str, result: Result) -> Iterator[str]:
    broken, told = find_broken(result["rules"]), result["told"]
    if strategy in MUST_SHOW:
        if MUST_SHOW[strategy] not in broken:
            yield f"{strategy}: the oracle found none of the {MUST_SHOW[strategy]}"
        return
    yield from (f"{strategy}: {name}: {result['rules'][name]}" for name in broken)
    if told["calls and texts accepted"] < ENOUGH * told["reminders"]:
        yield f"{strategy}: too few calls were accepted for this run to prove anything"


def show_table(results: Results) -> str:
    """One column for each strategy: first what must hold, then what happened."""
    names = [name.replace("_", " ") for name in results]
    rules = [[name, *_show_rule(name, results)] for name in RULES]
    told = list(dict.fromkeys(name for result in results.values() for name in result["told"]))
    happened = [[name, *(str(result["told"].get(name, "")) for result in results.values())] for name in told]
    rows = [["what must hold", *names], *rules, [], ["what happened", *names], *happened]
    return "\n".join(_align(rows))


def _show_rule(name: str, results: Results) -> Iterator[str]:
    limit = RULES[name][1]
    for result in results.values():
        count = result["rules"][name]
        yield str(count) if count <= limit else f"{count} !"


def _align(rows: list[list[str]]) -> Iterator[str]:
    full = [row for row in rows if row]
    first = max(len(row[0]) for row in full)
    widths = [max(len(row[column]) for row in full) for column in range(1, len(full[0]))]
    for row in rows:
        cells = [cell.rjust(width) for cell, width in zip(row[1:], widths, strict=False)]
        yield "  ".join([row[0].ljust(first), *cells]) if row else ""
