"""Parts: one whole file under a name of its attempt, and a footer that is checked before anything is published."""

import hashlib
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from partition_world import DAY, LAYOUT
from stores import MemoryStore

from reviewmine.contract.annotations import annotations_schema
from reviewmine.errors import PublishError
from reviewmine.store.fragment import Fragment
from reviewmine.store.parts import PartWriter, check_part, encode_parquet

FRAGMENT = Fragment(path="a.parquet", etag="x", first_row=0, num_rows=3)
ROWS = pa.table({"review_id": ["a", "b", "b"]})


def writer(store: MemoryStore) -> PartWriter:
    return PartWriter(store, LAYOUT, "result", FRAGMENT)


def test_a_part_says_what_is_in_it():
    store = MemoryStore()
    part = writer(store).put(DAY, ROWS)
    body = store.objects[part.name]
    assert pq.read_table(io.BytesIO(body)).equals(ROWS)
    assert (part.partition, part.num_rows, part.num_bytes) == (DAY.path, 3, len(body))
    assert part.sha256 == hashlib.sha256(body).hexdigest()
    assert part.name.startswith(f"table__meta/parts/result/{FRAGMENT.id}/")


def test_two_attempts_at_one_fragment_share_no_name():
    store = MemoryStore()
    assert writer(store).put(DAY, ROWS).name != writer(store).put(DAY, ROWS).name
    assert len(store.objects) == 2


def test_a_part_is_encoded_the_same_every_time_and_without_dictionary_types():
    assert encode_parquet(ROWS) == encode_parquet(ROWS)
    empty = pa.Table.from_batches([], schema=annotations_schema())
    read = pq.read_schema(io.BytesIO(encode_parquet(empty)))
    assert read.equals(annotations_schema(), check_metadata=True)


def test_the_footer_of_a_part_is_checked_against_its_receipt():
    store = MemoryStore()
    part = writer(store).put(DAY, ROWS)
    assert check_part(store, part).names == ["review_id"]
    with pytest.raises(PublishError, match=r"found 3 rows in \d+ bytes, expected 4 in \d+"):
        check_part(store, part.model_copy(update={"num_rows": 4}))
    with pytest.raises(PublishError, match="bytes, expected 3 in 1"):
        check_part(store, part.model_copy(update={"num_bytes": 1}))


@pytest.mark.parametrize("body", [None, b"", b"PAR1 cut off"])
def test_a_part_that_is_gone_or_broken_is_refused_with_its_name(body):
    store = MemoryStore()
    part = writer(store).put(DAY, ROWS)
    store.delete(part.name)
    if body is not None:
        store.put(part.name, body)
    with pytest.raises(PublishError, match=f"{part.name}: cannot be read back"):
        check_part(store, part)
