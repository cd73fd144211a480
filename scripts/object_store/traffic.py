"""Traffic: how many requests and bytes went to which objects."""

import threading
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

TAIL: Final = "TAIL"
"""A GET of a range that ends where its object does is counted as this: so are the footers of Parquet files read."""


@dataclass
class Counts:
    """Bodies only; `up` are the bytes sent to the store, `down` those that came back."""

    num_requests: int = 0
    up_bytes: int = 0
    down_bytes: int = 0


class Traffic:
    """Counts by operation and `bucket/key`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, str], Counts] = defaultdict(Counts)

    def add(self, operation: str, name: str, *, up_bytes: int, down_bytes: int) -> None:
        with self._lock:
            counts = self._counts[operation, name]
            counts.num_requests += 1
            counts.up_bytes += up_bytes
            counts.down_bytes += down_bytes

    def under(self, prefix: str = "", operations: Collection[str] = ()) -> Counts:
        """What went to the objects whose `bucket/key` begins with `prefix`, by these operations or by all."""
        total = Counts()
        with self._lock:
            for (operation, name), counts in self._counts.items():
                if name.startswith(prefix) and (not operations or operation in operations):
                    total.num_requests += counts.num_requests
                    total.up_bytes += counts.up_bytes
                    total.down_bytes += counts.down_bytes
        return total

    def by_operation(self, prefix: str = "") -> dict[str, Counts]:
        with self._lock:
            operations = sorted({operation for operation, name in self._counts if name.startswith(prefix)})
        return {operation: self.under(prefix, {operation}) for operation in operations}
