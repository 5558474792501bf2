"""A report as it is shown and written to a file: sentences, tables, and a map of hours and weekdays."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, time

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from contacts.clock_habits import write_clock, write_day
from reminders.reports.rates import Rate

Value = str | int | date | Rate
Words = str | Promise


@dataclass(frozen=True)
class ShownCell:
    """A cell of a page. `width`: of its bar, 0 to 100, or None; `value`: for the chart; `note`: in small."""

    text: str
    width: int | None = None
    value: str = ""
    note: str = ""
    is_few: bool = False
    is_zero: bool = False


@dataclass(frozen=True)
class ReportTable:
    """The first value of each row names it. `total`: the last row, or none.

    `charted`: the numbers of the columns that the chart above the table shows; `barred`: those with bars.
    """

    title: Words
    headings: Sequence[Words]
    rows: Sequence[Sequence[Value]]
    total: Sequence[Value] = ()
    charted: Sequence[int] = ()
    barred: Sequence[int] = (1,)
    shows_interval: bool = False

    def shown_rows(self) -> list[list[ShownCell]]:
        """The rows as cells of a page."""
        return [self._show_row(row) for row in self.rows]

    def shown_total(self) -> list[ShownCell]:
        """The last row, without bars."""
        return [_show(value, None, with_interval=self.shows_interval) for value in self.total]

    def list_lines(self) -> Iterator[list[object]]:
        """The headings and the rows as lines of a file; a rate is spread over five columns."""
        sample = self.rows[0] if self.rows else self.total
        yield (
            [
                name
                for heading, value in zip(self.headings, sample, strict=True)
                for name in _name_columns(str(heading), value)
            ]
            if sample
            else [str(heading) for heading in self.headings]
        )
        for row in [*self.rows, *([self.total] if self.total else [])]:
            yield [part for value in row for part in _spread(value)]

    def _show_row(self, row: Sequence[Value]) -> list[ShownCell]:
        return [
            _show(value, self._most(place), with_interval=self.shows_interval)
            for place, value in enumerate(row)
        ]

    def _most(self, place: int) -> int | None:
        """The largest number of a column with bars."""
        if place not in self.barred:
            return None
        column = [row[place] for row in self.rows]
        return max((value for value in column if isinstance(value, int)), default=0)


@dataclass(frozen=True)
class HeatMap:
    """A rate for each hour (0 to 23) and weekday (Monday is 0)."""

    title: Words
    rates: dict[tuple[int, int], Rate]

    def shown_rows(self) -> list[tuple[str, list[ShownCell]]]:
        """The name of each hour and its seven cells; `width` is the depth of the colour, 0 to 9."""
        hours = sorted({hour for hour, _weekday in self.rates})
        most = max((rate.share or 0 for rate in self.rates.values()), default=0) or 1
        return [
            (write_clock(time(hour)), [self._show_cell(hour, weekday, most) for weekday in range(7)])
            for hour in (range(hours[0], hours[-1] + 1) if hours else ())
        ]

    def _show_cell(self, hour: int, weekday: int, most: float) -> ShownCell:
        rate = self.rates.get((hour, weekday))
        if rate is None or rate.share is None:
            return ShownCell("", is_zero=True)
        depth = round(9 * rate.share / most)
        return ShownCell(write_share(rate.share), depth, "", str(rate.of), rate.is_few)

    def list_lines(self) -> Iterator[list[object]]:
        """A line for each hour and weekday, as in a file."""
        yield [_("Weekday"), _("From"), *_name_columns(_("Answered"), Rate(0, 0))]
        for (hour, weekday), rate in sorted(self.rates.items(), key=lambda item: (item[0][1], item[0][0])):
            yield [weekday + 1, f"{hour}:00", *_spread(rate)]


@dataclass(frozen=True)
class Report:
    """One page. `findings`: sentences that say what the numbers say; `cautions`: what to beware of."""

    findings: Sequence[str]
    tables: Sequence[ReportTable]
    heat: HeatMap | None = None
    cautions: Sequence[str] = field(default_factory=tuple)

    @property
    def is_empty(self) -> bool:
        return not any(table.rows for table in self.tables) and not (self.heat and self.heat.rates)

    @property
    def has_few(self) -> bool:
        """Whether a rate rests on so few that it may be chance."""
        values = [value for table in self.tables for row in table.rows for value in row]
        values += self.heat.rates.values() if self.heat else []
        return any(isinstance(value, Rate) and value.is_few for value in values)

    def list_lines(self) -> Iterator[list[object]]:
        """The whole report as lines of a file, an empty one between tables."""
        parts: list[HeatMap | ReportTable] = [*([self.heat] if self.heat else []), *self.tables]
        for place, part in enumerate(parts):
            if place:
                yield []
            yield from part.list_lines()


def write_share(share: float) -> str:
    """A share in per cent: "61%"."""
    return f"{share:.0%}"


def write_interval(rate: Rate) -> str:
    """Such as "54–68%"."""
    low, high = rate.interval
    return f"{low * 100:.0f}–{high * 100:.0f}%"


def _show(value: Value, most: int | None, *, with_interval: bool) -> ShownCell:
    if isinstance(value, Rate):
        return _show_rate(value, with_interval=with_interval)
    if isinstance(value, int):
        width = round(100 * value / most) if most else None
        return ShownCell(f"{value:,}", width, str(value), is_zero=not value)
    if isinstance(value, date):
        return ShownCell(write_day(value, with_year=False), value=value.isoformat())
    return ShownCell(value)


def _show_rate(rate: Rate, *, with_interval: bool) -> ShownCell:
    if rate.share is None:
        return ShownCell("–", is_zero=True)
    note = _("%(hits)s of %(of)s") % {"hits": f"{rate.hits:,}", "of": f"{rate.of:,}"}
    if with_interval:
        note = f"{note} · {write_interval(rate)}"
    share = rate.share
    return ShownCell(write_share(share), round(share * 100), f"{share * 100:.1f}", note, rate.is_few)


def _name_columns(heading: str, value: Value) -> list[str]:
    if not isinstance(value, Rate):
        return [heading]
    return [
        heading,
        _("%(heading)s: of how many") % {"heading": heading},
        _("%(heading)s: share") % {"heading": heading},
        _("%(heading)s: lowest probable share") % {"heading": heading},
        _("%(heading)s: highest probable share") % {"heading": heading},
    ]


def _spread(value: Value) -> list[object]:
    if isinstance(value, date):
        return [value.isoformat()]
    if not isinstance(value, Rate):
        return [value]
    if value.share is None:
        return [0, 0, None, None, None]
    low, high = value.interval
    return [value.hits, value.of, f"{value.share:.4f}", f"{low:.4f}", f"{high:.4f}"]
