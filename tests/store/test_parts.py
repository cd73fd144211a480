"""Parts: one whole file under a name of its attempt, and a footer that is checked before anything is published."""

import hashlib
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from partition_world import DAY, LAYOUT
from stores import MemoryStore

from reviewmine.contract.annotations import annotations_schema
from reviewmine.errors import PublishError, TableError
from reviewmine.store.fragment import Fragment
from reviewmine.store.parts import Part, PartWriter, check_part, encode_parquet, glance_at_part, read_part

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


def test_a_part_names_the_fragment_it_was_made_from():
    part = writer(MemoryStore()).put(DAY, ROWS)
    assert Part.decode(part.encode(), where="x").fragment == FRAGMENT


def test_parts_from_before_that_was_written_down_are_understood():
    written = b'{"name": "n", "partition": "p", "num_rows": 1, "num_bytes": 2, "sha256": "0"}'
    assert Part.decode(written, where="x").fragment is None


def test_columns_of_a_part_are_read_only_if_every_byte_is_as_it_was_put():
    store = MemoryStore()
    part = writer(store).put(DAY, ROWS)
    assert read_part(store, part, ["review_id"]).equals(ROWS)
    assert glance_at_part(store, part, "review_id").to_pylist() == ["a", "b", "b"]
    with pytest.raises(pa.ArrowInvalid, match="found no column 'body'"):
        glance_at_part(store, part, "body")
    store.put(part.name, store.objects[part.name] + b" ")
    with pytest.raises(TableError, match=f"{part.name}: found other bytes, expected the part"):
        read_part(store, part, ["review_id"])
    store.delete(part.name)
    with pytest.raises(TableError, match="found nothing, expected"):
        read_part(store, part, ["review_id"])


@pytest.mark.parametrize("body", [None, b"", b"PAR1 cut off"])
def test_a_part_that_is_gone_or_broken_is_refused_with_its_name(body):
    store = MemoryStore()
    part = writer(store).put(DAY, ROWS)
    store.delete(part.name)
    if body is not None:
        store.put(part.name, body)
    with pytest.raises(PublishError, match=f"{part.name}: cannot be read back"):
        check_part(store, part)
