"""Status: what a table's meta says of its partitions and its runs; everything here only reads.

What cannot be read is told in its place: a damaged manifest must not hide the partitions beside it.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from reviewmine.backfill.run import RejectRecord
from reviewmine.backfill.runs import run_of_record
from reviewmine.backfill.summary import Summary
from reviewmine.errors import TableError
from reviewmine.partition import Partition
from reviewmine.store.journal import partitions_with_journals
from reviewmine.store.lease import LeaseRecord, standing_lease
from reviewmine.store.manifest import Manifest, get_pointer, history, live_manifest, published_partitions
from reviewmine.store.parallel import in_parallel
from reviewmine.store.record import Record
from reviewmine.store.table import Table
from reviewmine.store.tombstones import get_tombstones

PartitionState = Literal["live", "empty", "unpublished", "damaged", "unreadable"]


class Holder(Record):
    """Who holds a partition. `is_beating`: whether the heartbeat moved between two looks; None where there was one."""

    run_id: str
    host: str
    since: datetime
    is_beating: bool | None = None


class PartitionStatus(Record):
    """One partition: its live generation, who holds it, and what a dead publish left.

    `empty` was published without a row; `unpublished` has a lease or a journal and no generation; of a `damaged` one
    readers miss files; of an `unreadable` one the meta cannot be read. `reason` tells of the last two. `earlier` are
    the generations that a rollback may name, newest first; `rejects` files of it that could not be read since.
    """

    partition: str
    state: PartitionState
    reason: str = ""
    generation: str | None = None
    run_id: str | None = None
    restores: str | None = None
    rows: int = 0
    published_at: datetime | None = None
    earlier: tuple[str, ...] = ()
    rejects: tuple[str, ...] = ()
    holder: Holder | None = None
    has_journal: bool = False


class RunStatus(Record):
    """One run; `rows_per_s` as far as its record tells, None before it does."""

    run_id: str
    state: str
    reason: str = ""
    started_at: datetime | None = None
    updated_at: datetime | None = None
    rows_read: int = 0
    rows_due: int = 0
    rows_per_s: float | None = None
    partitions_published: int = 0
    partitions_due: int = 0
    partitions_failed: dict[str, str] = Field(default_factory=dict)
    files_rejected: int = 0


class TableStatus(Record):
    """A table as one look at its meta shows it.

    `foreign_files` lie in the table, and reviewmine did not write them. `erasures` says what is to be done where some
    are not finished.
    """

    table: str
    partitions: tuple[PartitionStatus, ...]
    runs: tuple[RunStatus, ...]
    foreign_files: tuple[str, ...] = ()
    num_erasures: int | None = 0
    num_erasures_finished: int | None = 0
    erasures: str = ""


def status_of(table: Table, *, wait: Callable[[], None] | None = None) -> TableStatus:
    """The status of `table`; where a partition is held, `wait` is called once between two looks at the heartbeats.

    Raises TableError where there is no table, or one of another contract version.
    """
    table.require()
    look = _Look(table)
    partitions = in_parallel(look.at, look.partitions)
    if wait and any(found.holder for found in partitions):
        wait()
        partitions = in_parallel(look.again, partitions)
    foreign = tuple(table.live.foreign(look.sizes))
    runs = sorted(look.runs, key=lambda run: (run.run_id[:15], str(run.started_at or "")))
    return TableStatus(
        table=table.uri,
        partitions=tuple(partitions),
        runs=tuple(runs),
        foreign_files=foreign,
        **_erasures(table),
    )


def _erasures(table: Table) -> dict[str, Any]:
    """How many erasures there were, and how many are done; None where their record cannot be read."""
    try:
        found = get_tombstones(table.store, table.layout)
    except TableError as unreadable:
        return {"num_erasures": None, "num_erasures_finished": None, "erasures": str(unreadable)}
    return {
        "num_erasures": found.num_erasures,
        "num_erasures_finished": found.num_finished,
        "erasures": found.unfinished,
    }


class _Look:
    """What one round of listings shows."""

    def __init__(self, table: Table) -> None:
        self._store, self._layout, self._live = table.store, table.layout, table.live
        self.sizes = self._live.sizes()
        self._journals = frozenset(partitions_with_journals(self._store, self._layout))
        leases = (file.name.rsplit("/", 1)[-1] for file in self._store.list(self._layout.leases))
        held = {Partition.of_name(name.removesuffix(".json")) for name in leases}
        self.partitions = sorted({*published_partitions(self._store, self._layout), *held, *self._journals})
        runs = in_parallel(self._run, [file.name for file in self._store.list(self._layout.runs)])
        self.runs = [run for run in runs if run]
        self._began = {run.run_id: run.started_at for run in self.runs}
        self._rejects = self._rejects_by_file()
        self._leases: dict[Partition, LeaseRecord] = {}

    def at(self, partition: Partition) -> PartitionStatus:
        try:
            live = live_manifest(self._store, self._layout, partition)
            earlier = list(history(self._store, self._layout, partition, live))[1:] if live else []
            lease = standing_lease(self._store, self._layout, partition)
        except TableError as unreadable:
            return PartitionStatus(
                partition=str(partition),
                state="unreadable",
                reason=str(unreadable),
                has_journal=partition in self._journals,
            )
        holder = None
        if lease and lease.holder:
            self._leases[partition] = lease
            holder = Holder(run_id=lease.run_id, host=lease.host, since=lease.taken_at)
        found = PartitionStatus(
            partition=str(partition),
            state="unpublished",
            holder=holder,
            has_journal=partition in self._journals,
            rejects=self._rejects_of(partition, live),
        )
        if live is None:
            return found
        missing = self._missing(partition, live)
        state: PartitionState = "damaged" if missing else "live" if live.num_rows else "empty"
        return found.model_copy(
            update={
                "state": state,
                "reason": f"{len(missing)} live files are missing, such as {missing[0]}" if missing else "",
                "generation": live.generation,
                "run_id": live.run_id,
                "restores": live.restores,
                "rows": live.num_rows,
                "published_at": live.published_at,
                "earlier": tuple(manifest.generation for manifest in earlier),
            }
        )

    def again(self, found: PartitionStatus) -> PartitionStatus:
        """The same with what a second look at its lease says of its holder."""
        if found.holder is None:
            return found
        partition = next(p for p in self._leases if str(p) == found.partition)
        before, now = self._leases[partition], standing_lease(self._store, self._layout, partition)
        if now is None or now.holder is None:
            return found.model_copy(update={"holder": None})
        is_beating = (now.holder, now.heartbeat) != (before.holder, before.heartbeat)
        holder = Holder(run_id=now.run_id, host=now.host, since=now.taken_at, is_beating=is_beating)
        return found.model_copy(update={"holder": holder})

    def _run(self, name: str) -> RunStatus | None:
        """What the record of a run says; None where it was deleted since it was listed."""
        try:
            summary = run_of_record(self._store, name)
        except TableError as unreadable:
            run_id = name.rsplit("/", 1)[-1].removesuffix(".json")
            return RunStatus(run_id=run_id, state="unreadable", reason=str(unreadable))
        if summary is None:
            return None
        pace = summary.rows_read / summary.seconds if summary.rows_read and summary.seconds else None
        shared = RunStatus.model_fields.keys() & Summary.model_fields.keys()
        return RunStatus(rows_per_s=pace, **summary.model_dump(include=set(shared)))

    def _missing(self, partition: Partition, live: Manifest) -> list[str]:
        """The live files that readers miss: not in the listing, nor at a second look, and none other is live now."""
        sizes = dict(zip(live.live_files, (part.num_bytes for part in live.parts), strict=True))
        unlisted = [name for name, num_bytes in sizes.items() if self.sizes.get(name) != num_bytes]
        if not unlisted or self._live.stands(live):
            return []
        pointer, _ = get_pointer(self._store, self._layout, partition)
        return unlisted if pointer.generation == live.generation else []

    def _rejects_of(self, partition: Partition, live: Manifest | None) -> tuple[str, ...]:
        """The rejected files of a partition, by their folder or by what it was made from, since it was published."""
        own = {file.path for file in live.inputs} if live else set()

        def is_later(run_id: str) -> bool:
            began = self._began.get(run_id)
            return live is None or began is None or began > live.published_at

        return tuple(
            f"{path}: {reason}"
            for path, (run_id, reason) in sorted(self._rejects.items())
            if (path in own or Partition.of_file(path) == partition) and is_later(run_id)
        )

    def _rejects_by_file(self) -> Mapping[str, tuple[str, str]]:
        """The last run that rejected each file, and its reason."""
        found: dict[str, tuple[str, str]] = defaultdict(lambda: ("", ""))
        names = [file.name for file in self._store.list(self._layout.rejects)]
        for name, stored in zip(names, in_parallel(self._store.get, names), strict=True):
            if stored is not None:
                with suppress(TableError):  # one that is damaged hides none of the others
                    reject = RejectRecord.decode(stored.body, where=f"{self._store.root}/{name}")
                    found[reject.path] = max(found[reject.path], (name.split("/")[-2], reject.reason))
        return found
