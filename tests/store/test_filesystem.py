"""What every store promises, on a local disk, in an S3-compatible bucket and in memory; and locations."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from reviewmine.errors import ConfigError, PreconditionFailed, StoreError, UsageError
from reviewmine.store.filesystem import Location, Store


class TestEveryStore:
    def test_what_was_put_is_got(self, store: Store):
        store.put("a/b.json", b"one")
        assert store.get("a/b.json").body == b"one"

    def test_a_put_replaces_what_stood_there(self, store: Store):
        store.put("a", b"one")
        store.put("a", b"two!")
        assert store.get("a").body == b"two!"
        assert store.stat("a").num_bytes == 4

    def test_what_is_not_there_is_none(self, store: Store):
        assert store.get("a/b") is None
        assert store.stat("a/b") is None
        with pytest.raises(FileNotFoundError):
            store.open("a/b")

    def test_a_folder_is_no_object(self, store: Store):
        store.put("a.parquet/b", b"one")
        assert store.stat("a.parquet") is None

    def test_an_object_is_opened_for_reading_anywhere_in_it(self, store: Store):
        store.put("a", b"0123456789")
        with store.open("a") as file:
            assert file.size() == 10
            file.seek(4)
            assert file.read(3) == b"456"

    def test_the_etag_changes_with_the_bytes(self, store: Store):
        store.put("a", b"one")
        before = store.stat("a")
        assert store.stat("a") == before
        store.put("a", b"other")
        assert store.stat("a").etag != before.etag

    def test_an_object_is_made_only_where_there_is_none(self, store: Store):
        store.put_if("a/b", b"one", None)
        with pytest.raises(PreconditionFailed):
            store.put_if("a/b", b"two", None)
        assert store.get("a/b").body == b"one"

    def test_an_object_is_replaced_only_by_who_knows_its_etag(self, store: Store):
        first = store.put_if("a", b"one", None)
        assert store.get("a").etag == first
        second = store.put_if("a", b"two", first)
        with pytest.raises(PreconditionFailed):
            store.put_if("a", b"three", first)
        assert (store.get("a").body, store.get("a").etag) == (b"two", second)

    def test_an_object_that_is_gone_is_not_replaced(self, store: Store):
        etag = store.put_if("a", b"one", None)
        store.delete("a")
        with pytest.raises(PreconditionFailed):
            store.put_if("a", b"two", etag)
        assert store.get("a") is None

    def test_of_many_who_race_to_put_one_wins(self, swapping_store: Store):
        def put(number: int) -> str | None:
            try:
                return swapping_store.put_if("a", b"%d" % number, etag)
            except PreconditionFailed:
                return None

        with ThreadPoolExecutor(8) as threads:
            for etag in (None, swapping_store.put_if("b", b"x", None)):
                if etag:
                    swapping_store.put("a", b"x")
                    etag = swapping_store.get("a").etag
                winners = [won for won in threads.map(put, range(8)) if won]
                assert winners == [swapping_store.get("a").etag]

    def test_a_copy_is_whole_and_its_own(self, store: Store):
        store.put("a", b"one")
        store.put("c/d", b"what stood there")
        store.copy("a", "c/d")
        store.put("a", b"two")
        assert store.get("c/d").body == b"one"

    def test_what_is_not_there_cannot_be_copied(self, store: Store):
        with pytest.raises(StoreError, match="a"):
            store.copy("a", "b")
        assert store.get("b") is None

    def test_what_is_deleted_is_gone_and_deleting_it_again_is_no_error(self, store: Store):
        store.put("a/b", b"one")
        store.delete("a/b")
        store.delete("a/b")
        store.delete("never/was")
        assert store.get("a/b") is None

    def test_a_folder_is_listed_in_order_of_name_with_all_that_is_below_it(self, store: Store):
        names = ["a/b.json", "a/b/c", "a/b2", "a/z", "ab/c", "a-b", "b"]
        for name in names:
            store.put(name, name.encode())
        assert [(file.name, file.num_bytes) for file in store.list("a")] == [
            ("a/b.json", 8),
            ("a/b/c", 5),
            ("a/b2", 4),
            ("a/z", 3),
        ]
        assert [file.name for file in store.list("")] == sorted(names)
        assert list(store.list("nothing")) == []

    def test_a_listing_and_a_look_at_an_object_agree(self, store: Store):
        store.put("a/b", b"one")
        assert list(store.list("a")) == [store.stat("a/b")]

    @pytest.mark.parametrize(
        "name", ["brand=A%2FB%20C/x", "city=Zürich/ö", "q=a b+c&d,e'(1)[2]{3}!/x", "#?/%"]
    )
    def test_names_are_taken_as_they_are(self, store: Store, name: str):
        store.put(name, b"one")
        store.put_if(name, b"two", store.get(name).etag)
        store.copy(name, f"{name}.copy")
        with store.open(f"{name}.copy") as file:
            assert file.read() == b"two"
        assert [file.name for file in store.list("")] == [name, f"{name}.copy"]
        store.delete(name)
        assert store.stat(name) is None

    def test_an_empty_object_is_an_object(self, store: Store):
        store.put("a", b"")
        assert store.get("a").body == b""
        assert store.stat("a").num_bytes == 0


@pytest.mark.parametrize(
    ("uri", "scheme", "path"),
    [
        ("/srv/reviews", "file", "/srv/reviews"),
        ("/srv/reviews/", "file", "/srv/reviews"),
        ("/srv/../srv/./reviews", "file", "/srv/reviews"),
        ("/srv/what?#1", "file", "/srv/what?#1"),
        ("/srv/a:b", "file", "/srv/a:b"),
        ("file:///srv/my%20reviews", "file", "/srv/my reviews"),
        ("s3://bucket", "s3", "bucket"),
        ("s3://bucket/", "s3", "bucket"),
        ("s3://bucket/a/b/", "s3", "bucket/a/b"),
        ("s3://bucket/a#1/b?c", "s3", "bucket/a#1/b?c"),
        ("s3://bucket/dt=2024%2F01", "s3", "bucket/dt=2024%2F01"),
    ],
)
def test_a_uri_names_a_place(uri, scheme, path):
    assert Location.parse(uri) == Location(scheme, path)


def test_a_relative_path_is_taken_from_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Location.parse("reviews").path == str(tmp_path / "reviews")
    assert Location.parse(".").path == str(tmp_path)
    assert Location.parse(tmp_path / "x") == Location("file", str(tmp_path / "x"))


def test_a_location_parses_back_from_its_uri():
    for uri in ("/srv/reviews", "s3://bucket/a#1/b"):
        assert Location.parse(uri).uri == uri


@pytest.mark.parametrize(
    "uri", ["gs://bucket/a", "https://host/a", "s3:///a", "file://host/a", "s3a://bucket/a"]
)
def test_a_uri_of_another_scheme_is_refused_with_what_is_expected(uri):
    with pytest.raises(UsageError, match="expected a local path or s3://bucket/prefix"):
        Location.parse(uri)


def test_a_uri_with_credentials_is_refused_without_showing_them():
    with pytest.raises(ConfigError) as refused:
        Location.parse("s3://key:sec/ret@bucket/a")
    assert "sec" not in str(refused.value).replace("AWS_SECRET_ACCESS_KEY", "")


def test_the_top_of_a_disk_or_a_bucket_has_no_parent():
    for top in ("/srv", "s3://bucket"):
        with pytest.raises(
            UsageError, match=f"{top}: expected a path below the top, such as {top}/annotations"
        ):
            _ = Location.parse(top).parent
    assert Location.parse("s3://bucket/a").parent.uri == "s3://bucket"


@pytest.mark.parametrize("root", ["/srv/runs", "s3://bucket/runs", "s3://bucket"])
def test_a_place_below_another_is_named_by_what_it_is_called_there(root: str):
    below = Location.parse(root) / "mine"
    assert below == Location.parse(f"{root.rstrip('/')}/mine")
    assert below.parent == Location.parse(root)


def test_a_place_holds_itself_and_what_lies_below_it():
    for root in ("/srv", "s3://srv"):
        place = Location.parse(f"{root}/a")
        assert place.holds(place)
        assert place.holds(Location.parse(f"{root}/a/b/c"))
        assert not place.holds(Location.parse(f"{root}/ab"))
        assert not place.holds(Location.parse(root + "/x/a"))
    assert not Location.parse("/srv").holds(Location.parse("s3://srv/a"))


def test_a_link_into_a_place_is_held_by_it(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "a" / "b")
    assert Location.parse(tmp_path / "a").holds(Location.parse(tmp_path / "link"))
