"""Receipts: what they prove, and that they are found by name."""

from datetime import UTC, datetime

import pytest
from partition_world import DAY, LAYOUT, run_id
from stores import MemoryStore

from reviewmine.errors import PublishError, TableError
from reviewmine.partition import Partition
from reviewmine.store.fragment import Fragment
from reviewmine.store.parts import Part
from reviewmine.store.receipts import Receipt, get_receipt, put_receipt

FRAGMENT = Fragment(path="a.parquet", etag="x", first_row=10, num_rows=5)
UNDATED = Partition.derived("day", "__HIVE_DEFAULT_PARTITION__")


def part(partition: Partition, num_rows: int) -> Part:
    return Part(
        name=f"part of {partition}", partition=partition.path, num_rows=num_rows, num_bytes=9, sha256="0"
    )


def receipt(*parts: Part) -> Receipt:
    return Receipt(
        result_key="result",
        fragment=FRAGMENT,
        run_id=run_id(1),
        attempt="attempt",
        parts=parts,
        num_rows_by_status={"ok": 5},
        put_at=datetime.now(UTC),
    )


def test_a_receipt_is_found_by_result_and_fragment():
    store, made = MemoryStore(), receipt(part(DAY, 5))
    put_receipt(store, LAYOUT, made)
    assert get_receipt(store, LAYOUT, "result", FRAGMENT) == made
    assert get_receipt(store, LAYOUT, "other", FRAGMENT) is None
    moved = FRAGMENT.model_copy(update={"etag": "y"})
    assert get_receipt(store, LAYOUT, "result", moved) is None


def test_a_receipt_tells_the_parts_of_each_partition():
    made = receipt(part(DAY, 3), part(UNDATED, 2))
    assert made.parts_of(DAY) == (part(DAY, 3),)
    assert made.parts_of(Partition()) == ()


@pytest.mark.parametrize("num_rows", [4, 6])
def test_rows_lost_or_invented_are_refused_before_the_receipt_is_put(num_rows):
    store = MemoryStore()
    with pytest.raises(
        PublishError, match=f"a.parquet rows 10 to 15: parts hold {num_rows} rows, expected 5"
    ):
        put_receipt(store, LAYOUT, receipt(part(DAY, num_rows)))
    assert store.objects == {}


def test_rows_that_were_erased_are_neither_lost_nor_invented():
    erased = receipt(part(DAY, 3)).model_copy(update={"num_rows_erased": 2})
    erased.check()
    with pytest.raises(PublishError, match="parts hold 3 rows, expected 4"):
        erased.model_copy(update={"num_rows_erased": 1}).check()


def test_of_two_receipts_for_one_fragment_the_later_stands():
    store = MemoryStore()
    put_receipt(store, LAYOUT, receipt(part(DAY, 5)))
    later = receipt(part(UNDATED, 5))
    put_receipt(store, LAYOUT, later)
    assert get_receipt(store, LAYOUT, "result", FRAGMENT) == later


def test_a_receipt_that_is_cut_off_is_an_error_that_names_it():
    store = MemoryStore()
    put_receipt(store, LAYOUT, receipt(part(DAY, 5)))
    name = LAYOUT.receipt("result", FRAGMENT.id)
    store.put(name, store.objects[name][:-10])
    with pytest.raises(TableError, match=f"{name}: not a receipt"):
        get_receipt(store, LAYOUT, "result", FRAGMENT)
