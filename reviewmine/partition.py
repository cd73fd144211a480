"""Partitions: the hive keys and values that a part of an archive or a table lives under.

A partition is written `year=2024/month=01`, the same in a path, a message and the table's meta. Values are
percent-escaped as Hive, Spark and pyarrow do. The one partition of an unpartitioned table is written `all`.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import quote, unquote

from reviewmine.errors import UsageError

NULL_VALUE: Final = "__HIVE_DEFAULT_PARTITION__"
DERIVED_KEYS: Final = {"day": "review_day", "month": "review_month"}
PartitionBy = Literal["day", "month"]
_KEY_VALUE = re.compile(r"([^/=]+)=([^/]*)")
_SAFE: Final = " !$&'()+,-.;@[]^_`{|}~"  # what Hive leaves alone besides letters and digits


@dataclass(frozen=True, order=True)
class Partition:
    """One partition: its keys and raw (unescaped) values, outermost first."""

    pairs: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of_path(cls, path: str) -> "Partition":
        """The partition that the folders of `path` spell; folders without `=` are passed over."""
        found = (_KEY_VALUE.fullmatch(folder) for folder in path.split("/"))
        return cls(tuple((m[1], unquote(m[2])) for m in found if m))

    @classmethod
    def derived(cls, by: PartitionBy, value: str) -> "Partition":
        """The partition of a value of the derived key: `2024-01-31`, `2024-01`, or NULL_VALUE for undated rows."""
        return cls(((DERIVED_KEYS[by], value),))

    @property
    def path(self) -> str:
        """`year=2024/month=01`; empty for the one partition of an unpartitioned table."""
        return "/".join(f"{key}={quote(value, safe=_SAFE)}" for key, value in self.pairs)

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(key for key, _ in self.pairs)

    @property
    def values(self) -> tuple[str, ...]:
        return tuple(value for _, value in self.pairs)

    @property
    def name(self) -> str:
        """The partition as one path segment, for the table's meta: `year=2024,month=01`, or `all`.

        Percent-escaping the comma inside values keeps the name one-to-one.
        """
        return (
            ",".join(f"{key}={quote(value, safe=_SAFE.replace(',', ''))}" for key, value in self.pairs)
            or "all"
        )

    @classmethod
    def of_name(cls, name: str) -> "Partition":
        """The partition whose `name` this is."""
        return cls() if name == "all" else cls.of_path(name.replace(",", "/"))

    def __str__(self) -> str:
        return self.path or "all"


@dataclass(frozen=True)
class PartitionRange:
    """A closed range of partitions `A..B`, a single one `A`, or an open end `A..` or `..B`.

    Values are compared as text, key by key, as far as the bound goes: `2019..2024-06` takes every month of 2019
    and stops with June 2024. With several keys a bound is written `2019/03`.
    """

    first: str
    last: str

    @classmethod
    def parse(cls, text: str) -> "PartitionRange":
        """Raises UsageError if both ends are open or the first lies after the last."""
        first, dots, last = text.strip().partition("..")
        if not dots:
            last = first
        if not first and not last:
            raise UsageError(f"--partitions {text!r}: expected A..B, A.., ..B or one partition value")
        if first and last and first > last and not first.startswith(last):
            raise UsageError(
                f"--partitions {text!r}: {first!r} lies after {last!r}; put the earlier one first"
            )
        return cls(first, last)

    def covers(self, partition: Partition) -> bool:
        value = "/".join(partition.values)
        if NULL_VALUE in partition.values and NULL_VALUE not in (self.first, self.last):
            return False
        return (not self.first or value >= self.first) and (
            not self.last or value <= self.last or value.startswith(self.last)
        )


def one_key_set(partitions: Iterable[Partition]) -> Iterator[tuple[str, ...]]:
    """The distinct key tuples among `partitions`, in order of first sight; an archive should have just one."""
    seen: dict[tuple[str, ...], None] = {}
    for partition in partitions:
        if partition.keys not in seen:
            seen[partition.keys] = None
            yield partition.keys
