"""Live, of a hive table: readers see every file in its folder."""

import pyarrow as pa
import pytest
from partition_world import DAY, FIRST, LAYOUT, run_id, write
from stores import MemoryStore

from reviewmine.errors import TableError
from reviewmine.store.live import HiveLive
from reviewmine.store.manifest import live_manifest

LIVE_NAME = f"table/dt=2024-01-01/{run_id(1)}-1-00000.parquet"


@pytest.fixture
def store() -> MemoryStore:
    published = MemoryStore()
    write(published, FIRST, 1)
    return published


def test_readers_see_the_files_of_the_folder_and_no_folder_markers(store):
    store.put("table/", b"")
    store.put("table__meta/x.parquet", b"x")
    manifest = live_manifest(store, LAYOUT, DAY)
    assert HiveLive(store, LAYOUT).sizes() == {
        name: part.num_bytes for name, part in zip(manifest.live_files, manifest.parts, strict=True)
    }


def test_whether_a_generation_stands_is_looked_up_file_by_file(store):
    live, manifest = HiveLive(store, LAYOUT), live_manifest(store, LAYOUT, DAY)
    assert live.stands(manifest)
    store.put(manifest.live_files[0], b"short")
    assert not live.stands(manifest)
    store.delete(manifest.live_files[0])
    assert not live.stands(manifest)


def test_a_file_that_reviewmine_did_not_name_is_refused(store):
    HiveLive(store, LAYOUT).prepare()
    store.put("table/dt=1/part-0.parquet", b"x")
    with pytest.raises(TableError, match="found 1 files that reviewmine did not write"):
        HiveLive(store, LAYOUT).prepare()


def test_the_key_of_a_partition_stays_in_its_path_alone(store):
    rows = pa.table({"review_id": ["a"]})
    assert HiveLive(store, LAYOUT).part_of(DAY, rows) is rows
