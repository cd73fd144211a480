"""A held partition: under a lease, its pointer fenced, dead journals recovered, strays swept; ready for a commit."""

from collections.abc import Callable, Sequence
from contextlib import suppress

from reviewmine.errors import LeaseLost, PreconditionFailed, PublishError, StoreError
from reviewmine.partition import Partition
from reviewmine.store.filesystem import Store
from reviewmine.store.journal import Journal, standing_journals
from reviewmine.store.layout import Layout
from reviewmine.store.lease import Lease, Patience, take_lease
from reviewmine.store.live import Live
from reviewmine.store.manifest import Manifest, Pointer, get_manifest, get_pointer

_ENDS_IN_ORDER = (Exception, KeyboardInterrupt, SystemExit)
"""Whatever is raised in a process that lives long enough to give its lease up; what it began stands in its journal."""


class HeldPartition:
    """Steps 1 to 4 of the protocol on entering, 6 to 9 in `commit`; the lease is given up at the end of the `with`.

    Several partitions that are committed at once are each staged (6 and 7), and then shown together (8 and 9).
    """

    def __init__(
        self,
        store: Store,
        layout: Layout,
        live: Live,
        partition: Partition,
        run_id: str,
        patience: Patience,
        *,
        silent: str | None = None,
    ) -> None:
        """
        Args:
            silent: the etag at which the lease was seen to stand still for its TTL.
        """
        self._store = store
        self._layout = layout
        self._live = live
        self._partition = partition
        self._run_id = run_id
        self._patience = patience
        self._silent = silent

    def __enter__(self) -> "HeldPartition":
        self._lease: Lease = take_lease(
            self._store, self._layout, self._partition, self._run_id, self._patience, silent=self._silent
        )
        try:
            self._fence_pointer()
            self._recover_journals()
            self._sweep()
        except _ENDS_IN_ORDER as error:
            self.__exit__(type(error), error, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        if kind is None or issubclass(kind, _ENDS_IN_ORDER):
            with suppress(StoreError):
                self._lease.release()

    @property
    def fence(self) -> int:
        return self._lease.fence

    def keep(self) -> None:
        """Say that this writer lives; raises LeaseLost if another has taken over."""
        self._lease.keep()

    def live_manifest(self) -> Manifest | None:
        """The manifest of the generation that was live when the pointer was fenced."""
        name = self._pointer.generation
        return get_manifest(self._store, self._layout, self._partition, name) if name else None

    def stands(self, manifest: Manifest) -> bool:
        """Whether readers see the files of `manifest`, each at its size."""
        return self._live.stands(manifest)

    def commit(self, manifest: Manifest, *, replaces: Manifest | None) -> None:
        """Make `manifest` live in place of `replaces`.

        Raises LeaseLost if a later run fenced this one off; then nothing of this one is left in the table.
        """
        self.stage(manifest, replaces=replaces)
        show(self._live, [self])

    def stage(self, manifest: Manifest, *, replaces: Manifest | None) -> None:
        """Put `manifest` and the journal, and copy the parts to their live names.

        Raises LeaseLost if a later run fenced this one off; then nothing of this one is left in the table.
        """
        self.staged = manifest
        self._journal = Journal(
            run_id=manifest.run_id,
            fence=manifest.fence,
            puts=manifest.live_files,
            replaces=self._live.unread_after(replaces) if replaces else (),
        )
        self.keep()
        self._store.put(self._layout.manifest(self._partition, manifest.generation), manifest.encode())
        self.keep()
        self._store.put(self._layout.journal(self._partition, manifest.fence), self._journal.encode())
        try:
            self._copy(manifest)
        except (StoreError, LeaseLost):
            self.withdraw()
            raise

    def point(self) -> None:
        """Name the staged generation in the pointer: in a hive table the commit, in others what follows it.

        Raises LeaseLost if a later run fenced this one off; then nothing of this one is left in the table.
        """
        with suppress(LeaseLost, PreconditionFailed):
            self._put_pointer(Pointer(generation=self._journal.generation, fence=self._journal.fence))
            return self._close(self._journal.replaces)
        # The reply may have been lost, and a later run have fenced the pointer since. What is read now is final:
        # the put was conditioned on an etag that is gone.
        pointer, _ = get_pointer(self._store, self._layout, self._partition)
        if pointer.generation == self._journal.generation:
            return self._close(self._journal.replaces)
        if self._live.has_committed(self._partition, self._journal, pointer):
            return None  # the later run finds the journal, and points at the generation in its stead
        self._close(self._journal.puts)
        raise self._fenced_off()

    def withdraw(self) -> None:
        """Take the staged files back; what cannot be taken back now stands in the journal."""
        with suppress(StoreError):
            self._close(self._journal.puts)

    def _copy(self, manifest: Manifest) -> None:
        """Copy the parts to their live names, and look at what came of it."""
        for part, live_name in zip(manifest.parts, manifest.live_files, strict=True):
            self.keep()
            self._store.copy(part.name, live_name)
        found = (self._store.stat(name) for name in manifest.live_files)
        if [file and file.num_bytes for file in found] == [part.num_bytes for part in manifest.parts]:
            return
        pointer, _ = get_pointer(self._store, self._layout, self._partition)
        if pointer.fence != self.fence:
            raise self._fenced_off()  # and a later run has swept them
        raise StoreError(
            f"partition {self._partition}: the live copies are not what was copied; rerun to publish it"
        )

    def _close(self, doomed: tuple[str, ...]) -> None:
        """Delete what a commit replaced, or what a lost one put.

        Safe without the lease: no name is ever used twice, so nobody else can have put these.
        """
        for name in doomed:
            self._store.delete(name)
        self._store.delete(self._layout.journal(self._partition, self._journal.fence))

    def _fence_pointer(self) -> None:
        """From here on no writer with a lower fence can commit."""
        while True:
            self._pointer, self._pointer_etag = get_pointer(self._store, self._layout, self._partition)
            if self._pointer.fence >= self.fence:
                raise self._fenced_off()
            with suppress(PreconditionFailed):  # an earlier writer was quicker: look again, and fence that
                return self._put_pointer(self._pointer.model_copy(update={"fence": self.fence}))

    def _put_pointer(self, pointer: Pointer) -> None:
        name = self._layout.pointer(self._partition)
        self._lease.keep()
        self._pointer_etag = self._store.put_if(name, pointer.encode(), self._pointer_etag)
        self._pointer = pointer

    def _fenced_off(self) -> LeaseLost:
        return LeaseLost(f"partition {self._partition}: a later run fenced off run {self._run_id}")

    def _recover_journals(self) -> None:
        """A journal whose generation was committed is finished, any other is undone.

        Where a writer may yet wake, or left the outcome of its commit open, it is shut out first.
        """
        standing = standing_journals(self._store, self._layout, self._partition)
        journals = [journal for journal in standing if journal.fence < self.fence]
        if journals or self._lease.is_disputed:
            self._lease.keep()
            self._live.shut_out(self._partition, self.fence)
            self._lease.settle()
        for journal in journals:
            is_live = self._live.has_committed(self._partition, journal, self._pointer)
            if is_live and self._pointer.generation != journal.generation:
                self._put_pointer(Pointer(generation=journal.generation, fence=self.fence))
            for name in journal.replaces if is_live else journal.puts:
                self._kept(self._store.delete, name)
            self._kept(self._store.delete, self._layout.journal(self._partition, journal.fence))

    def _sweep(self) -> None:
        """Delete what readers see of writers that are gone, and that no live manifest and no journal names."""
        live = self.live_manifest()
        named = set(live.live_files) if live else set()
        for journal in standing_journals(self._store, self._layout, self._partition):
            named.update(journal.puts)
        for name in self._live.strays(self._partition, self.fence, named):
            self._kept(self._store.delete, name)

    def _kept(self, operation: Callable[..., object], *arguments: object) -> None:
        self._lease.keep()
        operation(*arguments)


def show(live: Live, staged: Sequence[HeldPartition]) -> None:
    """Commit what is staged in each of these partitions, all at once where the table's format has such commits.

    Raises PublishError where nothing was committed, and all is taken back. A store or a catalog that gave no answer
    may have committed: then the journals stand, for whoever comes next.
    """
    try:
        for held in staged:
            held.keep()
        live.commit([held.staged for held in staged])
    except PublishError:
        for held in staged:
            held.withdraw()
        raise
    for held in staged:
        held.point()
