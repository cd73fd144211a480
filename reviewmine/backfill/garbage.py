"""Garbage: staged parts, receipts and old generations that nobody needs any more, and how they are taken away.

What is live, what the last few generations name, and what is younger than the keep time stays. Receipts go first, then
manifests, then parts: whatever is cut off on the way leaves no receipt and no manifest that names a missing part, and a
rerun takes the rest away. Manifests and parts of a partition go under its lease, after another look at what is live.
No rows are erased meanwhile: a part that an erasure has just made is named by nothing yet.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from reviewmine.backfill.runs import RUN_LIFE, are_alive
from reviewmine.backfill.summary import Summary
from reviewmine.errors import LeaseHeld, LeaseLost
from reviewmine.partition import Partition
from reviewmine.store.filesystem import Listed, Store
from reviewmine.store.held import HeldPartition
from reviewmine.store.journal import standing_journals
from reviewmine.store.layout import Layout, begun_at, partition_of_part
from reviewmine.store.lease import Patience, upkeep
from reviewmine.store.live import Live
from reviewmine.store.manifest import Manifest, history, live_manifest
from reviewmine.store.parallel import in_parallel_under_lease
from reviewmine.store.receipts import Receipt
from reviewmine.store.record import Record

_Read = TypeVar("_Read", bound=Record)


@dataclass(frozen=True, kw_only=True)
class Retention:
    """What stays: `keep` generations before the live one, and all that was made or replaced `since`.

    Of `results`, which a run that is not done has worked on since, every receipt stays, however old: the run counts on
    it, or the one that takes it up will. Beside a live run whose record does not say what it works on, all do.
    """

    keep: int
    since: datetime
    now: datetime
    results: frozenset[str] = frozenset()
    all_results: bool = False

    @classmethod
    def of(cls, keep: int, older_than: timedelta, *, runs: Iterable[Summary], now: datetime) -> "Retention":
        """All that is younger than `older_than`; beside a live run, all that was when it began and counted on it."""
        known = list(runs)
        alive = are_alive(known, now=now)
        since = min([now, *(run.started_at for run in alive)]) - older_than
        results = frozenset(r.result_key for r in known if r.state != "done" and r.updated_at >= since)
        unsaid = not all(run.result_key for run in alive)
        return cls(keep=keep, since=since, now=now, results=results, all_results=unsaid)


@dataclass(frozen=True, kw_only=True)
class Garbage:
    """What may go: receipts, and by partition manifests and parts."""

    receipts: tuple[Listed, ...] = ()
    manifests: Mapping[Partition, Sequence[Listed]] = field(default_factory=dict)
    parts: Mapping[Partition, Sequence[Listed]] = field(default_factory=dict)

    @property
    def partitions(self) -> list[Partition]:
        return sorted({*self.manifests, *self.parts})

    def all_parts(self) -> list[Listed]:
        return [part for parts in self.parts.values() for part in parts]

    def all_manifests(self) -> list[Listed]:
        return [manifest for manifests in self.manifests.values() for manifest in manifests]


@dataclass(frozen=True, kw_only=True)
class Collected:
    """What went, and the partitions that were left alone because a live run held them, with what it said."""

    gone: Garbage
    held: Mapping[Partition, str]


def survey(
    store: Store, layout: Layout, retention: Retention, *, keep: Callable[[], object] = lambda: None
) -> Garbage:
    """What may go, told from listings and records; nothing is taken away. `keep` is called again and again meanwhile.

    Raises TableError for a manifest or receipt that cannot be read: what it names might be needed.
    """
    listed: dict[Partition, list[Listed]] = defaultdict(list)
    for file in store.list(layout.all_manifests):
        listed[Partition.of_name(file.name.split("/")[-2])].append(file)
    partitions = sorted(listed)
    found = in_parallel_under_lease(_keeper(store, layout, retention), partitions, keep=keep)
    kept = dict(zip(partitions, found, strict=True))
    needed = [manifest for manifests in kept.values() for manifest in manifests]
    names = {layout.manifest(p, m.generation) for p, manifests in kept.items() for m in manifests}
    doomed = {p: [file for file in files if file.name not in names] for p, files in listed.items()}
    leaving = [file for files in doomed.values() for file in files]
    retired = in_parallel_under_lease(lambda file: _get(store, file, Manifest), leaving, keep=keep)
    receipts = list(store.list(layout.all_receipts))
    read = in_parallel_under_lease(lambda file: _get(store, file, Receipt), receipts, keep=keep)
    is_needed = _need_of(needed, retention)
    standing = {part.name for manifest in needed for part in manifest.parts}
    standing |= {part.name for r in read if r and is_needed(r) for part in r.parts}
    known = {part.name for named in (*retired, *read) if named for part in named.parts}
    return Garbage(
        receipts=tuple(file for file, r in zip(receipts, read, strict=True) if r and not is_needed(r)),
        manifests={partition: files for partition, files in doomed.items() if files},
        parts=_by_partition(
            part
            for part in store.list(layout.all_parts)
            if part.name not in standing and _is_old(part, retention, has_name=part.name in known)
        ),
    )


def collect(
    store: Store, layout: Layout, seen: Live, retention: Retention, run_id: str, patience: Patience
) -> Collected:
    """Take away what may go; a partition that a live run holds keeps its manifests and parts.

    Raises LeaseHeld where another collection or an erasure is under way, LeaseLost where one took this for dead, and
    what `survey` does.
    """
    with upkeep(store, layout, run_id, patience) as lease:
        garbage = survey(store, layout, retention, keep=lease.keep)
        _delete(store, garbage.receipts, keep=lease.keep)
        manifests: dict[Partition, Sequence[Listed]] = {}
        parts: dict[Partition, Sequence[Listed]] = {}
        held: dict[Partition, str] = {}
        for partition in garbage.partitions:
            lease.keep()
            try:
                with HeldPartition(store, layout, seen, partition, run_id, lease.beside()) as holding:
                    kept = kept_generations(store, layout, partition, retention)
                    names = {layout.manifest(partition, manifest.generation) for manifest in kept}
                    names |= {part.name for manifest in kept for part in manifest.parts}
                    for found, gone in ((garbage.manifests, manifests), (garbage.parts, parts)):
                        gone[partition] = [
                            file for file in found.get(partition, ()) if file.name not in names
                        ]
                        _delete(store, gone[partition], keep=holding.keep)
            except (LeaseHeld, LeaseLost) as refused:
                held[partition] = str(refused)
        return Collected(gone=Garbage(receipts=garbage.receipts, manifests=manifests, parts=parts), held=held)


def kept_generations(
    store: Store, layout: Layout, partition: Partition, retention: Retention
) -> list[Manifest]:
    """The manifests of a partition that stay: live, journalled, of the last generations, or young."""
    kept = {}
    live = live_manifest(store, layout, partition)
    known = list(history(store, layout, partition, live)) if live else []
    replaced_at = dict(zip((m.generation for m in known[1:]), (m.published_at for m in known), strict=False))
    for number, manifest in enumerate(known):
        is_young = replaced_at.get(manifest.generation, retention.now) >= retention.since
        if number <= retention.keep or is_young:
            kept[manifest.generation] = manifest
    under_way = {journal.generation for journal in standing_journals(store, layout, partition)}
    standing = (_get(store, file, Manifest) for file in store.list(layout.manifests(partition)))
    for other in (found for found in standing if found and found.generation not in replaced_at):
        if other.generation in under_way or other.published_at >= retention.since:
            kept[other.generation] = other
    return list(kept.values())


def _keeper(store: Store, layout: Layout, retention: Retention) -> Callable[[Partition], list[Manifest]]:
    return lambda partition: kept_generations(store, layout, partition, retention)


def _need_of(needed: Sequence[Manifest], retention: Retention) -> Callable[[Receipt], bool]:
    """Whether a receipt is young, or of a run that is not done, or a kept generation was or would be made from it."""
    names = {part.name for manifest in needed for part in manifest.parts}
    inputs = {(m.result_key, file.path, file.etag) for m in needed for file in m.inputs}

    def is_needed(receipt: Receipt) -> bool:
        fragment = receipt.fragment
        return (
            receipt.put_at >= retention.since
            or retention.all_results
            or receipt.result_key in retention.results
            or (receipt.result_key, fragment.path, fragment.etag) in inputs
            or any(part.name in names for part in receipt.parts)
        )

    return is_needed


def _is_old(part: Listed, retention: Retention, *, has_name: bool) -> bool:
    """Whether a part was begun before the keep time; one that nothing names might be in the making."""
    begun = begun_at(part.name)
    if begun is None:
        return has_name
    return begun < (retention.since if has_name else min(retention.since, retention.now - RUN_LIFE))


def _by_partition(parts: Iterable[Listed]) -> dict[Partition, list[Listed]]:
    found: dict[Partition, list[Listed]] = defaultdict(list)
    for part in parts:
        partition = partition_of_part(part.name)
        if partition is not None:
            found[partition].append(part)
    return dict(found)


def _delete(store: Store, files: Sequence[Listed], *, keep: Callable[[], object]) -> None:
    in_parallel_under_lease(lambda file: store.delete(file.name), files, keep=keep)


def _get(store: Store, file: Listed, kind: type[_Read]) -> _Read | None:
    """The record, or None where another took it away meanwhile."""
    stored = store.get(file.name)
    return kind.decode(stored.body, where=f"{store.root}/{file.name}") if stored else None
