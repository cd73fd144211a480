"""Intervals: a figure that is expected, and the two between which it should lie."""

from collections.abc import Iterable
from typing import NamedTuple


class Interval(NamedTuple):
    """`low` <= `expected` <= `high`, all of one unit."""

    low: float
    expected: float
    high: float

    @classmethod
    def around(cls, expected: float, share: float) -> "Interval":
        """`share` of it less to `share` of it more; never below nothing."""
        return cls(expected * max(0.0, 1 - share), expected, expected * (1 + share))

    def times(self, other: "Interval | float") -> "Interval":
        """The product of two figures that are not below nothing, as far off as they can be together."""
        by = other if isinstance(other, Interval) else Interval(other, other, other)
        return Interval(self.low * by.low, self.expected * by.expected, self.high * by.high)

    def over(self, other: "Interval") -> "Interval":
        """The quotient by a figure above nothing."""
        return Interval(self.low / other.high, self.expected / other.expected, self.high / other.low)

    def holds(self, found: float) -> bool:
        return self.low <= found <= self.high


NOTHING = Interval(0.0, 0.0, 0.0)


def total(intervals: Iterable[Interval]) -> Interval:
    """The sum of figures that may be off together: low with low, high with high."""
    low, expected, high = 0.0, 0.0, 0.0
    for interval in intervals:
        low, expected, high = low + interval.low, expected + interval.expected, high + interval.high
    return Interval(low, expected, high)
