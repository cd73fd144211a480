"""Erasing: rows taken out of every part of a table, live, earlier and staged, and out of what names those parts.

The order is the proof. Tombstones first: from then on nothing is published that does not honour them. Then new parts;
then, under the lease of each partition, its live generation is published without the rows, and its earlier manifests
are put anew; then the receipts; and last the old parts go. A crash on the way leaves a table that reads right, and the
same erasure called again goes on where it stopped.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from reviewmine.errors import LeaseHeld, LeaseLost, PreconditionFailed, TableError
from reviewmine.partition import Partition
from reviewmine.store.filesystem import Store
from reviewmine.store.held import HeldPartition
from reviewmine.store.layout import Layout, partition_of_part, rewritten_part
from reviewmine.store.lease import Patience
from reviewmine.store.live import Live
from reviewmine.store.manifest import Manifest, live_manifest, published_partitions
from reviewmine.store.parallel import in_parallel
from reviewmine.store.parts import Part, encode_parquet
from reviewmine.store.receipts import Receipt
from reviewmine.store.tombstones import Tombstones

Standing = Literal["live", "earlier", "staged"]
AreErased = Callable[[pa.ChunkedArray], NDArray[np.bool_]]


@dataclass(frozen=True)
class Trace:
    """Rows to erase in one part: the part, whose it is, and for each row its id, source file and source row."""

    part: str
    partition: Partition
    standing: Standing
    rows: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True)
class Rewritten:
    """What is new in a part without the erased rows, None if it had no others; and how many of each status went."""

    changes: Mapping[str, object] | None
    num_gone_by_status: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Erased:
    """Where the rows were, and the partitions that a live run held: there they still are, until it is done again."""

    traces: tuple[Trace, ...]
    held: Mapping[Partition, str] = field(default_factory=dict)


def find_rows(store: Store, layout: Layout, are_erased: AreErased) -> list[Trace]:
    """The rows that `are_erased` says so of, in every part that stands, whether or not anything names it.

    Raises TableError for a part that cannot be read.
    """
    published = list(published_partitions(store, layout))
    manifests = in_parallel(lambda partition: live_manifest(store, layout, partition), published)
    live = {part.name for manifest in manifests if manifest for part in manifest.parts}
    earlier = {part.name for _, manifest in _manifests(store, layout) for part in manifest.parts}
    names = sorted({file.name for file in store.list(layout.all_parts)} | live)

    def look(name: str) -> Trace | None:
        partition = partition_of_part(name)
        rows = _rows_to_erase(store, name, are_erased) if partition is not None else ()
        standing: Standing = "live" if name in live else "earlier" if name in earlier else "staged"
        return Trace(name, partition, standing, rows) if partition is not None and rows else None

    return [trace for trace in in_parallel(look, names) if trace]


def erase(
    store: Store, layout: Layout, seen: Live, tombstones: Tombstones, run_id: str, patience: Patience
) -> Erased:
    """Take the rows that `tombstones` name out of the table; they were put before.

    A partition that a live run holds is left, and told: nothing it names is deleted.
    """
    traces = find_rows(store, layout, tombstones.are_erased)
    names = [trace.part for trace in traces]
    made = in_parallel(lambda trace: _rewrite(store, trace, tombstones), traces)
    rewritten = dict(zip(names, made, strict=True))
    held: dict[Partition, str] = {}
    for partition in sorted({trace.partition for trace in traces}):
        try:
            _rewrite_manifests(store, layout, seen, partition, rewritten, run_id, patience)
        except (LeaseHeld, LeaseLost) as refused:
            held[partition] = str(refused)
    in_parallel(
        lambda name: _rewrite_receipt(store, name, rewritten, tombstones),
        [file.name for file in store.list(layout.all_receipts)],
    )
    gone = [trace.part for trace in traces if trace.partition not in held]
    in_parallel(store.delete, gone)
    return Erased(traces=tuple(traces), held=held)


def _rows_to_erase(store: Store, name: str, are_erased: AreErased) -> tuple[tuple[str, str, int], ...]:
    table = _read(store, name, ["review_id", "source_file", "source_row"])
    rows = table.filter(pa.array(are_erased(table["review_id"])))
    return tuple(zip(*(rows[column].to_pylist() for column in rows.column_names), strict=True))


def _rewrite(store: Store, trace: Trace, tombstones: Tombstones) -> Rewritten:
    """Put the part without the rows, under a name that follows from the old one: done twice it is done once."""
    table = _read(store, trace.part)
    are_erased = tombstones.are_erased(table["review_id"])
    gone = pc.value_counts(table.filter(pa.array(are_erased))["status"]).to_pylist()
    left = table.filter(pa.array(~are_erased))
    changes = None
    if left.num_rows:
        name, body = rewritten_part(trace.part, tombstones.num_erasures), encode_parquet(left)
        sha256 = hashlib.sha256(body).hexdigest()
        changes = {"name": name, "num_rows": left.num_rows, "num_bytes": len(body), "sha256": sha256}
        store.put(name, body)
    return Rewritten(changes, {str(count["values"]): count["counts"] for count in gone})


def _rewrite_manifests(
    store: Store,
    layout: Layout,
    seen: Live,
    partition: Partition,
    rewritten: Mapping[str, Rewritten],
    run_id: str,
    patience: Patience,
) -> None:
    """Publish the live generation without the rows in its place, and put the earlier ones anew without them.

    What is live is looked up under the lease: a run that began before the tombstones may have published meanwhile. The
    one that was live is put anew too, for whoever has just read the pointer; no later generation names it.
    """
    with HeldPartition(store, layout, seen, partition, run_id, patience) as held:
        live = held.live_manifest()
        if live and any(part.name in rewritten for part in live.parts):
            parts = _parts_left(live.parts, rewritten)
            name = f"{run_id}-{held.fence}"
            live_files = (layout.live_copy(partition, name, number) for number in range(len(parts)))
            changes = {
                "run_id": run_id,
                "fence": held.fence,
                "parts": parts,
                "live_files": tuple(live_files),
                "published_at": datetime.now(UTC),
            }
            held.commit(live.model_copy(update=changes), replaces=live)
        for name in [file.name for file in store.list(layout.manifests(partition))]:
            stored = store.get(name)
            manifest = Manifest.decode(stored.body, where=name) if stored else None
            if manifest and any(part.name in rewritten for part in manifest.parts):
                pairs = zip(manifest.live_files, manifest.parts, strict=True)
                kept = [file for file, part in pairs if _left(part, rewritten)]
                parts = _parts_left(manifest.parts, rewritten)
                held.keep()
                changes = {"parts": parts, "live_files": tuple(kept)}
                store.put(name, manifest.model_copy(update=changes).encode())


def _rewrite_receipt(
    store: Store, name: str, rewritten: Mapping[str, Rewritten], tombstones: Tombstones
) -> None:
    """Have a receipt name the parts that are left, and say that it honours this erasure.

    One that is collected as garbage or put by a run meanwhile is left: what a run put then is not published.
    """
    stored = store.get(name)
    if stored is None:
        return
    receipt = Receipt.decode(stored.body, where=name)
    if receipt.num_erasures >= tombstones.num_erasures:
        return
    by_status = dict(receipt.num_rows_by_status)
    for part in receipt.parts:
        if part.name in rewritten:
            for status, count in rewritten[part.name].num_gone_by_status.items():
                by_status[status] -= count
    parts = _parts_left(receipt.parts, rewritten)
    changes = {
        "parts": parts,
        "num_rows_by_status": {status: count for status, count in by_status.items() if count},
        "num_rows_erased": receipt.fragment.num_rows - sum(part.num_rows for part in parts),
        "num_erasures": tombstones.num_erasures,
    }
    with suppress(PreconditionFailed):
        store.put_if(name, receipt.model_copy(update=changes).encode(), stored.etag)


def _parts_left(parts: Sequence[Part], rewritten: Mapping[str, Rewritten]) -> tuple[Part, ...]:
    return tuple(left for part in parts if (left := _left(part, rewritten)))


def _left(part: Part, rewritten: Mapping[str, Rewritten]) -> Part | None:
    """The part as it is now; None if nothing of it is left."""
    if part.name not in rewritten:
        return part
    changes = rewritten[part.name].changes
    return part.model_copy(update=changes) if changes else None


def _manifests(store: Store, layout: Layout) -> list[tuple[Partition, Manifest]]:
    names = [file.name for file in store.list(layout.all_manifests)]
    bodies = zip(names, in_parallel(store.get, names), strict=True)
    return [
        (Partition.of_name(name.split("/")[-2]), Manifest.decode(stored.body, where=name))
        for name, stored in bodies
        if stored
    ]


def _read(store: Store, name: str, columns: Sequence[str] | None = None) -> pa.Table:
    try:
        with store.open(name) as file:
            return pq.ParquetFile(file).read(columns=columns, use_threads=False)
    except (OSError, pa.ArrowException) as broken:
        raise TableError(
            f"{name}: cannot be read, so that nobody can say whether it holds rows to erase: {broken}; restore it, or "
            "annotate its partition again, collect garbage, and erase once more"
        ) from broken
