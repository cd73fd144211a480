"""The local store: whole files or none, on one file system, and nothing passed over in silence."""

import os
from pathlib import Path

import pytest

from reviewmine.errors import StoreError
from reviewmine.store.local import LocalStore


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "root", scratch="scratch")


def test_a_store_that_was_never_written_is_empty(store):
    assert list(store.list("")) == []
    assert store.get("a") is None


def test_nothing_stays_behind_in_the_scratch_folder(store):
    store.put("a", b"one")
    store.copy("a", "b")
    etag = store.put_if("c", b"one", None)
    store.put_if("c", b"two", etag)
    with pytest.raises(StoreError):
        store.copy("nowhere", "d")
    assert [file.name for file in store.list("")] == ["a", "b", "c"]


def test_a_put_cut_off_while_it_is_written_leaves_what_stood_there(store, monkeypatch):
    store.put("a", b"one")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="a: cannot write: No space left on device"):
        store.put("a", b"two")
    assert store.get("a").body == b"one"
    assert [file.name for file in store.list("")] == ["a"]


def test_a_place_that_cannot_be_written_is_an_error_that_names_it(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    store = LocalStore(tmp_path / "file", scratch="scratch")
    with pytest.raises(StoreError, match=r"file/a: cannot write: .*; check that this user may write there"):
        store.put("a", b"one")
    with pytest.raises(StoreError, match="cannot write"):
        store.put_if("a", b"one", None)
    assert store.stat("a") is None
    assert list(store.list("")) == []


def test_a_folder_that_cannot_be_listed_is_an_error_and_not_empty(store, monkeypatch):
    store.put("a/b", b"one")
    listed = os.scandir

    def forbidden(path):
        if Path(path).name == "a":
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(os, "scandir", forbidden)
    with pytest.raises(StoreError, match="a: cannot list: Permission denied"):
        list(store.list(""))


def test_a_table_that_spans_two_file_systems_is_told_what_to_do(store, monkeypatch):
    def across(self, target):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(Path, "replace", across)
    with pytest.raises(StoreError, match="share one file system; choose a folder below the mount"):
        store.put("a", b"one")


def test_links_are_followed(store, tmp_path):
    store.put("dt=1/a", b"one")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "b").write_bytes(b"two!")
    (tmp_path / "root" / "dt=2").symlink_to(tmp_path / "elsewhere")
    assert [(file.name, file.num_bytes) for file in store.list("")] == [("dt=1/a", 3), ("dt=2/b", 4)]


def test_a_link_that_leads_nowhere_is_listed(store, tmp_path):
    store.put("a", b"one")
    (tmp_path / "root" / "b").symlink_to(tmp_path / "nowhere")
    assert [file.name for file in store.list("")] == ["a", "b"]
    assert store.get("b") is None


def test_a_folder_where_an_object_is_wanted_is_an_error(store, tmp_path):
    store.put("a/b", b"one")
    with pytest.raises(StoreError, match="a: cannot read"):
        store.get("a")
    with pytest.raises(StoreError, match="a: cannot write"):
        store.put("a", b"two")


def test_the_etag_of_a_file_changes_with_its_time_alone(store, tmp_path):
    store.put("a", b"one")
    before = store.stat("a").etag
    os.utime(tmp_path / "root" / "a", (1, 1))
    assert store.stat("a").etag != before
