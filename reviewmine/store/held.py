"""A held partition: under a lease, its pointer fenced, dead journals recovered, strays swept; ready for a commit."""

from collections.abc import Callable, Sequence
from contextlib import suppress

from reviewmine.errors import LeaseLost, PreconditionFailed, StoreError
from reviewmine.partition import Partition
from reviewmine.store.filesystem import Store
from reviewmine.store.journal import Journal, standing_journals
from reviewmine.store.layout import Layout, fence_of
from reviewmine.store.lease import Lease, Patience, take_lease
from reviewmine.store.manifest import Manifest, Pointer, get_manifest, get_pointer

_ENDS_IN_ORDER = (Exception, KeyboardInterrupt, SystemExit)
"""Whatever is raised in a process that lives long enough to give its lease up; what it began stands in its journal."""


class HeldPartition:
    """Steps 1 to 4 of the protocol on entering, 6 to 9 in `commit`; the lease is given up at the end of the `with`."""

    def __init__(
        self, store: Store, layout: Layout, partition: Partition, run_id: str, patience: Patience
    ) -> None:
        self._store = store
        self._layout = layout
        self._partition = partition
        self._run_id = run_id
        self._patience = patience

    def __enter__(self) -> "HeldPartition":
        self._lease: Lease = take_lease(
            self._store, self._layout, self._partition, self._run_id, self._patience
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
        """Whether every live file of `manifest` is there, at its size."""
        found = (self._store.stat(name) for name in manifest.live_files)
        return [file.num_bytes if file else None for file in found] == [
            part.num_bytes for part in manifest.parts
        ]

    def commit(self, manifest: Manifest, *, replaces: Sequence[str]) -> None:
        """Make `manifest` live in place of the generation whose files are `replaces`.

        Raises LeaseLost if a later run fenced this one off; then nothing of this one is left in the table.
        """
        journal = Journal(
            run_id=manifest.run_id, fence=manifest.fence, puts=manifest.live_files, replaces=tuple(replaces)
        )
        journal_name = self._layout.journal(self._partition, manifest.fence)
        manifest_name = self._layout.manifest(self._partition, manifest.generation)
        self._kept(self._store.put, manifest_name, manifest.encode())
        self._kept(self._store.put, journal_name, journal.encode())
        try:
            self._copy(manifest)
        except StoreError:
            with suppress(StoreError):  # what cannot be taken back now stands in the journal
                self._close(journal_name, journal.puts)
            raise
        except LeaseLost:
            self._close(journal_name, journal.puts)
            raise
        try:
            self._put_pointer(Pointer(generation=manifest.generation, fence=manifest.fence))
        except (LeaseLost, PreconditionFailed):
            if not self._is_committed(manifest):
                self._close(journal_name, journal.puts)
                raise self._fenced_off() from None
        self._close(journal_name, journal.replaces)

    def _copy(self, manifest: Manifest) -> None:
        """Copy the parts to their live names, and look at what came of it."""
        for part, live_name in zip(manifest.parts, manifest.live_files, strict=True):
            self._kept(self._store.copy, part.name, live_name)
        if not self.stands(manifest):
            pointer, _ = get_pointer(self._store, self._layout, self._partition)
            if pointer.fence != self.fence:
                raise self._fenced_off()  # and a later run has swept them
            raise StoreError(
                f"partition {self._partition}: the live copies are not what was copied; rerun to publish it"
            )

    def _is_committed(self, manifest: Manifest) -> bool:
        """Whether the commit took place all the same: its reply was lost, and a later run fenced the pointer since.

        The answer is final: the commit was conditioned on an etag that is gone.
        """
        pointer, _ = get_pointer(self._store, self._layout, self._partition)
        return pointer.generation == manifest.generation

    def _close(self, journal_name: str, doomed: Sequence[str]) -> None:
        """Delete what a commit replaced, or what a lost one put.

        Safe without the lease: no name is ever used twice, so nobody else can have put these.
        """
        for name in doomed:
            self._store.delete(name)
        self._store.delete(journal_name)

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
        """A journal whose generation is live is finished, any other is undone."""
        for journal in standing_journals(self._store, self._layout, self._partition):
            if journal.fence < self.fence:
                is_live = self._pointer.generation == journal.generation
                for name in journal.replaces if is_live else journal.puts:
                    self._kept(self._store.delete, name)
                self._kept(self._store.delete, self._layout.journal(self._partition, journal.fence))

    def _sweep(self) -> None:
        """Delete files of our own name pattern and a lower fence that no live manifest and no journal names."""
        live = self.live_manifest()
        named = set(live.live_files) if live else set()
        for journal in standing_journals(self._store, self._layout, self._partition):
            named.update(journal.puts)
        folder = self._layout.live_folder(self._partition)
        for file in list(self._store.list(folder)):
            fence = fence_of(file.name)
            is_here = file.name.rsplit("/", 1)[0] == folder
            if is_here and fence is not None and fence < self.fence and file.name not in named:
                self._kept(self._store.delete, file.name)

    def _kept(self, operation: Callable[..., object], *arguments: object) -> None:
        self._lease.keep()
        operation(*arguments)
