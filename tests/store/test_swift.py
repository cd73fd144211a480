"""The S3 store against OpenStack Swift: signatures that are verified, and conditional puts that are not to be had."""

import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from crash_points import Enumerated, operations, outcome, starts_in, stopped_everywhere
from partition_world import FIRST, SECOND, Archive, broken_promise, judge, write
from stores import MemoryStore, PausingStore, Writer

from reviewmine.errors import PreconditionFailed, StoreError, StoreUnavailable
from reviewmine.store.filesystem import Store
from reviewmine.store.retrying import RetryingStore
from reviewmine.store.s3 import S3Store
from reviewmine.store.s3_client import client
from reviewmine.store.table import Table

pytestmark = pytest.mark.object_store

OPERATIONS: dict[str, Callable[[Store], object]] = {
    "get": lambda store: store.get("a"),
    "open": lambda store: store.open("a"),
    "stat": lambda store: store.stat("a"),
    "put": lambda store: store.put("a", b"two"),
    "put_if": lambda store: store.put_if("b", b"two", None),
    "copy": lambda store: store.copy("a", "b"),
    "delete": lambda store: store.delete("a"),
    "list": lambda store: list(store.list("")),
}
WRITING = ("put", "put_if", "copy", "delete")


@pytest.fixture
def store(object_store_uri: str) -> S3Store:
    made = S3Store(object_store_uri.removeprefix("s3://"))
    made.put("a", b"one")
    return made


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_wrong_secret_is_refused_at_once_with_the_variable_to_check(
    operation, store, object_store, monkeypatch
):
    # Connections are shared by address: another name of the same address is a process that begins with this secret.
    monkeypatch.setenv("AWS_ENDPOINT_URL", object_store["AWS_ENDPOINT_URL"].replace("127.0.0.1", "localhost"))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-that-secret")
    with pytest.raises(StoreError, match=r"check .*AWS_SECRET_ACCESS_KEY") as refused:
        OPERATIONS[operation](RetryingStore(store, sleep=pytest.fail))
    assert not isinstance(refused.value, StoreUnavailable)
    assert "not-that-secret" not in str(refused.value)


def test_an_unknown_key_is_refused_with_the_variable_to_check(store, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "reviewmine:nobody")
    with pytest.raises(StoreError, match=r"check .*AWS_ACCESS_KEY_ID"):
        RetryingStore(store, sleep=pytest.fail).get("a")


def test_who_may_only_read_reads_and_is_told_that_writing_is_refused(object_store_uri, monkeypatch):
    bucket = f"read-only-{uuid.uuid4().hex}"
    client().create_bucket(Bucket=bucket, ACL="public-read")
    store = S3Store(f"{bucket}/prefix")
    store.put("a", b"one")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "reviewmine:reader")
    for operation in set(OPERATIONS) - set(WRITING):
        OPERATIONS[operation](store)
    for operation in WRITING:
        with pytest.raises(StoreError, match=r"AccessDenied .* this identity may not"):
            OPERATIONS[operation](RetryingStore(store, sleep=pytest.fail))
    with store.open("a") as file:
        assert file.read() == b"one"


def test_a_bucket_that_is_not_there_is_an_error_that_says_so(object_store_uri):
    absent = RetryingStore(S3Store("nowhere-at-all/prefix"), sleep=pytest.fail)
    for operation in ("get", "put", "list"):
        with pytest.raises(StoreError, match=r"s3://nowhere-at-all/prefix/a?: .* NoSuchBucket .* make it"):
            OPERATIONS[operation](absent)


def test_a_listing_of_many_pages_is_whole(store):
    names = [f"many/{number:03}" for number in range(230)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda name: store.put(name, b"x"), names))
    assert [file.name for file in store.list("many")] == names


def test_that_there_are_no_conditional_puts_is_found_out_by_the_first_that_names_an_etag(store, caplog):
    first = store.put_if("b", b"one", None)
    with pytest.raises(PreconditionFailed):
        store.put_if("b", b"two", '"another"')
    assert not store.compare_and_swap
    assert "only one writer at a time is safe" in caplog.text
    store.put_if("b", b"two", first)
    assert store.get("b").body == b"two"


def test_a_table_finds_out_before_anything_is_published(object_store_uri):
    table = Table(f"{object_store_uri}/table")
    table.make_or_match(("dt",), None)
    assert not table.store.compare_and_swap
    assert [file.name for file in table.store.list("")] == ["table__meta/table.json"]


def test_a_run_stopped_after_any_operation_leaves_nothing_that_the_next_run_does_not_mend(object_store_uri):
    """A first publish and an overwrite, side by side; to be stopped before an operation is to be after the last one."""

    def enumerate_from(archive_before: Archive, how: str) -> Enumerated:
        place = f"{object_store_uri}/{how}-{len(archive_before)}"
        return stopped_everywhere(probed(starts_in(place, objects_of(archive_before))), how)

    with ThreadPoolExecutor(4) as threads:
        enumerated = list(
            threads.map(enumerate_from, ({}, FIRST, {}, FIRST), ("after", "after", "lost", "lost"))
        )
    assert all(found.num_cases == len(found.operations) > 10 for found in enumerated)


def test_a_writer_that_another_overtook_looks_at_its_lease_and_puts_nothing_more(object_store_uri):
    """The promise without compare-and-swap: one writer at a time, and a late one is held back by its look.

    One that slept between its look and its put carries out that one operation, and the next run mends what it did.
    """
    start = probed(starts_in(object_store_uri, objects_of(FIRST)))
    outcomes: Counter[str] = Counter()
    for at in range(3, len(operations(start())), 8):
        store = start()
        late = Writer(PausingStore(store, at=at), lambda s: write(s, SECOND, 2))
        late.to_pause()
        write(store, SECOND, 3)
        late.to_end()
        outcomes[outcome(late)] += 1
        write(store, SECOND, 4)
        judge(store, SECOND)
        assert broken_promise(store) is None
    assert outcomes["lost"] > 0
    assert set(outcomes) <= {"lost", "done"}


def objects_of(archive: Archive) -> dict[str, bytes]:
    """What a store holds in which `archive` is live."""
    store = MemoryStore()
    if archive:
        write(store, archive, 1)
    return store.objects


def probed(start: Callable[[], Store]) -> Callable[[], Store]:
    """Stores that were found to have no conditional puts, as every table finds out first."""

    def start_without() -> Store:
        store = start()
        store.deny_compare_and_swap()
        return store

    return start_without
