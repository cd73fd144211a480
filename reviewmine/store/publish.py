"""Publish: how the parts of a partition become its live generation, exactly once.

The order of the steps is the proof: take the lease; fence the pointer; recover journals of lower fences; sweep;
verify; put the manifest and the journal; copy the parts to their live names; commit, which in a hive table is the put
of the pointer and in an Iceberg table the snapshot, with the pointer after it; delete what was replaced. A writer may
be stopped before or after any operation, or wake after another has taken over: a file that the live manifest names is
never deleted, and an undisturbed run leaves exactly its files.
"""

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime

from reviewmine.errors import PublishError, StoreError
from reviewmine.partition import Partition
from reviewmine.store.filesystem import Store
from reviewmine.store.generation import Generation, verify
from reviewmine.store.held import HeldPartition
from reviewmine.store.layout import Layout
from reviewmine.store.lease import Patience
from reviewmine.store.live import Live, Staged
from reviewmine.store.manifest import Manifest


class Publisher:
    """Publishes partitions of one table for one run; holds nothing between two calls."""

    def __init__(
        self, store: Store, layout: Layout, live: Live, run_id: str, patience: Patience | None = None
    ) -> None:
        self._store = store
        self._layout = layout
        self._live = live
        self._run_id = run_id
        self._patience = patience or Patience()

    def publish(self, generation: Generation) -> Manifest:
        """Make `generation` live and return its manifest; one that is live already is left as it is.

        Raises LeaseHeld, LeaseLost or PublishError; the generation that was live then still is.
        """
        return self.publish_together([generation])[0]

    def publish_together(self, generations: Sequence[Generation]) -> list[Manifest]:
        """`publish` for several partitions, which readers see change at once if the table's format has such commits.

        Raises LeaseHeld, LeaseLost or PublishError; the generations that were live then still are.
        """
        manifests: list[Manifest] = []
        staged: list[tuple[HeldPartition, Staged]] = []
        with ExitStack() as stack:
            all_held = [stack.enter_context(self._held(generation.partition)) for generation in generations]
            try:
                for held, generation in zip(all_held, generations, strict=True):
                    live = held.live_manifest()
                    if live and generation.is_live_as(live) and self._live.stands(live):
                        manifests.append(live)
                        continue
                    staged.append((held, self._stage(held, generation, live, all_held)))
                    manifests.append(staged[-1][1].manifest)
            except (PublishError, StoreError):
                _withdraw(staged)
                raise
            self._commit(staged, all_held)
        return manifests

    def recover(self, partition: Partition) -> None:
        """Finish or undo what a dead run left half published in `partition`."""
        with self._held(partition):
            pass

    def _held(self, partition: Partition) -> HeldPartition:
        return HeldPartition(self._store, self._layout, self._live, partition, self._run_id, self._patience)

    def _stage(
        self,
        held: HeldPartition,
        generation: Generation,
        live: Manifest | None,
        all_held: Sequence[HeldPartition],
    ) -> Staged:
        """`generation` verified, and under its live names in place of `live`; every lease is kept meanwhile."""

        def keep() -> None:
            for one in all_held:
                one.keep()

        schema = verify(self._store, generation, keep=keep)
        manifest = self._manifest(generation, held.fence)
        held.stage(manifest, replaces=live, keep=keep)
        return Staged(manifest, schema)

    def _commit(
        self, staged: Sequence[tuple[HeldPartition, Staged]], all_held: Sequence[HeldPartition]
    ) -> None:
        """A store or catalog that gave no answer may have committed: then the journals stand, for who comes next."""
        if not staged:
            return
        try:
            for held in all_held:
                held.keep()
            self._live.commit([generation for _, generation in staged])
        except PublishError:
            _withdraw(staged)
            raise
        for held, _ in staged:
            held.point()

    def _manifest(self, generation: Generation, fence: int) -> Manifest:
        parts = generation.parts
        name = f"{self._run_id}-{fence}"
        return Manifest(
            partition=generation.partition.path,
            run_id=self._run_id,
            fence=fence,
            result_key=generation.result_key,
            ingredients=generation.ingredients,
            inputs=generation.inputs,
            parts=parts,
            live_files=tuple(
                self._layout.live_copy(generation.partition, name, number) for number in range(len(parts))
            ),
            published_at=datetime.now(UTC),
        )


def _withdraw(staged: Iterable[tuple[HeldPartition, Staged]]) -> None:
    for held, _ in staged:
        held.withdraw()
