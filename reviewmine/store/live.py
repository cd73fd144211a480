"""Live: what the readers of a table see, and how a generation becomes that; one small protocol, a class per format.

In a hive table readers list files, so what was replaced is deleted and strays are swept, and the put of the pointer
is the commit. In an Iceberg table (store/iceberg.py) they read the catalog's snapshot, so the snapshot is the commit,
the pointer follows it, and replaced files belong to older snapshots.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Protocol

import pyarrow as pa

from reviewmine.errors import TableError
from reviewmine.partition import Partition
from reviewmine.store.filesystem import Store
from reviewmine.store.journal import Journal
from reviewmine.store.layout import Layout, fence_of
from reviewmine.store.manifest import Manifest, Pointer


class Live(Protocol):
    """What readers see of one table. Names are those of the table's store."""

    has_one_schema: bool
    """Whether partitions that carry other columns would break readers."""

    keeps_replaced: bool
    """Whether readers may go back to what was replaced: its files outlive it."""

    tells_by_value: bool
    """Whether readers tell partitions apart by the values of their keys, however the folders spell these."""

    def prepare(self) -> None:
        """Make what the format needs beside the record; TableError if readers would see what is not ours."""

    def foreign(self, names: Iterable[str]) -> list[str]:
        """Which of the files that readers see hold rows that are not ours."""

    def misnamed(self, partition: Partition) -> str | None:
        """Why the format has no room for a partition of this name, and what to do about it; None where it has."""

    def part_of(self, partition: Partition, annotations: pa.Table) -> pa.Table:
        """The columns that a part has: the annotations, and the key of their partition if readers look for it there."""

    def sizes(self) -> dict[str, int]:
        """The bytes of every file that readers see, by name."""

    def stands(self, manifest: Manifest) -> bool:
        """Whether readers see the rows of `manifest` in its partition: its files, each at its size, or what an engine
        of the format made of them without changing a row."""

    def strays(self, partition: Partition, fence: int, named: Collection[str]) -> Iterator[str]:
        """Files of a lower fence that readers see though nothing in `named` accounts for them."""

    def unread_after(self, replaced: Manifest) -> tuple[str, ...]:
        """The files that nobody reads any more once another generation took the place of `replaced`."""

    def shut_out(self, partition: Partition, fence: int) -> None:
        """From here on no writer of a lower fence commits, even one that has begun to; the pointer is fenced before."""

    def commit(self, staged: Sequence[Manifest]) -> None:
        """Show readers all of `staged`, whose files lie under their live names, at once.

        Raises PublishError only where it is certain that they were not shown. What is shown already is not shown again.
        """

    def has_committed(self, partition: Partition, journal: Journal, pointer: Pointer) -> bool:
        """Whether the generation of `journal`, a writer that is shut out, was committed; the answer is final."""

    def snapshot(self) -> str | None:
        """The metadata file that says what readers see now; None where they list files."""


class HiveLive:
    """A hive table: readers see every file below the table's folder."""

    has_one_schema = True
    keeps_replaced = False
    tells_by_value = False

    def __init__(self, store: Store, layout: Layout) -> None:
        self._store = store
        self._layout = layout

    def prepare(self) -> None:
        foreign = self.foreign(self.sizes())
        if foreign:
            raise TableError(
                f"{self._store.root}/{self._layout.table}: found {len(foreign)} files that reviewmine did not write, "
                f"such as {foreign[0]}; move them away, or choose another table"
            )

    def foreign(self, names: Iterable[str]) -> list[str]:
        return [name for name in names if fence_of(name) is None]

    def misnamed(self, partition: Partition) -> str | None:
        return None

    def part_of(self, partition: Partition, annotations: pa.Table) -> pa.Table:
        """The key is in the path: many readers refuse it in the file as well."""
        return annotations

    def sizes(self) -> dict[str, int]:
        """As one listing shows them; folder markers are no files."""
        listed = self._store.list(self._layout.table)
        return {file.name: file.num_bytes for file in listed if not file.name.endswith("/")}

    def stands(self, manifest: Manifest) -> bool:
        """Looked up by name: a listing proves no absence."""
        found = (self._store.stat(name) for name in manifest.live_files)
        return [file.num_bytes if file else None for file in found] == [
            part.num_bytes for part in manifest.parts
        ]

    def strays(self, partition: Partition, fence: int, named: Collection[str]) -> Iterator[str]:
        folder = self._layout.live_folder(partition)
        for file in list(self._store.list(folder)):
            found = fence_of(file.name)
            is_here = file.name.rsplit("/", 1)[0] == folder
            if is_here and found is not None and found < fence and file.name not in named:
                yield file.name

    def unread_after(self, replaced: Manifest) -> tuple[str, ...]:
        return replaced.live_files

    def shut_out(self, partition: Partition, fence: int) -> None:
        """The fenced pointer has: a commit is the put of the pointer, on an etag that is gone."""

    def commit(self, staged: Sequence[Manifest]) -> None:
        """The put of each pointer, which follows, is the commit of its partition."""

    def has_committed(self, partition: Partition, journal: Journal, pointer: Pointer) -> bool:
        return pointer.generation == journal.generation

    def snapshot(self) -> str | None:
        return None
