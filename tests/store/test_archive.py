"""Archives: which files count, what a footer tells, and that rows are read exactly or not at all."""

import io
import os
import pickle
import random
import re
from pathlib import Path

import pyarrow as pa
import pytest
from archives import corrupt, reviews, truncate, write_files
from s3_server import Environ, serving

from reviewmine.errors import ArchiveError, ArchiveUnsettled, StoreError
from reviewmine.store.archive import Archive
from reviewmine.store.filesystem import Location
from reviewmine.store.fragment import Fragment, cut
from reviewmine.store.opening import open_store

IDS = [f"r{number}" for number in range(10)]


def names(archive: Archive) -> list[str]:
    return [file.name for file in archive.files()]


def everything(schema: pa.Schema) -> list[str]:
    return list(schema.names)


def fragment_of(archive: Archive, path: str, first_row: int, num_rows: int) -> Fragment:
    etag = next(file.etag for file in archive.files() if file.name == path)
    return Fragment(path=path, etag=etag, first_row=first_row, num_rows=num_rows)


@pytest.fixture(params=["local", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path):
    """Puts a folder of files where an archive may live, and says under what URI."""

    def put(root: Path) -> str:
        if request.param == "local":
            return str(root)
        uri = request.getfixturevalue("s3_uri")
        store = open_store(Location.parse(uri))
        for path in sorted(root.rglob("*")):
            if path.is_file():
                store.put(path.relative_to(root).as_posix(), path.read_bytes())
        return uri

    return put


class TestEveryPlace:
    def test_nested_hive_folders_are_listed_in_order(self, place, tmp_path):
        files = ["year=2024/month=1/b.parquet", "year=2023/month=12/a.parquet", "year=2024/month=1/a.parquet"]
        archive = Archive(place(write_files(tmp_path, dict.fromkeys(files, reviews(IDS)))))
        assert names(archive) == sorted(files)
        assert not archive.is_single_file

    def test_a_flat_folder_is_an_archive(self, place, tmp_path):
        archive = Archive(place(write_files(tmp_path, {"b.parquet": reviews(IDS), "a.pq": reviews(IDS)})))
        assert names(archive) == ["a.pq", "b.parquet"]

    def test_a_single_file_is_an_archive(self, place, tmp_path):
        uri = place(write_files(tmp_path, {"a.parquet": reviews(IDS), "b.parquet": reviews(["other"])}))
        archive = Archive(f"{uri}/a.parquet")
        assert archive.is_single_file
        assert names(archive) == ["a.parquet"]
        assert archive.read(fragment_of(archive, "a.parquet", 0, 10), everything).num_rows == 10

    def test_a_folder_called_like_a_file_is_a_folder(self, place, tmp_path):
        uri = place(write_files(tmp_path, {"reviews.parquet/part-0.parquet": reviews(IDS)}))
        assert names(Archive(f"{uri}/reviews.parquet")) == ["part-0.parquet"]

    def test_hidden_names_and_other_suffixes_are_passed_over(self, place, tmp_path):
        files = [
            "dt=1/a.parquet",
            "dt=1/_b.parquet",
            "dt=1/.c.parquet",
            "_tmp/dt=1/d.parquet",
            "_key=1/e.parquet",
        ]
        write_files(tmp_path, dict.fromkeys(files[:4], reviews(IDS)))
        (tmp_path / "_SUCCESS").touch()
        (tmp_path / "dt=1" / "notes.txt").write_text("x")
        assert names(Archive(place(tmp_path))) == ["dt=1/a.parquet"]
        other = write_files(tmp_path / "other", {files[4]: reviews(IDS)})
        assert names(Archive(str(other))) == ["_key=1/e.parquet"]

    def test_names_with_escapes_are_read_as_they_are(self, place, tmp_path):
        path = "brand=A%2FB%20C/city=Zürich/a b.parquet"
        archive = Archive(place(write_files(tmp_path, {path: reviews(IDS)})))
        assert names(archive) == [path]
        assert archive.footer(path).num_rows == 10
        assert archive.read(fragment_of(archive, path, 2, 3), everything)["review_id"].to_pylist() == IDS[2:5]

    def test_a_fragment_is_read_exactly_across_row_groups(self, place, tmp_path):
        archive = Archive(place(write_files(tmp_path, {"a.parquet": reviews(IDS)}, rows_per_group=3)))
        for first in range(10):
            for end in range(first + 1, 11, 2):
                rows = archive.read(fragment_of(archive, "a.parquet", first, end - first), everything)
                assert rows["review_id"].to_pylist() == IDS[first:end]

    def test_a_place_without_parquet_files_says_what_is_expected(self, place, tmp_path):
        (tmp_path / "notes.txt").write_text("x")
        with pytest.raises(ArchiveError, match=r"found no Parquet files; expected .* ending in \.parquet"):
            Archive(place(tmp_path)).files()

    def test_a_place_that_does_not_exist_says_the_same(self, place, tmp_path):
        with pytest.raises(ArchiveError, match="nowhere: found no Parquet files"):
            Archive(f"{place(tmp_path)}/nowhere").files()
        with pytest.raises(ArchiveError, match=r"nowhere\.parquet: found no Parquet files"):
            Archive(f"{place(tmp_path)}/nowhere.parquet").files()

    def test_a_file_that_changed_since_it_was_planned_is_not_read(self, place, tmp_path):
        write_files(tmp_path, {"a.parquet": reviews(IDS)})
        archive = Archive(place(tmp_path))
        planned = fragment_of(archive, "a.parquet", 0, 10)
        archive.store.put("a.parquet", archive.store.get("a.parquet").body + b"more")
        with pytest.raises(
            ArchiveUnsettled, match=r"a\.parquet: changed while it was read: .*; rerun to plan it anew"
        ):
            archive.read(planned, everything)

    def test_a_file_that_changes_while_it_is_read_is_not_taken_for_what_it_was(self, place, tmp_path):
        archive = Archive(place(write_files(tmp_path, {"a.parquet": reviews(IDS)})))
        planned = fragment_of(archive, "a.parquet", 0, 10)

        def select_and_take_away(schema: pa.Schema) -> list[str]:
            archive.store.delete("a.parquet")
            archive.store.put("a.parquet", b"something else altogether")
            return ["review_id"]

        with pytest.raises(ArchiveUnsettled, match=r"a\.parquet: changed while it was read"):
            archive.read(planned, select_and_take_away)

    def test_a_file_that_is_gone_is_an_error_that_names_it(self, place, tmp_path):
        archive = Archive(place(write_files(tmp_path, {"a.parquet": reviews(IDS)})))
        planned = fragment_of(archive, "a.parquet", 0, 10)
        archive.store.delete("a.parquet")
        with pytest.raises(ArchiveError, match="found no file"):
            archive.read(planned, everything)
        with pytest.raises(ArchiveError, match=r"a\.parquet: cannot be read as Parquet"):
            archive.footer("a.parquet")


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(str(write_files(tmp_path / "archive", {"a.parquet": reviews(IDS)}, rows_per_group=4)))


def path_in(archive: Archive, name: str) -> Path:
    return Path(archive.location.path, name)


def test_a_bucket_that_does_not_exist_says_so(s3_uri):
    with pytest.raises(StoreError, match=r"nowhere-at-all.*there is no such bucket"):
        Archive("s3://nowhere-at-all/reviews").files()


def test_a_footer_tells_schema_and_row_groups(archive):
    footer = archive.footer("a.parquet")
    assert footer.schema.names == ["review_id", "body"]
    assert [group.num_rows for group in footer.row_groups] == [4, 4, 2]
    assert footer.num_rows == 10


def test_only_the_columns_that_are_asked_for_are_read(archive):
    rows = archive.read(fragment_of(archive, "a.parquet", 0, 10), lambda schema: ["body"])
    assert rows.column_names == ["body"]


def test_a_row_group_larger_than_a_batch_is_read_exactly(tmp_path):
    ids = [str(number) for number in range(20_000)]
    archive = Archive(str(write_files(tmp_path, {"a.parquet": reviews(ids)}, rows_per_group=15_000)))
    for first, num_rows in [(0, 20_000), (4095, 2), (4096, 4096), (14_999, 2), (19_999, 1)]:
        rows = archive.read(fragment_of(archive, "a.parquet", first, num_rows), everything)
        assert rows["review_id"].to_pylist() == ids[first : first + num_rows]


@pytest.mark.parametrize(
    ("odd", "told"), [("a.parquet", "none (a.parquet)"), ("dt=1/hour=2/a.pq", "dt/hour (dt=1/hour=2/a.pq)")]
)
def test_mixed_partition_keys_are_an_error_that_names_them(tmp_path, odd, told):
    archive = Archive(str(write_files(tmp_path, dict.fromkeys([odd, "dt=9/z.parquet"], reviews(IDS)))))
    with pytest.raises(ArchiveError, match=re.escape(f"found partition keys {told} and dt (dt=9/z.parquet)")):
        archive.files()


@pytest.mark.parametrize("body", [b"", b"PAR1", b"not Parquet at all, though long enough for a footer"])
def test_what_is_no_parquet_is_an_error_that_names_the_file(archive, body):
    path_in(archive, "a.parquet").write_bytes(body)
    with pytest.raises(ArchiveError, match=r"archive/a\.parquet: cannot be read as Parquet: \w+"):
        archive.footer("a.parquet")


def test_a_truncated_file_is_an_error_at_its_footer(archive):
    truncate(path_in(archive, "a.parquet"))
    with pytest.raises(ArchiveError, match=r"a\.parquet: cannot be read as Parquet"):
        archive.footer("a.parquet")


def test_a_file_with_corrupt_pages_is_an_error_at_its_rows(archive):
    corrupt(path_in(archive, "a.parquet"))
    archive.footer("a.parquet")
    with pytest.raises(ArchiveError, match=r"a\.parquet: cannot be read as Parquet"):
        archive.read(fragment_of(archive, "a.parquet", 0, 10), everything)


def test_a_fragment_beyond_the_end_of_its_file_is_an_error(archive):
    with pytest.raises(ArchiveError, match="found 2 rows from row 8 on, expected 5"):
        archive.read(fragment_of(archive, "a.parquet", 8, 5), everything)
    with pytest.raises(ArchiveError, match="found 0 rows from row 10 on, expected 1"):
        archive.read(fragment_of(archive, "a.parquet", 10, 1), everything)


def test_a_file_without_rows_has_a_schema_and_no_fragments(tmp_path):
    archive = Archive(str(write_files(tmp_path, {"a.parquet": reviews([])})))
    footer = archive.footer("a.parquet")
    assert footer.schema.names == ["review_id", "body"]
    assert list(cut("a.parquet", "etag", footer.row_groups)) == []


def test_a_link_that_leads_nowhere_is_a_file_that_cannot_be_read(archive):
    path_in(archive, "b.parquet").symlink_to("nowhere.parquet")
    assert names(archive) == ["a.parquet", "b.parquet"]
    with pytest.raises(ArchiveError, match=r"b\.parquet: cannot be read as Parquet"):
        archive.footer("b.parquet")


def test_a_name_that_is_not_utf8_is_refused(archive):
    odd = os.fsencode(path_in(archive, "x")) + b"\xff.parquet"
    Path(os.fsdecode(odd)).write_bytes(b"")
    with pytest.raises(ArchiveError, match="whose name is not UTF-8"):
        archive.files()


def test_an_error_of_the_caller_is_not_taken_for_an_unreadable_file(archive):
    def refuse(schema: pa.Schema) -> list[str]:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        archive.read(fragment_of(archive, "a.parquet", 0, 10), refuse)


def test_an_archive_can_be_pickled(archive):
    archive.files()
    assert names(pickle.loads(pickle.dumps(archive))) == ["a.parquet"]


def test_the_error_of_a_file_that_is_no_parquet_quotes_nothing_of_it(archive):
    path_in(archive, "a.parquet").write_text("call 415-555-0133 or write to anna@example.org\n" * 9)
    with pytest.raises(ArchiveError) as refused:
        archive.footer("a.parquet")
    assert "415" not in str(refused.value)
    assert "anna" not in str(refused.value)


def test_a_footer_tells_the_bytes_of_each_column_whatever_is_nested_in_it(tmp_path):
    bodies = [f"{number} is a fine thing" * 3 for number in range(100)]
    nested = pa.array([[{"start": 1, "end": 2}]] * 100)
    table = pa.table({"spans": nested, "review_id": [str(n) for n in range(100)], "body": bodies})
    footer = Archive(str(write_files(tmp_path, {"a.parquet": table}, rows_per_group=30))).footer("a.parquet")
    text_bytes = sum(map(len, bodies))
    assert text_bytes < footer.bytes_of("body") < 1.3 * text_bytes
    assert footer.bytes_of("spans") > 0
    assert sum(footer.column_bytes) == sum(group.num_bytes for group in footer.row_groups)
    assert footer.bytes_of("title") == 0


def test_of_a_row_group_that_is_cut_nothing_behind_the_fragment_is_read(tmp_path, monkeypatch):
    """The bodies of 30,000 rows are 6 MB that cannot be compressed."""
    chance = random.Random(0)
    table = pa.table({"review_id": IDS * 3000, "body": [chance.randbytes(200) for _ in range(30_000)]})
    archive = Archive(str(write_files(tmp_path, {"a.parquet": table}, rows_per_group=30_000)))
    opened: list[CountingFile] = []

    def open_counting(name: str) -> pa.PythonFile:
        opened.append(CountingFile(tmp_path / name))
        return pa.PythonFile(opened[-1], mode="r")

    monkeypatch.setattr(archive.store, "open", open_counting)
    for first, most_bytes in ((0, 3.6e6), (20_000, 6.5e6)):
        rows = archive.read(fragment_of(archive, "a.parquet", first, 10_000), everything)
        assert rows["body"].to_pylist() == table["body"].to_pylist()[first : first + 10_000]
        assert opened[-1].num_bytes < most_bytes


class CountingFile(io.FileIO):
    """A file that counts the bytes that are read of it."""

    num_bytes = 0

    def read(self, size: int = -1) -> bytes:
        found = super().read(size)
        self.num_bytes += len(found)
        return found


def test_a_file_that_the_store_does_not_give_is_not_called_unreadable(tmp_path, s3_uri, monkeypatch):
    archive = Archive(s3_uri)
    files = write_files(tmp_path, {"a.parquet": reviews(IDS)})
    archive.store.put("a.parquet", (files / "a.parquet").read_bytes())
    planned = fragment_of(archive, "a.parquet", 0, 10)

    def refuse_bytes(environ: Environ) -> tuple[int, str] | None:
        return (403, "AccessDenied") if environ["REQUEST_METHOD"] == "GET" else None

    with serving(refuse_bytes) as strict:
        monkeypatch.setenv("AWS_ENDPOINT_URL", strict)
        away = Archive(s3_uri)
        for read in (lambda: away.read(planned, everything), lambda: away.footer("a.parquet")):
            with pytest.raises(ArchiveUnsettled, match=r"a\.parquet: the store did not give it: .*; rerun"):
                read()
