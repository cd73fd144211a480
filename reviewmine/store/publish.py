"""Publish: how the parts of a partition become its live generation, exactly once.

The order of the steps is the proof: take the lease; fence the pointer; recover journals of lower fences; sweep;
verify; put the manifest and the journal; copy the parts to their live names; commit, which in a hive table is the put
of the pointer and in an Iceberg table the snapshot, with the pointer after it; delete what was replaced. A writer may
be stopped before or after any operation, or wake after another has taken over: a file that the live manifest names is
never deleted, and an undisturbed run leaves exactly its files.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime

from reviewmine.errors import PublishError, StoreError, TableError
from reviewmine.partition import Partition
from reviewmine.store.filesystem import Store
from reviewmine.store.generation import Generation, check_erasures, verify
from reviewmine.store.held import HeldPartition, show
from reviewmine.store.layout import Layout
from reviewmine.store.lease import Patience
from reviewmine.store.live import Live
from reviewmine.store.manifest import Manifest
from reviewmine.store.parallel import in_parallel_under_lease
from reviewmine.store.receipts import Receipt, get_receipt
from reviewmine.store.tombstones import get_tombstones


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

        Raises LeaseHeld, LeaseLost or PublishError, also where another run published since it was planned; the
        generation that was live then still is.
        """
        return self.publish_together([generation])[0]

    def publish_together(self, generations: Sequence[Generation]) -> list[Manifest]:
        """`publish` for several partitions, which readers see change at once if the table's format has such commits.

        Raises LeaseHeld, LeaseLost or PublishError, or TableError for a damaged record; the generations that were live
        then still are.
        """
        manifests: list[Manifest] = []
        staged: list[HeldPartition] = []
        with ExitStack() as stack:
            leases = _Leases(self._patience)
            for generation in generations:
                leases.beat()
                leases.held.append(stack.enter_context(self._held(generation.partition, leases.patience)))
            try:
                for held, asked in zip(leases.held, generations, strict=True):
                    generation, num_erasures = self._as_it_stands(asked, keep=held.keep)
                    live = held.live_manifest()
                    if live and generation.is_live_as(live) and held.stands(live):
                        manifests.append(live)
                        continue
                    _refuse_overtaken(generation, live)
                    check_erasures(generation, num_erasures)
                    verify(self._store, generation, keep=held.keep)
                    manifests.append(self._manifest(generation, held.fence, live))
                    held.stage(manifests[-1], replaces=live)
                    staged.append(held)
            except (PublishError, StoreError, TableError):
                for held in staged:
                    held.withdraw()
                raise
            if staged:
                show(self._live, staged)
        return manifests

    def recover(self, partition: Partition, silent: str | None) -> None:
        """Finish or undo what a dead run left half published in `partition`, whose lease stands still at `silent`.

        Raises LeaseHeld where another took it meanwhile, LeaseLost where one did while this was at work.
        """
        at_once = replace(self._patience, wait_s=0)
        with HeldPartition(
            self._store, self._layout, self._live, partition, self._run_id, at_once, silent=silent
        ):
            pass

    def _as_it_stands(self, generation: Generation, *, keep: Callable[[], None]) -> tuple[Generation, int]:
        """The generation with the receipts that an erasure has rewritten since, and how many erasures there were."""
        num_erasures = get_tombstones(self._store, self._layout).num_erasures

        def rewritten(receipt: Receipt) -> Receipt:
            if receipt.num_erasures == num_erasures:
                return receipt
            standing = get_receipt(self._store, self._layout, receipt.result_key, receipt.fragment)
            return standing or receipt

        receipts = tuple(in_parallel_under_lease(rewritten, generation.receipts, keep=keep))
        return replace(generation, receipts=receipts), num_erasures

    def _held(self, partition: Partition, patience: Patience) -> HeldPartition:
        return HeldPartition(self._store, self._layout, self._live, partition, self._run_id, patience)

    def _manifest(self, generation: Generation, fence: int, live: Manifest | None) -> Manifest:
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
            previous=live.generation if live else None,
        )


class _Leases:
    """The partitions of one commit, held at once; all leases beat by the clock, whichever is waited for or kept.

    To look at each of them before each operation would be to ask as many questions as there are pairs of partitions.
    """

    def __init__(self, patience: Patience) -> None:
        self._given = patience
        self._beaten_at = patience.now()
        self._is_beating = False
        self.held: list[HeldPartition] = []
        self.patience = replace(patience, meanwhile=self.beat)

    def beat(self) -> None:
        """Keep all leases, if it is time: twice as often as each of them beats. Each that is kept calls this again."""
        self._given.meanwhile()
        if self._is_beating or self._given.now() - self._beaten_at < self._given.ttl_s / 8:
            return
        self._is_beating = True
        try:
            for held in self.held:
                held.keep()
        finally:
            self._is_beating = False
            self._beaten_at = self._given.now()


def _refuse_overtaken(generation: Generation, live: Manifest | None) -> None:
    """A run that slept must not put what it planned then in the place of what was published meanwhile."""
    if live and generation.is_overtaken_by(live):
        raise PublishError(
            f"partition {generation.partition}: run {live.run_id} published it at "
            f"{live.published_at:%Y-%m-%d %H:%M:%S} UTC, after this run had planned it; that is left as it is: "
            "rerun to plan it anew"
        )
