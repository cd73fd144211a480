"""Tracing: which rows of which parts are to be erased, found by looking into every part that stands, each once."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from reviewmine.errors import TableError
from reviewmine.partition import Partition
from reviewmine.store.filesystem import Store
from reviewmine.store.layout import Layout, partition_of_part
from reviewmine.store.manifest import Manifest, live_manifests
from reviewmine.store.parallel import Answer, Asked, in_parallel_under_lease

Standing = Literal["live", "earlier", "staged"]
AreErased = Callable[[pa.ChunkedArray], NDArray[np.bool_]]


@dataclass(frozen=True)
class Trace:
    """Rows to erase in one part: the part, whose it is, and for each row its id, source file and source row."""

    part: str
    partition: Partition
    standing: Standing
    rows: tuple[tuple[str, str, int], ...]


class Search:
    """Looks for rows that `are_erased` says so of. `looked` are the parts of which is known what they hold.

    `keep` is called again and again meanwhile: there may be thousands of parts, and a lease lives on its heartbeat.
    """

    def __init__(
        self,
        store: Store,
        layout: Layout,
        are_erased: AreErased,
        *,
        keep: Callable[[], object] = lambda: None,
    ) -> None:
        self._store = store
        self._layout = layout
        self._are_erased = are_erased
        self._keep = keep
        self.looked: set[str] = set()

    def look(self) -> list[Trace]:
        """The rows in every part that stands and was not looked into before, whether or not anything names it.

        Raises TableError for a part that cannot be read.
        """
        listed = {file.name for file in self._store.list(self._layout.all_parts)}
        if self.looked and listed <= self.looked:
            return []
        manifests = live_manifests(self._store, self._layout, keep=self._keep).values()
        live = {part.name for manifest in manifests for part in manifest.parts}
        names = [file.name for file in self._store.list(self._layout.all_manifests)]
        earlier = {part.name for kept in self._manifests(names) for part in kept.parts}
        return self._look_into(listed | live, live, earlier)

    def look_into_earlier(self, manifests: Iterable[Manifest]) -> list[Trace]:
        """The same of the parts of these generations, as far as they stand."""
        named = {part.name for manifest in manifests for part in manifest.parts} - self.looked
        return self._look_into({name for name in named if self._store.stat(name)}, set(), named)

    def _look_into(self, names: set[str], live: set[str], earlier: set[str]) -> list[Trace]:
        def look(name: str) -> Trace | None:
            partition = partition_of_part(name)
            standing: Standing = "live" if name in live else "earlier" if name in earlier else "staged"
            rows = self._rows(name, standing) if partition is not None else ()
            return Trace(name, partition, standing, rows) if partition is not None and rows else None

        unseen = sorted(names - self.looked)
        traces = self._ask(look, unseen)
        self.looked.update(unseen)
        return [trace for trace in traces if trace]

    def _rows(self, name: str, standing: Standing) -> tuple[tuple[str, str, int], ...]:
        table = read_to_erase(self._store, name, standing, ["review_id", "source_file", "source_row"])
        if table is None:
            return ()
        rows = table.filter(pa.array(self._are_erased(table["review_id"])))
        return tuple(zip(*(rows[column].to_pylist() for column in rows.column_names), strict=True))

    def _manifests(self, names: Sequence[str]) -> list[Manifest]:
        bodies = zip(names, self._ask(self._store.get, names), strict=True)
        return [
            Manifest.decode(stored.body, where=f"{self._store.root}/{name}")
            for name, stored in bodies
            if stored
        ]

    def _ask(self, ask: Callable[[Asked], Answer], about: Sequence[Asked]) -> list[Answer]:
        return in_parallel_under_lease(ask, about, keep=self._keep)


def read_to_erase(
    store: Store, name: str, standing: Standing, columns: Sequence[str] | None = None
) -> pa.Table | None:
    """The part [rows]; None for a staged one that its writer took back, who heeds the erasure.

    Raises TableError if it cannot be read.
    """
    try:
        with store.open(name) as file:
            return pq.ParquetFile(file).read(columns=columns, use_threads=False)
    except (OSError, pa.ArrowException) as broken:
        if standing == "staged" and store.stat(name) is None:
            return None
        raise TableError(
            f"{name}: cannot be read, so that nobody can say whether it holds rows to erase: {broken}; restore it, or "
            "annotate its partition again, collect garbage, and erase once more"
        ) from broken
