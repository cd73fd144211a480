"""Partitions: the hive keys and values that a part of an archive or a table lives under.

A partition is written `year=2024/month=01`, the same in a path, a message and the table's meta. Its folders keep the
archive's own spelling: writers differ in which characters they percent-escape, and only an unchanged name reads the
same everywhere. The one partition of an unpartitioned table is written `all`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import unquote

from reviewmine.errors import UsageError

NULL_VALUE: Final = "__HIVE_DEFAULT_PARTITION__"
DERIVED_KEYS: Final = {"day": "review_day", "month": "review_month"}
PartitionBy = Literal["day", "month"]
_KEY_VALUE = re.compile(r"([^/=]+)=([^/]*)")
_BEGINNING_OF_DATE = re.compile(r"(.*/)?[0-9]{4}[0-9-]*")
_DATED = re.compile(r"(.*/)?[0-9]{4}")
_DATE_BY_PARTS = re.compile(r"(?<![^/])[0-9]{4}(?:[-/][0-9]{2}(?![0-9]))+")
_LONE_DIGIT = re.compile(r"(?<![0-9])[0-9](?![0-9])")


@dataclass(frozen=True, order=True)
class Partition:
    """One partition: its keys and values as its folders spell them, outermost first."""

    pairs: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of_path(cls, path: str) -> "Partition":
        """The partition that the folder `path` spells; folders without `=` are passed over."""
        found = (_KEY_VALUE.fullmatch(folder) for folder in path.split("/"))
        return cls(tuple((m[1], m[2]) for m in found if m))

    @classmethod
    def of_file(cls, path: str) -> "Partition":
        """The partition of the file at `path`, whose own name says nothing about it."""
        return cls.of_path(path.rpartition("/")[0])

    @classmethod
    def derived(cls, by: PartitionBy, value: str) -> "Partition":
        """The partition of a value of the derived key: `2024-01-31`, `2024-01`, or NULL_VALUE for undated rows."""
        return cls(((DERIVED_KEYS[by], value),))

    @property
    def path(self) -> str:
        """`year=2024/month=01`; empty for the one partition of an unpartitioned table."""
        return "/".join(f"{key}={value}" for key, value in self.pairs)

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(key for key, _ in self.pairs)

    @property
    def values(self) -> tuple[str, ...]:
        """The values that the folders stand for, unescaped."""
        return tuple(unquote(value) for _, value in self.pairs)

    @property
    def name(self) -> str:
        """The partition as one path segment, for the table's meta: `year=2024,month=01`, or `all`.

        Escaping commas and percent signs keeps the name one-to-one.
        """
        folders = (f"{key}={value}" for key, value in self.pairs)
        return ",".join(folder.replace("%", "%25").replace(",", "%2C") for folder in folders) or "all"

    @classmethod
    def of_name(cls, name: str) -> "Partition":
        """The partition whose `name` this is."""
        return cls() if name == "all" else cls.of_path("/".join(unquote(f) for f in name.split(",")))

    def __str__(self) -> str:
        return self.path or "all"


@dataclass(frozen=True)
class PartitionRange:
    """A closed range of partitions `A..B`, a single one `A`, or an open end `A..` or `..B`.

    Dates are compared year, month and day, however `-` or keys divide them and with or without a leading zero:
    `2024-07..2024-12` takes `dt=2024-08-31`, `dt=20240831` and `year=2024/month=8` alike. A bound goes as far as it is
    written: `2019..2024-06` takes every month of 2019 and stops with the last day of June 2024. Other values are
    compared as text, key by key, a number of one digit as two. With several keys a bound is written `DE/2019-03`, or as
    the partition is, `country=DE/year=2019/month=03`. Undated rows lie in no range: they are asked for by name,
    `__HIVE_DEFAULT_PARTITION__`.
    """

    first: str
    last: str
    written: str

    @classmethod
    def parse(cls, text: str) -> "PartitionRange":
        """Raises UsageError if both ends are open or the first lies after the last."""
        first, dots, last = text.strip().partition("..")
        if not dots:
            last = first
        if not first and not last:
            raise UsageError(f"--partitions {text!r}: expected A..B, A.., ..B or one partition value")
        found = cls(_bound(first), _bound(last), text.strip())
        if found.first and found.last and found.first > found.last and not found.first.startswith(found.last):
            raise UsageError(
                f"--partitions {text!r}: {first!r} lies after {last!r}; put the earlier one first"
            )
        return found

    def covers(self, partition: Partition) -> bool:
        value = comparable(partition)
        if NULL_VALUE in partition.values and NULL_VALUE not in self.first + self.last:
            return False
        return (not self.first or value >= self.first) and (
            not self.last or value <= self.last or _lies_within(value, self.last)
        )

    def may_come(self, known: Iterable[Partition]) -> bool:
        """Whether a partition of this range, which covers none of `known`, may come yet: one of a date beside dates."""
        if NULL_VALUE in self.first + self.last:
            return True
        if not all(_DATED.match(bound) for bound in (self.first, self.last) if bound):
            return False
        values = [comparable(partition) for partition in known if NULL_VALUE not in partition.values]
        return not values or any(_DATED.match(value) for value in values)

    def __str__(self) -> str:
        return self.written


def comparable(partition: Partition) -> str:
    """The values of a partition as ranges compare them, and as partitions follow each other in time."""
    return _comparable("/".join(partition.values))


def _lies_within(value: str, bound: str) -> bool:
    """Whether `value` goes on where `bound` stops: with a further key, or as a date does."""
    return value.startswith(f"{bound}/") or (
        _BEGINNING_OF_DATE.fullmatch(bound) is not None and value.startswith(bound)
    )


def _bound(written: str) -> str:
    return _comparable("/".join(Partition.of_path(written).values) if "=" in written else written)


def _comparable(text: str) -> str:
    """`text` with its dates as `20240831`, so that the order of text is the order of time."""
    two_digits = _LONE_DIGIT.sub(r"0\g<0>", text)
    return _DATE_BY_PARTS.sub(lambda date: re.sub("[-/]", "", date[0]), two_digits)
