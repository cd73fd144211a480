"""The bench of what a rerun reads: its files, and the verdict on a table."""

import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "scripts" / "bench"))

from archives import reviews
from rerun_reads import bodies_read, judge, large_file, reviews_of
from traffic import TAIL, Counts

from reviewmine.store.archive import Archive
from reviewmine.store.table import Table


def test_a_file_holds_what_it_says_under_ids_that_no_other_has():
    made = [large_file(reviews_of(None, 50), number, num_rows=120, rows_per_group=100) for number in range(2)]
    files = [pq.ParquetFile(pa.BufferReader(body)) for body in made]
    assert [file.metadata.num_row_groups for file in files] == [2, 2]
    ids = [review for file in files for review in file.read(["review_id"])["review_id"].to_pylist()]
    assert len(set(ids)) == len(ids) == 240


def test_footers_and_looks_are_no_bodies():
    counts = {"GET": Counts(2, 0, 500), TAIL: Counts(2, 0, 70), "HEAD": Counts(9)}
    assert bodies_read(counts) == 500


def test_a_table_that_is_not_its_archive_is_told(tmp_path):
    pq.write_table(reviews(["a", "b"]), tmp_path / "reviews.parquet")
    with pytest.raises(RuntimeError, match="is not the archive"):
        judge(Table(str(tmp_path / "table")), Archive(str(tmp_path / "reviews.parquet")))
