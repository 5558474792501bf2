"""Rounds side by side, and the table they end in.

The machine is seldom quiet, so no figure stands alone: the contenders take turns (A B C, A B C, ...), and
what is compared is their ratio within a round.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median

Run = Callable[[], float]  # one round; what it measured, such as events per second

HEADINGS = ("what", "Callboard", "beside it", "Callboard / beside it (lowest to highest round)")


@dataclass(frozen=True)
class Line:
    """One line of the table, as it is printed."""

    what: str
    ours: str
    beside: str = ""
    ratio: str = ""


class Stopwatch:
    """The seconds that a `with` block took."""

    seconds = 0.0

    def rate(self, count: int) -> float:
        """`count` things, per second."""
        return count / self.seconds


@contextmanager
def stopwatch() -> Iterator[Stopwatch]:
    """Time a block, by the monotonic clock."""
    watch = Stopwatch()
    started = time.perf_counter()
    yield watch
    watch.seconds = time.perf_counter() - started


def take_turns(contenders: Mapping[str, Run], rounds: int) -> dict[str, list[float]]:
    """Let each contender run once a round; what each measured, round by round."""
    measured: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, run in contenders.items():
            measured[name].append(run())
    return measured


def compare(what: str, ours: Run, beside: Mapping[str, Run], unit: str, rounds: int) -> list[Line]:
    """A line for each thing `ours` is measured beside, by rates (the more the better)."""
    measured = take_turns({"": ours, **beside}, rounds)
    mine = measured.pop("")
    return [
        Line(what, _show(mine, unit), f"{name}: {_show(theirs, unit)}", _show_ratio(mine, theirs))
        for name, theirs in measured.items()
    ]


def show_table(lines: Sequence[Line]) -> str:
    """The lines as a Markdown table."""
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
