"""Receipts: the proof that a fragment was annotated. File presence never means success; a receipt does."""

from datetime import datetime
from typing import ClassVar

from pydantic import Field

from reviewmine.errors import PublishError
from reviewmine.partition import Partition
from reviewmine.store.filesystem import Store
from reviewmine.store.fragment import Fragment
from reviewmine.store.layout import Layout
from reviewmine.store.parts import Part
from reviewmine.store.record import Record


class Effort(Record):
    """What the network's part of a fragment took: tokens of its rows, and a worker's seconds on a device."""

    num_tokens: int
    seconds: float
    worker: str
    device: str


class Receipt(Record):
    """One per (result_key, fragment), put after its parts; the rows of its parts and the erased sum to the fragment's.

    `num_carried_by_status` counts the rows, among those of `num_rows_by_status`, that were carried over from an
    earlier generation and not annotated again, as they were then: erasing does not lower it. `num_erasures` is how many
    erasures of the table it honours.
    """

    remedy: ClassVar[str] = "restore it from a backup, or delete it: the next run annotates its fragment anew"

    result_key: str
    fragment: Fragment
    run_id: str
    attempt: str
    parts: tuple[Part, ...]
    num_rows_by_status: dict[str, int]
    num_carried_by_status: dict[str, int] = Field(default_factory=dict)
    num_rows_erased: int = 0
    num_erasures: int = 0
    put_at: datetime
    effort: Effort | None = None

    @property
    def num_rows_carried(self) -> int:
        return sum(self.num_carried_by_status.values())

    def parts_of(self, partition: Partition) -> tuple[Part, ...]:
        return tuple(part for part in self.parts if part.partition == partition.path)

    def check(self) -> None:
        """Raises PublishError if rows were lost or invented on the way from the fragment to its parts."""
        found = sum(part.num_rows for part in self.parts)
        expected = self.fragment.num_rows - self.num_rows_erased
        if found != expected:
            raise PublishError(
                f"{self.fragment.path} rows {self.fragment.first_row} to {self.fragment.end_row}: parts hold {found} "
                f"rows, expected {expected}"
            )


def put_receipt(store: Store, layout: Layout, receipt: Receipt) -> None:
    """Put the receipt; of two for one fragment the later stands, and either names parts that are whole."""
    receipt.check()
    store.put(layout.receipt(receipt.result_key, receipt.fragment.id), receipt.encode())


def get_receipt(store: Store, layout: Layout, result_key: str, fragment: Fragment) -> Receipt | None:
    """The receipt of a fragment, fetched by its name, or None where it has none."""
    name = layout.receipt(result_key, fragment.id)
    stored = store.get(name)
    return Receipt.decode(stored.body, where=f"{store.root}/{name}") if stored else None
