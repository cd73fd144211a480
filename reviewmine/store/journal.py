"""Journals: what a publish is about to put and to replace, written down before it does, for whoever must finish it."""

from collections.abc import Iterator
from typing import ClassVar

from reviewmine.partition import Partition
from reviewmine.store.filesystem import Store
from reviewmine.store.layout import Layout
from reviewmine.store.record import Record


class Journal(Record):
    """The live files that generation `run_id`-`fence` puts, and those of the generation that it replaces."""

    remedy: ClassVar[str] = (
        "restore it from a backup, or, if no run publishes the partition, delete it: the next one that holds the "
        "partition sweeps whatever its live manifest does not name"
    )

    run_id: str
    fence: int
    puts: tuple[str, ...]
    replaces: tuple[str, ...]

    @property
    def generation(self) -> str:
        return f"{self.run_id}-{self.fence}"


def standing_journals(store: Store, layout: Layout, partition: Partition) -> Iterator[Journal]:
    """The journals of one partition, lowest fence first."""
    for listed in store.list(layout.journals(partition)):
        stored = store.get(listed.name)
        if stored is not None:
            yield Journal.decode(stored.body, where=f"{store.root}/{listed.name}")


def partitions_with_journals(store: Store, layout: Layout) -> list[Partition]:
    """The partitions in which a publish is under way or was cut off."""
    names = (listed.name.split("/")[-2] for listed in store.list(layout.all_journals))
    return [Partition.of_name(name) for name in dict.fromkeys(names)]
