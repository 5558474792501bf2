"""Measure alternatives in turns, and print the table of results.

Other programs use the machine too, so single figures say little. The alternatives are measured in turns
(A B C, A B C, ...) and compared by their ratio within each round.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median

Run = Callable[[], float]  # measures one round and returns the result, such as events per second

HEADINGS = ("what", "Callboard", "alternative", "Callboard / alternative (lowest to highest round)")


@dataclass(frozen=True)
class Line:
    """One line of the printed table."""

    what: str
    ours: str
    beside: str = ""
    ratio: str = ""


class Stopwatch:
    """The time that a `with` block took, in seconds."""

    seconds = 0.0

    def rate(self, count: int) -> float:
        """Return `count` divided by the seconds."""
        return count / self.seconds


@contextmanager
def stopwatch() -> Iterator[Stopwatch]:
    """Measure the time of a block with the monotonic clock."""
    watch = Stopwatch()
    started = time.perf_counter()
    yield watch
    watch.seconds = time.perf_counter() - started


def take_turns(alternatives: Mapping[str, Run], rounds: int) -> dict[str, list[float]]:
    """Run each alternative once per round; return the measurements of each, by round."""
    measured: dict[str, list[float]] = {name: [] for name in alternatives}
    for _ in range(rounds):
        for name, run in alternatives.items():
            measured[name].append(run())
    return measured


def compare(what: str, ours: Run, beside: Mapping[str, Run], unit: str, rounds: int) -> list[Line]:
    """Compare the rate of `ours` with each alternative in `beside` (higher is better); one line for each."""
    measured = take_turns({"": ours, **beside}, rounds)
    mine = measured.pop("")
    return [
        Line(what, _show(mine, unit), f"{name}: {_show(theirs, unit)}", _show_ratio(mine, theirs))
        for name, theirs in measured.items()
    ]


def show_table(lines: Sequence[Line]) -> str:
    """Return the lines as a Markdown table."""
    cells: list[tuple[str, ...]] = [
        HEADINGS,
        *((line.what, line.ours, line.beside, line.ratio) for line in lines),
    ]
    widths = [max(len(row[column]) for row in cells) for column in range(len(HEADINGS))]
    cells.insert(1, ("-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])))
    return "\n".join(f"| {' | '.join(map(_pad, row, widths, range(4)))} |" for row in cells)


def _pad(text: str, width: int, column: int) -> str:
    return text.rjust(width) if column else text.ljust(width)


def _show(rates: Sequence[float], unit: str) -> str:
    return f"{median(rates):,.0f} {unit}"


def _show_ratio(mine: Sequence[float], theirs: Sequence[float]) -> str:
    ratios = [a / b for a, b in zip(mine, theirs, strict=True)]
    return f"{median(ratios):.0%} ({min(ratios):.0%} to {max(ratios):.0%})"
