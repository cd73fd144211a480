"""Manifests: the small JSON file that makes a set of Parquet parts real, and the pointer to the live one."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import ClassVar

from reviewmine.errors import TableError
from reviewmine.partition import Partition
from reviewmine.store.filesystem import Store
from reviewmine.store.layout import Layout
from reviewmine.store.parallel import in_parallel, in_parallel_under_lease
from reviewmine.store.parts import Part
from reviewmine.store.record import Record, digest


class InputFile(Record):
    """An archive file that a generation was made from. `num_rows` counts the file, not the partition's share."""

    path: str
    num_bytes: int
    etag: str
    num_rows: int


class Manifest(Record):
    """One generation of one partition; immutable, but that an erasure puts it anew without the rows that it takes out.

    `num_erasures` is how many erasures of the table its parts honour for certain; they may honour later ones too.
    `live_files` are the copies of `parts`, in the same order. `ingredients` are what `result_key` is the digest of.
    `previous` is the generation that was live before it; `restores` the one whose parts a rollback brought back.
    """

    remedy: ClassVar[str] = (
        "restore it from a backup, or, if it is the live one, give the generation up: delete the pointer that names "
        "it, live/PARTITION.json beside manifests/, and manifests/PARTITION; the next run takes its live files away "
        "and publishes the partition anew"
    )

    partition: str
    run_id: str
    fence: int
    result_key: str
    ingredients: dict[str, str]
    inputs: tuple[InputFile, ...]
    parts: tuple[Part, ...]
    live_files: tuple[str, ...]
    published_at: datetime
    previous: str | None = None
    restores: str | None = None
    num_erasures: int = 0

    @property
    def generation(self) -> str:
        return f"{self.run_id}-{self.fence}"

    @property
    def num_rows(self) -> int:
        return sum(part.num_rows for part in self.parts)

    @property
    def input_fingerprint(self) -> str:
        return input_fingerprint(self.inputs)

    @property
    def origin(self) -> str:
        """What it was made of and by what means; a rollback to it or an erasure in it leave that as it is."""
        return origin_of(self.result_key, self.inputs)


class Pointer(Record):
    """Names the live generation of a partition, and the fence below which nobody may write it any more."""

    remedy: ClassVar[str] = (
        'restore it from a backup, or put {"generation": "RUN-FENCE", "fence": 0} in its place, with what the names of '
        "its live files begin with, or delete it and manifests/PARTITION: the next run publishes the partition anew"
    )

    generation: str | None
    fence: int


def input_fingerprint(inputs: tuple[InputFile, ...]) -> str:
    """A digest of paths, sizes and etags: equal exactly when the same files would be read."""
    return digest(*((file.path, file.num_bytes, file.etag) for file in sorted(inputs, key=lambda f: f.path)))


def origin_of(result_key: str, inputs: tuple[InputFile, ...]) -> str:
    return digest(result_key, input_fingerprint(inputs))


def get_pointer(store: Store, layout: Layout, partition: Partition) -> tuple[Pointer, str | None]:
    """The pointer and its etag; where there is none, one that names no generation, and None.

    Raises TableError for one that cannot be read, and where it is gone: it is put before the first manifest, so that
    manifests without it are of a partition that was published.
    """
    name = layout.pointer(partition)
    stored = store.get(name)
    if stored is None and any(store.list(layout.manifests(partition))):
        stored = store.get(name)  # another may have put the first of the partition just now
        if stored is None:
            raise TableError(
                f"{store.root}/{name}: there is no such pointer, though {layout.manifests(partition)} has generations "
                f"of the partition; {Pointer.remedy}"
            )
    if stored is None:
        return Pointer(generation=None, fence=0), None
    return Pointer.decode(stored.body, where=f"{store.root}/{name}"), stored.etag


def get_manifest(store: Store, layout: Layout, partition: Partition, generation: str) -> Manifest:
    """Raises TableError if the manifest of a generation that a pointer names is not there."""
    found = find_manifest(store, layout, partition, generation)
    if found is None:
        raise TableError(
            f"{store.root}/{layout.manifest(partition, generation)}: there is no such manifest, though a pointer "
            f"names it; {Manifest.remedy}"
        )
    return found


def find_manifest(store: Store, layout: Layout, partition: Partition, generation: str) -> Manifest | None:
    """The manifest of a generation, or None if it was dropped."""
    name = layout.manifest(partition, generation)
    stored = store.get(name)
    return Manifest.decode(stored.body, where=f"{store.root}/{name}") if stored else None


def history(store: Store, layout: Layout, partition: Partition, live: Manifest) -> Iterator[Manifest]:
    """The live generation and those that were live before it, newest first, as far back as they are kept."""
    found: Manifest | None = live
    while found:
        yield found
        found = find_manifest(store, layout, partition, found.previous) if found.previous else None


def live_manifest(store: Store, layout: Layout, partition: Partition) -> Manifest | None:
    """The manifest of the generation that readers see, or None before the first."""
    pointer, _ = get_pointer(store, layout, partition)
    return get_manifest(store, layout, partition, pointer.generation) if pointer.generation else None


def live_manifests(
    store: Store,
    layout: Layout,
    only: Callable[[Partition], bool] = lambda partition: True,
    *,
    keep: Callable[[], object] | None = None,
) -> dict[Partition, Manifest]:
    """The live manifest of every published partition that `only` holds of, in order of name.

    `keep` is that of a lease, called again and again meanwhile. Raises TableError for a manifest that cannot be read.
    """

    def look(partition: Partition) -> Manifest | None:
        return live_manifest(store, layout, partition)

    chosen = [partition for partition in published_partitions(store, layout) if only(partition)]
    found = in_parallel_under_lease(look, chosen, keep=keep) if keep else in_parallel(look, chosen)
    return {partition: live for partition, live in zip(chosen, found, strict=True) if live}


def published_partitions(store: Store, layout: Layout) -> Iterator[Partition]:
    """Every partition that has a pointer, or manifests and so had one, in order of name."""
    names = {listed.name.rsplit("/", 1)[-1].removesuffix(".json") for listed in store.list(layout.pointers)}
    names |= {listed.name.split("/")[-2] for listed in store.list(layout.all_manifests)}
    return map(Partition.of_name, sorted(names))
