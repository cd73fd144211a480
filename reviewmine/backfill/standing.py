"""Standing: what a table holds, and how that compares with what a partition is to be made from."""

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from reviewmine.backfill.result import Result
from reviewmine.errors import TableError
from reviewmine.partition import Partition
from reviewmine.store.filesystem import Listed
from reviewmine.store.fragment import Fragment
from reviewmine.store.layout import fence_of
from reviewmine.store.manifest import (
    InputFile,
    Manifest,
    get_manifest,
    get_pointer,
    input_fingerprint,
    published_partitions,
)
from reviewmine.store.parallel import in_parallel
from reviewmine.store.table import Table
from reviewmine.store.tombstones import get_tombstones

_log = logging.getLogger(__name__)

State = Literal["fresh", "missing", "stale", "pruned", "gone", "unsettled", "later"]
"""`unsettled` and `later` are due, and left for another run: too young, or over the limit; `gone` ones have no
source any more and keep their rows, `pruned` ones are to be emptied because of that."""


@dataclass(frozen=True, kw_only=True)
class PlannedPartition:
    """One partition: its state, why it is stale or left, and the files and fragments it is to be made from.

    Of a partition that is not due these are not looked up, for nothing will be done to it, and its rows are those
    that are live. `rows_of_inputs` are the rows of each input that belong here; `num_files` and `num_bytes` are the
    archive's, whole files however few of their rows do.
    """

    partition: Partition
    state: State
    reasons: tuple[str, ...] = ()
    inputs: tuple[InputFile, ...] = ()
    rows_of_inputs: tuple[int, ...] = ()
    fragments: tuple[Fragment, ...] = ()
    live: Manifest | None = None
    num_files: int = 0
    num_bytes: int = 0
    num_rows: int | None = None

    @property
    def is_due(self) -> bool:
        return self.state in ("missing", "stale", "pruned")

    def left(self, state: State, why: str) -> "PlannedPartition":
        """The same, for another run to take on."""
        return replace(self, state=state, reasons=(*(self.reasons or (self.state,)), why))


class Standing:
    """The live manifest of every partition, and the files of the table, as one look at both shows them.

    Rows of an unfinished erasure make no partition stale, for no run takes them out: they are warned of.
    `unreadable` are the partitions whose pointer or manifest is damaged, with the error that says what to do.
    """

    def __init__(self, table: Table) -> None:
        self._store, self._layout, self._seen = table.store, table.layout, table.live
        if unfinished := get_tombstones(self._store, self._layout).unfinished:
            _log.warning("%s: %s", table.uri, unfinished)
        self._sizes = table.live_sizes()
        self._by_folder: dict[str, list[str]] = defaultdict(list)
        for name in self._sizes:
            self._by_folder[name.rpartition("/")[0]].append(name)
        published = list(published_partitions(self._store, self._layout))
        looks = dict(zip(published, in_parallel(self._look, published), strict=True))
        self.unreadable = {p: look for p, look in looks.items() if isinstance(look, TableError)}
        pairs = {p: look for p, look in looks.items() if not isinstance(look, TableError)}
        self.live = {partition: live for partition, (live, _) in pairs.items() if live}
        self._fences = {partition: fence for partition, (_, fence) in pairs.items()}

    def compare(self, partition: Partition, files: Sequence[Listed], result: Result) -> PlannedPartition:
        """The partition that is to be made from `files`, without looking into them."""
        live = self.live.get(partition)
        num_files, num_bytes = len(files), sum(file.num_bytes for file in files)
        if live is None:
            return PlannedPartition(
                partition=partition, state="missing", num_files=num_files, num_bytes=num_bytes
            )
        now = tuple(InputFile(path=f.name, num_bytes=f.num_bytes, etag=f.etag, num_rows=0) for f in files)
        reasons = ["archive changed"] if input_fingerprint(now) != live.input_fingerprint else []
        reasons += result.reasons_since(live.ingredients)
        sizes = {name: part.num_bytes for name, part in zip(live.live_files, live.parts, strict=True)}
        is_listed = all(self._sizes.get(name) == num_bytes for name, num_bytes in sizes.items())
        if not is_listed and not self._seen.stands(live):
            reasons.append("live files are missing")
        if self._has_strays(partition, live):
            reasons.append("files of an earlier run lie about")
        state: State = "stale" if reasons else "fresh"
        return PlannedPartition(
            partition=partition,
            state=state,
            reasons=tuple(reasons),
            live=live,
            num_files=num_files,
            num_bytes=num_bytes,
            num_rows=live.num_rows if state == "fresh" else None,
        )

    def _has_strays(self, partition: Partition, live: Manifest) -> bool:
        """Whether readers see a file of a writer that was fenced off: one killed while it copied may leave some."""
        others = set(self._by_folder[self._layout.live_folder(partition)]) - set(live.live_files)
        fences = [fence_of(name) for name in others]
        return any(fence is not None and fence < self._fences[partition] for fence in fences)

    def _look(self, partition: Partition) -> tuple[Manifest | None, int] | TableError:
        try:
            return self._live(partition)
        except TableError as damaged:
            return damaged

    def _live(self, partition: Partition) -> tuple[Manifest | None, int]:
        pointer, _ = get_pointer(self._store, self._layout, partition)
        name = pointer.generation
        live = get_manifest(self._store, self._layout, partition, name) if name else None
        return live, pointer.fence
