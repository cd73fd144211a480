"""Generations: what is refused before anything of it is published."""

from dataclasses import replace

import pyarrow as pa
import pytest
from partition_world import DAY, FIRST, LAYOUT, RESULT_KEY, annotations, fragments, judge, run_id, write
from stores import MemoryStore

from reviewmine.errors import PublishError
from reviewmine.store.fragment import Fragment
from reviewmine.store.generation import Generation, check_erasures, verify
from reviewmine.store.live import HiveLive
from reviewmine.store.manifest import InputFile, live_manifest
from reviewmine.store.parts import PartWriter
from reviewmine.store.publish import Publisher
from reviewmine.store.receipts import Receipt, get_receipt


@pytest.fixture
def store() -> MemoryStore:
    published = MemoryStore()
    write(published, FIRST, 1)
    return published


@pytest.fixture
def generation(store: MemoryStore) -> Generation:
    """The generation of the first archive, put together again from its receipts."""
    receipts = [get_receipt(store, LAYOUT, RESULT_KEY, fragment) for fragment in fragments(FIRST)]
    inputs = [InputFile(path=f.path, num_bytes=1, etag=f.etag, num_rows=f.num_rows) for f in fragments(FIRST)]
    return Generation(
        partition=DAY,
        result_key=RESULT_KEY,
        ingredients={},
        inputs=tuple(inputs),
        receipts=tuple(receipt for receipt in receipts if receipt),
    )


def receipt_of(store: MemoryStore, generation: Generation, rows: pa.Table, **fragment: object) -> Receipt:
    """The first receipt of `generation` as if it had been of another fragment, with `rows` as its only part."""
    first = generation.receipts[0]
    other = first.fragment.model_copy(update=fragment)
    part = PartWriter(store, LAYOUT, RESULT_KEY, other).put(DAY, rows)
    return first.model_copy(update={"fragment": other, "parts": (part,)})


def rows(*ids: str) -> pa.Table:
    return annotations(ids)


def test_a_whole_generation_passes_and_is_known_as_live(store, generation):
    verify(store, generation)
    assert generation.is_live_as(live_manifest(store, LAYOUT, DAY))
    assert not replace(generation, result_key="other").is_live_as(live_manifest(store, LAYOUT, DAY))
    assert not replace(generation, inputs=()).is_live_as(live_manifest(store, LAYOUT, DAY))


def test_a_missing_receipt_is_told_with_the_rows_it_leaves_open(store, generation):
    short = replace(generation, receipts=generation.receipts[1:])
    with pytest.raises(PublishError, match=r"a.parquet: receipts cover rows 0 to 0, expected 3"):
        verify(store, short)
    Publisher(store, LAYOUT, HiveLive(store, LAYOUT), run_id(2)).publish(generation)
    judge(store, FIRST)


def test_a_hole_between_receipts_is_told(store, generation):
    pieces = [
        receipt_of(store, generation, rows("r1"), first_row=0, num_rows=1),
        receipt_of(store, generation, rows("r2"), first_row=2, num_rows=1),
    ]
    with pytest.raises(PublishError, match="receipts cover rows 0 to 1, expected 3"):
        verify(store, replace(generation, receipts=(*pieces, generation.receipts[1])))


def test_two_receipts_for_the_same_rows_are_refused(store, generation):
    doubled = replace(generation, receipts=(*generation.receipts, generation.receipts[0]))
    with pytest.raises(PublishError, match=r"a\.parquet: two receipts cover row 0; expected each row once"):
        verify(store, doubled)


def test_a_receipt_of_a_file_that_is_no_input_is_refused(store, generation):
    foreign = receipt_of(store, generation, rows("x", "y", "z"), path="other.parquet")
    with pytest.raises(PublishError, match=r"other.parquet: found a receipt .* it is no input"):
        verify(store, replace(generation, receipts=(*generation.receipts, foreign)))


def test_a_receipt_of_the_file_as_it_was_before_is_refused(store, generation):
    old = receipt_of(store, generation, rows("r1", "r2", "r2"), etag="before")
    with pytest.raises(PublishError, match="etag before; expected"):
        verify(store, replace(generation, receipts=(old, generation.receipts[1])))


def test_a_receipt_of_another_result_is_refused(store, generation):
    other = generation.receipts[0].model_copy(update={"result_key": "another"})
    with pytest.raises(PublishError, match="found a receipt of result another"):
        verify(store, replace(generation, receipts=(other, generation.receipts[1])))


def test_rows_lost_between_fragment_and_parts_are_refused(store, generation):
    short = receipt_of(store, generation, rows("r1", "r2"))
    with pytest.raises(PublishError, match="parts hold 2 rows, expected 3"):
        verify(store, replace(generation, receipts=(short, generation.receipts[1])))


def test_a_receipt_from_before_an_erasure_is_refused_and_one_that_honours_it_is_not(generation):
    check_erasures(generation, 0)
    with pytest.raises(PublishError, match=r"a\.parquet: was annotated before rows were erased; rerun"):
        check_erasures(generation, 1)


def test_parts_of_different_schemas_are_refused(store, generation):
    odd = receipt_of(store, generation, rows("r1", "r2", "r3").drop_columns("status"))
    with pytest.raises(
        PublishError, match=r"(?s)found schema review_id: .*status.*, expected that of .*source_row"
    ):
        verify(store, replace(generation, receipts=(odd, generation.receipts[1])))


def test_a_fragment_id_is_not_needed_to_check_cover(store, generation):
    """Cut differently, the same rows are covered all the same."""
    pieces = [
        receipt_of(store, generation, rows("r1"), first_row=0, num_rows=1),
        receipt_of(store, generation, rows("r2", "r2"), first_row=1, num_rows=2),
    ]
    assert isinstance(pieces[0].fragment, Fragment)
    verify(store, replace(generation, receipts=(*reversed(pieces), generation.receipts[1])))
