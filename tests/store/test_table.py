"""Tables: made once, matched ever after, and refused where they are not ours or not alike."""

import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from stores import WrappedStore

from reviewmine.errors import ConfigError, StoreError, TableError, UsageError
from reviewmine.store.filesystem import Location, Store, Stored
from reviewmine.store.table import Table

LIVE = "20240101T000000-0000000a-1-00000.parquet"


@pytest.fixture(params=["local", "s3"])
def table(request: pytest.FixtureRequest, tmp_path: Path) -> Table:
    """A table that was not made yet."""
    uri = str(tmp_path) if request.param == "local" else request.getfixturevalue("s3_uri")
    return Table(f"{uri}/annotations")


def put(table: Table, name: str, body: bytes = b"x") -> None:
    table.store.put(name, body)


def test_a_new_table_is_made_with_its_record_beside_it(table):
    assert table.record() is None
    table.make_or_match(("year", "month"), None)
    record = table.record()
    assert (record.partition_keys, record.partition_by, record.contract_version) == (
        ("year", "month"),
        None,
        1,
    )
    assert [file.name for file in table.store.list("")] == ["annotations__meta/table.json"]


def test_the_same_table_is_matched_and_not_written_again(table):
    table.make_or_match(("dt",), None)
    before = list(table.store.list(""))
    Table(table.uri).make_or_match(("dt",), None)
    assert list(table.store.list("")) == before


def test_derived_keys_have_names_of_their_own(table):
    table.make_or_match((), "month")
    assert table.record().partition_keys == ("review_month",)
    table.make_or_match((), "month")


@pytest.mark.parametrize(
    ("keys", "by"), [(("dt",), None), ((), "day"), ((), None), (("month", "year"), None)]
)
def test_a_table_of_other_keys_is_refused(table, keys, by):
    table.make_or_match(("year", "month"), None)
    with pytest.raises(TableError, match="partition keys year/month, expected"):
        table.make_or_match(keys, by)


def test_an_archives_own_key_is_not_taken_for_the_derived_one(table):
    table.make_or_match(("review_month",), None)
    with pytest.raises(TableError, match="partition keys review_month"):
        table.make_or_match((), "month")


def test_a_table_of_another_contract_version_is_refused(table):
    table.make_or_match((), None)
    newer = table.record().model_copy(update={"contract_version": 9})
    put(table, table.layout.table_record, newer.encode())
    with pytest.raises(
        TableError, match="found contract version 9, expected 1; use the reviewmine that wrote it"
    ):
        table.make_or_match((), None)


@pytest.mark.parametrize("body", [b"", b'{"format": "iceberg"}', b"[]"])
def test_a_record_that_cannot_be_read_is_refused_with_its_place(table, body):
    put(table, table.layout.table_record, body)
    with pytest.raises(
        TableError, match=rf"{table.location.parent.uri}/annotations__meta/table\.json: not a"
    ):
        table.make_or_match((), None)


def test_foreign_files_are_refused(table):
    table.make_or_match(("dt",), None)
    put(table, f"annotations/dt=1/{LIVE}")
    table.make_or_match(("dt",), None)
    put(table, "annotations/dt=1/part-0.parquet")
    with pytest.raises(
        TableError, match=r"found 1 files that reviewmine did not write, such as .*part-0\.parquet"
    ):
        table.make_or_match(("dt",), None)


def test_files_without_a_record_are_refused_and_left_as_they_are(table):
    put(table, f"annotations/dt=1/{LIVE}")
    with pytest.raises(TableError, match=r"found files but no annotations__meta/table\.json"):
        table.make_or_match(("dt",), None)
    assert table.record() is None


def test_a_folder_marker_is_no_foreign_file(s3_uri):
    table = Table(f"{s3_uri}/annotations")
    put(table, "annotations/", b"")
    table.make_or_match(("dt",), None)
    table.make_or_match(("dt",), None)


def test_neighbours_of_the_table_are_no_files_of_it(table):
    put(table, "annotations-of-others/a.parquet")
    put(table, "annotations.txt")
    table.make_or_match(("dt",), None)
    assert table.live_sizes() == {}


