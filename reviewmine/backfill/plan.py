"""Plan: what the table holds against what it should hold, partition by partition, before anything is read or put.

Only listings, footers, pointers and manifests are looked at; for partitions derived from dates also the date
column, since a file then touches several partitions.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from reviewmine.backfill.dividing import derived_values
from reviewmine.backfill.result import Result
from reviewmine.contract.reviews import ReviewColumns, check_schema, conform_dates
from reviewmine.errors import ArchiveError
from reviewmine.partition import NULL_VALUE, Partition, PartitionBy, PartitionRange
from reviewmine.store.archive import Archive, Footer
from reviewmine.store.filesystem import Listed
from reviewmine.store.fragment import Fragment, cut
from reviewmine.store.manifest import (
    InputFile,
    Manifest,
    input_fingerprint,
    live_manifest,
    published_partitions,
)
from reviewmine.store.table import Table

State = Literal["fresh", "missing", "stale", "gone"]
_NUM_THREADS = 16  # they wait for the store, not for the processor
Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


@dataclass(frozen=True, kw_only=True)
class PlannedPartition:
    """One partition: its state, why it is stale, and the files and fragments it is to be made from.

    `num_rows` and the fragments of a fresh partition are not looked up: nothing will be done to it.
    """

    partition: Partition
    state: State
    reasons: tuple[str, ...] = ()
    inputs: tuple[InputFile, ...] = ()
    fragments: tuple[Fragment, ...] = ()
    live: Manifest | None = None

    @property
    def is_due(self) -> bool:
        return self.state in ("missing", "stale")


@dataclass(frozen=True)
class Reject:
    """An archive file that cannot be read, and why."""

    path: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Every partition in range, in order, and the files that could not be looked into.

    A partition under an archive's own keys with an unreadable file is left out of `partitions` and named in
    `blocked`: it would be published short of rows.
    """

    result: Result
    partitions: tuple[PlannedPartition, ...]
    rejects: tuple[Reject, ...] = ()
    blocked: tuple[Partition, ...] = ()

    def due(self) -> tuple[PlannedPartition, ...]:
        return tuple(planned for planned in self.partitions if planned.is_due)

    def count(self, state: State) -> int:
        return sum(planned.state == state for planned in self.partitions)


