from collections import Counter
from datetime import UTC
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from reviewmine.contract.reviews import ReviewColumns, conform
from reviewmine.demo.archive import DEMO_SCHEMA, NUM_DAYS, demo_reviews, make_demo_archive
from reviewmine.errors import UsageError
from reviewmine.labels import polarity_of_rating


@pytest.fixture(scope="module")
def reviews() -> pa.Table:
    return demo_reviews(seed=7, rows=3000)


def contents(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*.parquet")}


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not(tmp_path: Path) -> None:
    for name, seed in (("first", 1), ("second", 1), ("third", 2)):
        make_demo_archive(tmp_path / name, seed=seed, rows=60)
    assert contents(tmp_path / "first") == contents(tmp_path / "second")
    assert contents(tmp_path / "first") != contents(tmp_path / "third")


def test_making_it_again_touches_no_file(tmp_path: Path) -> None:
    make_demo_archive(tmp_path, rows=60)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    make_demo_archive(tmp_path, rows=60)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_a_folder_with_other_parquet_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "precious.parquet").write_bytes(b"")
    with pytest.raises(UsageError, match=r"precious\.parquet"):
        make_demo_archive(tmp_path, rows=60)
    assert contents(tmp_path) == {"precious.parquet": b""}


def test_fewer_rows_than_days_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="at least 14"):
        make_demo_archive(tmp_path, rows=NUM_DAYS - 1)


def test_it_has_fourteen_partitions_of_two_files_that_hold_their_own_day_and_not_the_key(
    tmp_path: Path,
) -> None:
    make_demo_archive(tmp_path, rows=300)
    archive = ds.dataset(
        tmp_path, partitioning=ds.partitioning(pa.schema([("dt", pa.string())]), flavor="hive")
    )
    assert len(archive.files) == 2 * NUM_DAYS
    assert "dt" not in next(archive.get_fragments()).physical_schema.names
    table = archive.to_table()
    assert table.num_rows == 300
    days = [moment.astimezone(UTC).date().isoformat() for moment in table["reviewed_at"].to_pylist()]
    assert days == table["dt"].to_pylist()
    assert len(set(days)) == NUM_DAYS


def test_its_columns_are_found_without_any_mapping(reviews: pa.Table) -> None:
    conformed = conform(reviews, ReviewColumns(), where="demo")
    for name in ("review_id", "product_id", "reviewed_at"):
        assert conformed[name].null_count == 0
    assert conformed["rating"].null_count < 100
    assert reviews.schema.equals(DEMO_SCHEMA)


def test_it_holds_what_real_archives_hold(reviews: pa.Table) -> None:
    bodies = reviews["body"].to_pylist()
    written = [body for body in bodies if body]
    assert None in bodies
    assert any(not body.strip() for body in written)
    assert any("<br" in body for body in written)
    assert any("&#39;" in body for body in written)
    assert any("@example" in body for body in written)
    assert any("4111 1111" in body for body in written)
    assert any("https://" in body for body in written)
    assert any("\u4e00" <= character <= "\u9fff" for body in written for character in body)
    assert any("😡" in body for body in written)
    assert any(len(body.split()) > 250 for body in written)
    assert max(Counter(reviews["review_id"].to_pylist()).values()) >= 2


def test_its_texts_are_not_copies_of_each_other(reviews: pa.Table) -> None:
    assert len(set(reviews["body"].to_pylist())) > 0.85 * reviews.num_rows


def test_the_bad_update_turns_the_headphones_and_nothing_else(reviews: pa.Table) -> None:
    def negative_share(days: range, *, headphones: bool) -> float:
        polarities = [
            polarity_of_rating(review["rating"])
            for review in reviews.to_pylist()
            if review["rating"]
            and (review["product_id"] == "RM-1001") is headphones
            and review["reviewed_at"].day - 2 in days
        ]
        return polarities.count("negative") / len(polarities)

    assert negative_share(range(8), headphones=True) < 0.25
    assert negative_share(range(8, 10), headphones=True) > 0.6
    assert (
        abs(negative_share(range(8), headphones=False) - negative_share(range(8, 10), headphones=False)) < 0.1
    )
