"""Selection: which of the partitions that are due a run takes on, and in which order."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator

from reviewmine.partition import NULL_VALUE, Partition, comparable
from reviewmine.store.filesystem import Listed

Order = Literal["oldest", "newest"]
_AGE: Final = re.compile(r"(?P<count>[0-9]{1,5}) ?(?P<unit>[smhdw])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_age(written: str) -> timedelta:
    """A length of time as run files and the command line write it: `90s`, `90m`, `12h`, `2d`, `1w`.

    Raises ValueError for anything else.
    """
    found = _AGE.fullmatch(written.strip())
    if found is None:
        raise ValueError("expected a number and a unit, such as 90m, 12h, 2d or 1w")
    return timedelta(**{_UNITS[found["unit"]]: int(found["count"])})


Age = Annotated[
    timedelta, BeforeValidator(lambda written: parse_age(written) if isinstance(written, str) else written)
]
"""What is no text is left to pydantic."""


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What to leave for another time. None means: nothing for this reason."""

    order: Order = "oldest"
    max_partitions: int | None = None
    settled_after: timedelta | None = None
    prune: bool = False
    """Empty the partitions whose source is gone from the archive."""

    def in_order(self, partitions: Sequence[Partition]) -> list[Partition]:
        """By the values of their keys, as ranges compare them; undated rows come last in either order."""
        by_value = sorted(
            partitions, key=lambda partition: comparable(partition), reverse=self.order == "newest"
        )
        return sorted(by_value, key=lambda partition: NULL_VALUE in partition.values)

    def unsettled(self, files: Sequence[Listed], *, now: datetime | None = None) -> str | None:
        """Why files that changed so lately are to be left alone, or None. A file of unknown age is settled."""
        changed = [file.modified_at for file in files if file.modified_at]
        if self.settled_after is None or not changed:
            return None
        age = (now or datetime.now(UTC)) - max(changed)
        if age >= self.settled_after:
            return None
        return f"its newest file is {told(age)} old, and {told(self.settled_after)} are asked for"


def told(length: timedelta) -> str:
    """`3 h 20 min`, to the minute."""
    minutes = max(0, round(length / timedelta(minutes=1)))
    days, hours, minutes = minutes // 1440, minutes % 1440 // 60, minutes % 60
    words = [f"{count} {unit}" for count, unit in ((days, "d"), (hours, "h"), (minutes, "min")) if count]
    return " ".join(words[:2]) or "0 min"