class Planner:
    """Plans one archive into one table."""

    def __init__(
        self,
        archive: Archive,
        table: Table,
        *,
        columns: ReviewColumns,
        partition_by: PartitionBy | None = None,
        only: PartitionRange | None = None,
    ) -> None:
        self._archive = archive
        self._table = table
        self._columns = columns
        self._partition_by = partition_by
        self._only = only
        self._files = archive.files()
        self._footers: dict[str, Footer | Reject] = {}

    @property
    def partition_keys(self) -> tuple[str, ...]:
        """The archive's own partition keys; none where the archive is flat or the keys are derived."""
        return () if self._partition_by else Partition.of_file(self._files[0].name).keys

    def schemas(self) -> list[pa.Schema]:
        """The schema of every readable file, for what must be agreed over the whole archive."""
        footers = self._look_into(self._files)
        return [footer.schema for footer in footers.values() if isinstance(footer, Footer)]

    def plan(self, result: Result) -> Plan:
        """Raises ContractError for a file that lacks a required column; an unreadable file becomes a reject."""
        wanted, unsure = self._files_by_partition()
        live = {m.partition: m for m in self._live_manifests() if m}
        standing = self._table.live_sizes()
        drafts = [
            self._compare(partition, files, live.get(partition.path), result, standing)
            for partition, files in sorted(wanted.items())
        ]
        due = [file for draft in drafts if draft.is_due for file in wanted[draft.partition]]
        footers = self._look_into(due)
        partitions, blocked = [], []
        for draft in drafts:
            if not draft.is_due:
                partitions.append(draft)
            elif any(isinstance(footers[file.name], Reject) for file in wanted[draft.partition]):
                blocked.append(draft.partition)
            else:
                partitions.append(self._filled(draft, wanted[draft.partition]))
        partitions += [
            PlannedPartition(partition=Partition.of_path(path), state="gone", live=manifest)
            for path, manifest in live.items()
            if Partition.of_path(path) not in wanted and self._covers(Partition.of_path(path))
        ]
        rejects = {
            reject.path: reject for reject in [*footers.values(), *unsure] if isinstance(reject, Reject)
        }
        return Plan(
            result=result,
            partitions=tuple(sorted(partitions, key=lambda planned: planned.partition)),
            rejects=tuple(rejects.values()),
            blocked=tuple(blocked),
        )

    def _covers(self, partition: Partition) -> bool:
        return self._only is None or self._only.covers(partition)

    def _files_by_partition(self) -> tuple[dict[Partition, list[Listed]], list[Reject]]:
        """The files that each partition in range is made from, and those of which that cannot be told."""
        found: dict[Partition, list[Listed]] = defaultdict(list)
        rejects = []
        if self._partition_by is None:
            touched: Iterable[list[Partition] | Reject] = [[Partition.of_file(f.name)] for f in self._files]
        else:
            self._look_into(self._files)
            touched = _in_parallel(self._derived_partitions, self._files)
        for file, partitions in zip(self._files, touched, strict=True):
            if isinstance(partitions, Reject):
                rejects.append(partitions)
                continue
            for partition in partitions:
                if self._covers(partition):
                    found[partition].append(file)
        return dict(found), rejects

    def _derived_partitions(self, file: Listed) -> list[Partition] | Reject:
        """The partitions that the dates of a file fall under; a file without rows touches none."""
        by, footer = self._partition_by, self._footers[file.name]
        if by is None or isinstance(footer, Reject):
            return footer if isinstance(footer, Reject) else []
        name = check_schema(footer.schema, self._columns, where=self._where(file)).get("reviewed_at")
        if name is None:
            return [Partition.derived(by, NULL_VALUE)] if footer.num_rows else []
        values: set[str] = set()
        try:
            for fragment in cut(file.name, file.etag, footer.row_groups):
                dates = conform_dates(self._archive.read(fragment, lambda _: [name])[name], self._columns)
                values.update(pc.unique(derived_values(by, dates)).to_pylist())
        except ArchiveError as broken:
            return Reject(file.name, str(broken))
        return [Partition.derived(by, value) for value in sorted(values)]

    def _live_manifests(self) -> list[Manifest | None]:
        store, layout = self._table.store, self._table.layout
        return _in_parallel(
            lambda p: live_manifest(store, layout, p), list(published_partitions(store, layout))
        )

    def _compare(
        self,
        partition: Partition,
        files: Sequence[Listed],
        live: Manifest | None,
        result: Result,
        standing: dict[str, int],
    ) -> PlannedPartition:
        if live is None:
            return PlannedPartition(partition=partition, state="missing")
        reasons = [f"{name} changed" for name in result.changed_since(live.ingredients)]
        now = tuple(InputFile(path=f.name, num_bytes=f.num_bytes, etag=f.etag, num_rows=0) for f in files)
        if input_fingerprint(now) != live.input_fingerprint:
            reasons.insert(0, "archive changed")
        sizes = {name: part.num_bytes for name, part in zip(live.live_files, live.parts, strict=True)}
        if any(standing.get(name) != num_bytes for name, num_bytes in sizes.items()):
            reasons.append("live files are missing")
        state: State = "stale" if reasons else "fresh"
        return PlannedPartition(partition=partition, state=state, reasons=tuple(reasons), live=live)

    def _filled(self, draft: PlannedPartition, files: Sequence[Listed]) -> PlannedPartition:
        inputs: list[InputFile] = []
        fragments: list[Fragment] = []
        for file in files:
            footer = self._footers[file.name]
            assert isinstance(footer, Footer)  # the rejected ones block their partition
            check_schema(footer.schema, self._columns, where=self._where(file))
            inputs.append(
                InputFile(path=file.name, num_bytes=file.num_bytes, etag=file.etag, num_rows=footer.num_rows)
            )
            fragments += cut(file.name, file.etag, footer.row_groups)
        return PlannedPartition(
            partition=draft.partition,
            state=draft.state,
            reasons=draft.reasons,
            inputs=tuple(inputs),
            fragments=tuple(fragments),
            live=draft.live,
        )

    def _look_into(self, files: Iterable[Listed]) -> dict[str, Footer | Reject]:
        """The footers of `files`, each read once for as long as this planner lives."""
        unknown = [file for file in dict.fromkeys(files) if file.name not in self._footers]
        for file, footer in zip(unknown, _in_parallel(self._footer, unknown), strict=True):
            self._footers[file.name] = footer
        return self._footers

    def _footer(self, file: Listed) -> Footer | Reject:
        try:
            return self._archive.footer(file.name)
        except ArchiveError as broken:
            return Reject(file.name, str(broken))

    def _where(self, file: Listed) -> str:
        return f"{self._archive.location.uri}/{file.name}"


def _in_parallel(ask: Callable[[Asked], Answer], about: Sequence[Asked]) -> list[Answer]:
    with ThreadPoolExecutor(_NUM_THREADS) as threads:
        return list(threads.map(ask, about))
