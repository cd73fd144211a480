"""Footers kept between runs: for the very etag, for one archive, and never a reason to fail."""

from pathlib import Path

import pyarrow as pa
import pytest
from archives import reviews, write_files

from reviewmine.store.archive import Archive
from reviewmine.store.footers import FooterCache


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    files = {"a.parquet": reviews(["1", "2", "3"]), "b.parquet": reviews(["4"], stars=[5])}
    return Archive(str(write_files(tmp_path / "archive", files, rows_per_group=2)))


def cache_of(archive: Archive, tmp_path: Path) -> FooterCache:
    return FooterCache(tmp_path / "cache", archive.location.uri, least_files=1)


def footers_of(archive: Archive):
    return {file.name: archive.footer(file.name) for file in archive.files()}


def test_what_is_kept_is_found_again_as_it_was(archive, tmp_path):
    footers = footers_of(archive)
    cache_of(archive, tmp_path).save(archive.files(), footers)
    found = cache_of(archive, tmp_path).load(archive.files())
    assert found == footers
    assert found["b.parquet"].schema.names == ["review_id", "body", "stars"]
    assert [group.num_rows for group in found["a.parquet"].row_groups] == [2, 1]


def test_the_footers_of_few_files_are_not_worth_keeping(archive, tmp_path):
    cache = FooterCache(tmp_path / "cache", archive.location.uri)
    cache.save(archive.files(), footers_of(archive))
    assert cache.load(archive.files()) == {}
    assert not (tmp_path / "cache").exists()


def test_a_footer_of_another_etag_is_none(archive, tmp_path):
    cache_of(archive, tmp_path).save(archive.files(), footers_of(archive))
    write_files(Path(archive.location.path), {"a.parquet": reviews(["1"])})
    assert set(cache_of(archive, tmp_path).load(archive.files())) == {"b.parquet"}


def test_another_archive_has_a_cache_of_its_own(archive, tmp_path):
    cache_of(archive, tmp_path).save(archive.files(), footers_of(archive))
    assert (
        FooterCache(tmp_path / "cache", "s3://elsewhere/reviews", least_files=1).load(archive.files()) == {}
    )


@pytest.mark.parametrize("spoilt", [b"", b"PAR1 not a footer PAR1"])
def test_a_cache_that_cannot_be_read_is_read_anew(archive, tmp_path, spoilt, caplog):
    cache_of(archive, tmp_path).save(archive.files(), footers_of(archive))
    (file,) = (tmp_path / "cache").iterdir()
    file.write_bytes(spoilt)
    assert cache_of(archive, tmp_path).load(archive.files()) == {}
    assert "are read anew" in caplog.text


def test_a_cache_that_cannot_be_written_is_done_without(archive, tmp_path):
    (tmp_path / "cache").write_bytes(b"a file where the folder should be")
    cache_of(archive, tmp_path).save(archive.files(), footers_of(archive))
    assert (tmp_path / "cache").is_file()


def test_schemas_that_are_alike_are_one_when_they_are_read_back(archive, tmp_path):
    schema = pa.schema([("review_id", pa.string()), ("body", pa.string())])
    write_files(Path(archive.location.path), {"b.parquet": reviews(["4"])})
    footers = {name: type(f)(schema, f.row_groups, f.column_bytes) for name, f in footers_of(archive).items()}
    cache_of(archive, tmp_path).save(archive.files(), footers)
    found = cache_of(archive, tmp_path).load(archive.files())
    assert found["a.parquet"].schema is found["b.parquet"].schema
