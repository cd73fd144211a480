"""Manifests and pointers: what is live, and what it was made from."""

from datetime import UTC, datetime

import pytest
from partition_world import DAY, FIRST, LAYOUT, run_id, write
from stores import MemoryStore

from reviewmine.errors import TableError
from reviewmine.partition import NULL_VALUE, Partition
from reviewmine.store.manifest import (
    InputFile,
    Manifest,
    Pointer,
    get_manifest,
    get_pointer,
    input_fingerprint,
    live_manifest,
    live_manifests,
    published_partitions,
)


def file(path: str, **changes: object) -> InputFile:
    return InputFile(path=path, num_bytes=1, etag="x", num_rows=3).model_copy(update=changes)


def test_a_fingerprint_knows_paths_sizes_and_etags_in_any_order():
    a, b = file("a.parquet"), file("b.parquet")
    assert input_fingerprint((a, b)) == input_fingerprint((b, a))
    others = [
        (a,),
        (),
        (a, file("c.parquet")),
        (a, file("b.parquet", etag="y")),
        (a, file("b.parquet", num_bytes=2)),
    ]
    assert input_fingerprint((a, b)) not in {input_fingerprint(other) for other in others}


def test_where_nothing_was_published_the_pointer_names_no_generation():
    store = MemoryStore()
    assert get_pointer(store, LAYOUT, DAY) == (Pointer(generation=None, fence=0), None)
    assert live_manifest(store, LAYOUT, DAY) is None
    assert list(published_partitions(store, LAYOUT)) == []


def test_a_pointer_that_was_only_fenced_has_no_live_manifest():
    store = MemoryStore()
    store.put(LAYOUT.pointer(DAY), Pointer(generation=None, fence=3).encode())
    assert live_manifest(store, LAYOUT, DAY) is None


def test_a_manifest_counts_rows_and_names_what_it_was_made_from():
    store = MemoryStore()
    write(store, FIRST, 1)
    manifest = live_manifest(store, LAYOUT, DAY)
    assert isinstance(manifest, Manifest)
    assert (manifest.num_rows, manifest.partition, manifest.generation) == (4, DAY.path, f"{run_id(1)}-1")
    assert [part.num_rows for part in manifest.parts] == [3, 1]
    assert [input.path for input in manifest.inputs] == list(FIRST)
    assert manifest.published_at <= datetime.now(UTC)


def test_a_pointer_to_a_manifest_that_is_not_there_is_an_error_that_names_it():
    store = MemoryStore()
    store.put(LAYOUT.pointer(DAY), Pointer(generation="gone-1", fence=1).encode())
    with pytest.raises(TableError, match=f"{LAYOUT.manifest(DAY, 'gone-1')}: there is no such manifest"):
        live_manifest(store, LAYOUT, DAY)


def test_a_manifest_that_was_altered_is_an_error_that_names_it():
    store = MemoryStore()
    store.put(LAYOUT.manifest(DAY, "a-1"), b'{"partition": 3}')
    with pytest.raises(TableError, match=LAYOUT.manifest(DAY, "a-1")):
        get_manifest(store, LAYOUT, DAY, "a-1")


def test_published_partitions_are_told_by_their_pointers():
    store = MemoryStore()
    partitions = {Partition(), DAY, Partition((("brand", "A, B%2C"), ("dt", NULL_VALUE)))}
    for partition in partitions:
        store.put(LAYOUT.pointer(partition), Pointer(generation=None, fence=1).encode())
    assert set(published_partitions(store, LAYOUT)) == partitions


def test_what_is_live_is_told_by_partition_and_under_a_lease_that_beats_meanwhile():
    store = MemoryStore()
    write(store, FIRST, 1)
    other = Partition((("dt", "2024-01-02"),))
    store.put(LAYOUT.pointer(other), Pointer(generation=None, fence=1).encode())
    live = live_manifest(store, LAYOUT, DAY)
    beats = []
    assert live_manifests(store, LAYOUT) == {DAY: live}
    assert live_manifests(store, LAYOUT, keep=lambda: beats.append(1)) == {DAY: live}
    assert beats
    assert live_manifests(store, LAYOUT, lambda partition: partition == other) == {}
