"""Erasing: rows taken out of every part of a table, live, earlier and staged, and out of what names those parts.

The order is the proof. Tombstones first: from then on nothing is published that does not honour them. Then new parts;
then, under the lease of each partition, its live generation is published without the rows, and its earlier manifests
are put anew; then the receipts; and last the old parts go. A crash on the way leaves a table that reads right, and the
same erasure called again goes on where it stopped. A run may annotate meanwhile: a receipt is said to honour the
erasure only if every part that it names was looked into, and any other is not published. A part that such a run puts
after the last look it takes back; one that dies before it can leaves it, so no erasure is finished while a run lives
that began before it. Another erasure, or a collection of garbage, may not: they wait for each other.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc

from reviewmine.errors import LeaseHeld, LeaseLost, PreconditionFailed
from reviewmine.partition import Partition
from reviewmine.store.filesystem import Store
from reviewmine.store.held import HeldPartition
from reviewmine.store.layout import Layout, rewritten_part
from reviewmine.store.lease import Lease, Patience, upkeep
from reviewmine.store.live import Live
from reviewmine.store.manifest import Manifest
from reviewmine.store.parallel import Answer, in_parallel_under_lease
from reviewmine.store.parts import Part, encode_parquet
from reviewmine.store.receipts import Receipt
from reviewmine.store.scratch import erase_from_scratch
from reviewmine.store.tombstones import Tombstones, finish_erasures
from reviewmine.store.tracing import Search, Trace, read_to_erase


@dataclass(frozen=True)
class Rewritten:
    """What is new in a part without the erased rows, None if it had no others; and how many of each status went."""

    changes: Mapping[str, object] | None
    num_gone_by_status: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Erased:
    """Where the rows were, and what keeps the erasure from being finished until it is called again.

    In the partitions that a live run `held` they still are; `awaited` tells of what may bring more of them.
    """

    traces: tuple[Trace, ...]
    held: Mapping[Partition, str] = field(default_factory=dict)
    awaited: tuple[str, ...] = ()

    @property
    def is_finished(self) -> bool:
        return not self.held and not self.awaited


def erase(
    store: Store,
    layout: Layout,
    seen: Live,
    tombstones: Tombstones,
    run_id: str,
    patience: Patience,
    *,
    awaited: Sequence[str] = (),
) -> Erased:
    """Take the rows that `tombstones` name out of the table; they were put before.

    A partition that a live run holds is left, and told: nothing it names is deleted. Raises LeaseHeld where another
    erasure or a collection of garbage is under way, LeaseLost where one took this for dead; then it is to be called
    again.

    Args:
        awaited: the live runs that began before, looked up after the tombstones were put: while there are any, the
            erasure is not finished.
    """
    with upkeep(store, layout, run_id, patience) as lease:
        return _Erasure(store, layout, seen, tombstones, run_id, lease).run(tuple(awaited))


class _Erasure:
    """One erasure under way: what it has looked into, found and rewritten so far."""

    def __init__(
        self,
        store: Store,
        layout: Layout,
        seen: Live,
        tombstones: Tombstones,
        run_id: str,
        upkeep: Lease,
    ) -> None:
        self._store = store
        self._layout = layout
        self._seen = seen
        self._tombstones = tombstones
        self._run_id = run_id
        self._upkeep = upkeep
        self._search = Search(store, layout, tombstones.are_erased, keep=upkeep.keep)
        self._traces: list[Trace] = []
        self._rewritten: dict[str, Rewritten] = {}

    def run(self, awaited: tuple[str, ...]) -> Erased:
        while found := self._search.look():  # one who had read older tombstones may put more meanwhile
            self._rewrite(found)
        held: dict[Partition, str] = {}
        for partition in sorted({trace.partition for trace in self._traces}):
            self._upkeep.keep()
            try:
                self._rewrite_manifests(partition)
            except (LeaseHeld, LeaseLost) as refused:
                held[partition] = str(refused)
        receipts = [file.name for file in self._store.list(self._layout.all_receipts)]
        self._in_parallel(self._rewrite_receipt, receipts)
        gone = [trace.part for trace in self._traces if trace.partition not in held]
        self._in_parallel(self._store.delete, gone)
        are_erased, now = self._tombstones.are_erased, datetime.now(UTC)
        half_written = erase_from_scratch(self._store, self._layout, are_erased, now=now)
        erased = Erased(traces=tuple(self._traces), held=held, awaited=(*awaited, *half_written))
        if erased.is_finished:
            finish_erasures(self._store, self._layout, self._tombstones.num_erasures)
        return erased

    def _in_parallel(self, ask: Callable[[str], Answer], names: Sequence[str]) -> list[Answer]:
        return in_parallel_under_lease(ask, names, keep=self._upkeep.keep)

    def _rewrite(self, traces: Sequence[Trace]) -> None:
        made = in_parallel_under_lease(self._rewrite_part, traces, keep=self._upkeep.keep)
        self._rewritten |= zip((trace.part for trace in traces), made, strict=True)
        self._search.looked.update(str(new.changes["name"]) for new in made if new.changes)
        self._traces += traces

    def _rewrite_part(self, trace: Trace) -> Rewritten:
        """Put the part without the rows, under a name that follows from the old one: done twice it is done once."""
        table = read_to_erase(self._store, trace.part, trace.standing)
        if table is None:
            return Rewritten(None, {})
        are_erased = self._tombstones.are_erased(table["review_id"])
        gone = pc.value_counts(table.filter(pa.array(are_erased))["status"]).to_pylist()
        left = table.filter(pa.array(~are_erased))
        changes = None
        if left.num_rows:
            name = rewritten_part(trace.part, self._tombstones.num_erasures, self._tombstones.erased_at)
            body = encode_parquet(left)
            sha256 = hashlib.sha256(body).hexdigest()
            changes = {"name": name, "num_rows": left.num_rows, "num_bytes": len(body), "sha256": sha256}
            self._store.put(name, body)
        return Rewritten(changes, {str(count["values"]): count["counts"] for count in gone})

    def _rewrite_manifests(self, partition: Partition) -> None:
        """Publish the live generation without the rows in its place, and put the earlier ones anew without them.

        What is live is looked up under the lease: a run that began before the tombstones may have published meanwhile.
        The one that was live is put anew too, for whoever has just read the pointer; no later generation names it.
        """
        with self._held(partition) as held:
            live = held.live_manifest()
            self._rewrite(self._search.look_into_earlier(self._manifests(partition)))
            if live and self._names_rewritten(live):
                self._publish(held, partition, live)
            for name in [file.name for file in self._store.list(self._layout.manifests(partition))]:
                held.keep()
                self._rewrite_earlier(name)

    def _rewrite_earlier(self, name: str) -> None:
        """Put a manifest anew under the condition that it stands: one collected as garbage must not come back."""
        stored = self._store.get(name)
        manifest = Manifest.decode(stored.body, where=f"{self._store.root}/{name}") if stored else None
        if stored and manifest and self._names_rewritten(manifest):
            pairs = zip(manifest.live_files, manifest.parts, strict=True)
            kept = [file for file, part in pairs if self._left(part)]
            changes = {
                "parts": self._parts_left(manifest.parts),
                "live_files": tuple(kept),
                "num_erasures": self._tombstones.num_erasures,
            }
            with suppress(PreconditionFailed):
                self._store.put_if(name, manifest.model_copy(update=changes).encode(), stored.etag)

    def _held(self, partition: Partition) -> HeldPartition:
        patience = self._upkeep.beside()
        return HeldPartition(self._store, self._layout, self._seen, partition, self._run_id, patience)

    def _publish(self, held: HeldPartition, partition: Partition, live: Manifest) -> None:
        parts = self._parts_left(live.parts)
        name = f"{self._run_id}-{held.fence}"
        changes = {
            "run_id": self._run_id,
            "fence": held.fence,
            "parts": parts,
            "live_files": tuple(self._layout.live_copy(partition, name, n) for n in range(len(parts))),
            "published_at": datetime.now(UTC),
            "num_erasures": self._tombstones.num_erasures,
        }
        held.commit(live.model_copy(update=changes), replaces=live)

    def _manifests(self, partition: Partition) -> list[Manifest]:
        names = [file.name for file in self._store.list(self._layout.manifests(partition))]
        bodies = zip(names, map(self._store.get, names), strict=True)
        return [
            Manifest.decode(stored.body, where=f"{self._store.root}/{name}")
            for name, stored in bodies
            if stored
        ]

    def _rewrite_receipt(self, name: str) -> None:
        """Have a receipt name the parts that are left, and say that it honours this erasure.

        One that is collected as garbage or put by a run meanwhile, or names a part that was not looked into, is left as
        it is: it is not published, and the next run annotates its fragment anew. Raises PublishError for one whose
        parts hold other rows than it says.
        """
        stored = self._store.get(name)
        if stored is None:
            return
        receipt = Receipt.decode(stored.body, where=f"{self._store.root}/{name}")
        is_known = self._search.looked.issuperset(part.name for part in receipt.parts)
        if receipt.num_erasures >= self._tombstones.num_erasures or not is_known:
            return
        by_status, num_gone = dict(receipt.num_rows_by_status), 0
        for part in receipt.parts:
            if part.name in self._rewritten:
                for status, count in self._rewritten[part.name].num_gone_by_status.items():
                    by_status[status] -= count
                    num_gone += count
        parts = self._parts_left(receipt.parts)
        changes = {
            "parts": parts,
            "num_rows_by_status": {status: count for status, count in by_status.items() if count},
            "num_rows_erased": receipt.num_rows_erased + num_gone,
            "num_erasures": self._tombstones.num_erasures,
        }
        rewritten = receipt.model_copy(update=changes)
        rewritten.check()
        with suppress(PreconditionFailed):
            self._store.put_if(name, rewritten.encode(), stored.etag)

    def _names_rewritten(self, manifest: Manifest) -> bool:
        return any(part.name in self._rewritten for part in manifest.parts)

    def _parts_left(self, parts: Sequence[Part]) -> tuple[Part, ...]:
        return tuple(left for part in parts if (left := self._left(part)))

    def _left(self, part: Part) -> Part | None:
        """The part as it is now; None if nothing of it is left."""
        if part.name not in self._rewritten:
            return part
        changes = self._rewritten[part.name].changes
        return part.model_copy(update=changes) if changes else None