def test_a_place_that_cannot_be_written_is_a_table_error(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(TableError, match=r"file/annotations: the table cannot be written: .*"):
        Table(str(tmp_path / "file" / "annotations")).make_or_match((), None)


def test_a_bucket_that_is_not_there_says_so(s3_uri):
    with pytest.raises(StoreError, match="there is no such bucket; make it, or correct the URI"):
        Table("s3://nowhere-at-all/annotations").make_or_match((), None)


@pytest.mark.parametrize("key", ["language", "Product_ID", "rating"])
def test_a_key_that_is_a_column_too_is_refused_because_readers_choke_on_it(table, key):
    with pytest.raises(TableError, match=f"partition key '{key}' is a column of the annotations too"):
        table.make_or_match(("dt", key), None, carried=["rating"])
    assert table.record() is None


def test_pyarrow_does_choke_on_a_key_that_is_a_column_too(tmp_path):
    for language in ("en", "de"):
        (tmp_path / f"language={language}").mkdir()
        pq.write_table(pa.table({"language": [language]}), tmp_path / f"language={language}" / "a.parquet")
    with pytest.raises(pa.ArrowTypeError):
        pq.read_table(tmp_path)


@pytest.mark.parametrize(
    ("archive", "table"),
    [
        ("reviews", "reviews"),
        ("reviews", "reviews/annotations"),
        ("reviews/archive", "reviews"),
        ("reviews__meta/parts", "reviews"),
        ("reviews__meta", "reviews"),
        ("reviews/a.parquet", "reviews"),
    ],
)
@pytest.mark.parametrize("root", ["/srv", "s3://bucket"])
def test_a_table_and_an_archive_that_lie_within_each_other_are_refused(root, archive, table):
    with pytest.raises(UsageError, match="lie within each other; expected two places apart"):
        Table(f"{root}/{table}").refuse_overlap(Location.parse(f"{root}/{archive}"))


@pytest.mark.parametrize("archive", ["reviews", "annotations2", "reviews/annotations", "annotation"])
def test_a_table_and_an_archive_side_by_side_are_fine(archive):
    for root in ("/srv/x", "s3://bucket/x"):
        Table(f"{root}/annotations").refuse_overlap(Location.parse(f"{root}/{archive}"))


def test_a_table_reached_by_a_link_into_the_archive_is_refused(tmp_path):
    (tmp_path / "archive" / "inner").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "archive" / "inner")
    with pytest.raises(UsageError, match="lie within each other"):
        Table(str(tmp_path / "link" / "annotations")).refuse_overlap(Location.parse(tmp_path / "archive"))


def test_a_table_at_the_top_or_with_credentials_in_its_uri_is_refused():
    with pytest.raises(UsageError, match="expected a path below the top"):
        Table("s3://bucket")
    with pytest.raises(ConfigError, match="credentials are read from the environment only"):
        Table("s3://key:secret@bucket/annotations")


class Between(WrappedStore):
    """Has something else done after each put, as by another run in that moment."""

    def __init__(self, store: Store, other: Callable[[], None]) -> None:
        super().__init__(store)
        self._other = other

    def _operate(self, operation: str, *arguments: Any) -> Any:
        answer = super()._operate(operation, *arguments)
        if operation == "put":
            self._other()
        return answer


def test_of_two_runs_that_probe_at_the_same_moment_neither_takes_the_store_for_a_lesser_one(s3_uri, caplog):
    first, second = Table(f"{s3_uri}/annotations"), Table(f"{s3_uri}/annotations")
    first.store = Between(first.store, lambda: second.make_or_match(("dt",), None))
    first.make_or_match(("dt",), None)
    assert (first.store.compare_and_swap, second.store.compare_and_swap) == (True, True)
    assert caplog.text == ""
    assert [file.name for file in second.store.list("")] == ["annotations__meta/table.json"]


class OtherEtags(WrappedStore):
    """Shows etags that are not those its conditions go by, as behind a proxy that compresses."""

    def get(self, name: str) -> Stored | None:
        stored = super().get(name)
        return stored and replace(stored, etag=f"W/{stored.etag}")


def test_a_store_that_refuses_what_its_own_etags_allow_is_told_with_what_to_do(s3_uri):
    table = Table(f"{s3_uri}/annotations")
    table.store = OtherEtags(table.store)
    with pytest.raises(TableError, match=r"refused a put under the etag .*W/.* go past it$"):
        table.make_or_match(("dt",), None)
    assert [file.name for file in table.store.list("") if "scratch" in file.name] == []


def test_a_pickled_table_carries_no_key(s3_uri):
    table = Table(f"{s3_uri}/annotations")
    table.make_or_match((), None)
    pickled = pickle.dumps(table)
    assert b"of-the-tests" not in pickled
    assert pickle.loads(pickled).record() == table.record()
