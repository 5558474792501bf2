"""A share with what it rests on: how many of how many, and where the true share probably lies. Pure."""

from math import sqrt
from statistics import NormalDist
from typing import NamedTuple

FEW = 30  # fewer than this say little
CONFIDENCE = 0.95
_Z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)


class Rate(NamedTuple):
    """`hits` of `of`."""

    hits: int
    of: int

    @property
    def share(self) -> float | None:
        """From 0 to 1; None of nothing."""
        return self.hits / self.of if self.of else None

    @property
    def is_few(self) -> bool:
        """Whether there are so few that the share may be chance."""
        return 0 < self.of < FEW

    @property
    def interval(self) -> tuple[float, float]:
        """The lowest and highest share that the true one probably has (Wilson's interval, 95 %)."""
        if not self.of:
            return 0.0, 1.0
        share, square = self.hits / self.of, _Z * _Z
        middle = (share + square / (2 * self.of)) / (1 + square / self.of)
        reach = _Z * sqrt(share * (1 - share) / self.of + square / (4 * self.of**2)) / (1 + square / self.of)
        return max(middle - reach, 0.0), min(middle + reach, 1.0)
