"""The S3 store against a real HTTP server: what it makes of refusals, and what it never carries along."""

import pickle

import pytest
from s3_server import has_no_conditional_puts, serving

from reviewmine.errors import PreconditionFailed, StoreError, StoreUnavailable
from reviewmine.store.filesystem import Location
from reviewmine.store.opening import open_store
from reviewmine.store.retrying import RetryingStore
from reviewmine.store.s3 import S3Store

KEY_ID, SECRET = "key-of-the-tests", "secret-of-the-tests"


@pytest.fixture
def store(s3_uri: str) -> S3Store:
    return S3Store(s3_uri.removeprefix("s3://"))


def test_an_s3_uri_opens_a_store_that_retries(s3_uri):
    store = open_store(Location.parse(s3_uri))
    assert isinstance(store, RetryingStore)
    assert (store.root, store.compare_and_swap) == (s3_uri, True)


def test_objects_lie_below_the_prefix_of_the_store(store):
    store.put("a/b", b"one")
    beside = S3Store(f"{store.root.removeprefix('s3://')}/a")
    assert beside.get("b").body == b"one"
    assert [file.name for file in beside.list("")] == ["b"]


def test_a_pickled_store_works_and_carries_no_key(store, s3_uri):
    store.put("a", b"one")
    with store.open("a") as file:
        file.read()
    for original in (store, open_store(Location.parse(s3_uri))):
        pickled = pickle.dumps(original)
        assert KEY_ID.encode() not in pickled
        assert SECRET.encode() not in pickled
        assert pickle.loads(pickled).get("a").body == b"one"


def test_a_bucket_that_is_not_there_is_an_error_that_says_so(s3_uri):
    absent = S3Store("nowhere-at-all/prefix")
    with pytest.raises(
        StoreError, match=r"s3://nowhere-at-all/prefix/a: put_object: NoSuchBucket .* make it"
    ):
        absent.put("a", b"one")
    with pytest.raises(StoreError, match="NoSuchBucket"):
        absent.get("a")
    with pytest.raises(StoreError, match="NoSuchBucket"):
        list(absent.list(""))


def test_a_bucket_of_an_impossible_name_is_not_tried_again(s3_uri):
    with pytest.raises(StoreError, match="Invalid bucket name") as refused:
        S3Store("No Bucket!/prefix").get("a")
    assert not isinstance(refused.value, StoreUnavailable)


def test_without_credentials_the_variables_to_set_are_named(store, monkeypatch, tmp_path):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(StoreError, match="no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"):
        store.get("a")


def test_a_server_that_does_not_answer_is_unavailable(store, monkeypatch):
    with serving() as gone:
        pass
    monkeypatch.setenv("AWS_ENDPOINT_URL", gone)
    with pytest.raises(StoreUnavailable):
        store.get("a")
    with pytest.raises(StoreUnavailable):
        list(store.list(""))


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (503, "SlowDown"),
        (500, "InternalError"),
        (429, "TooManyRequests"),
        (409, "ConditionalRequestConflict"),
    ],
)
def test_a_server_that_is_too_busy_is_tried_again(store, monkeypatch, status, code):
    answers = [(status, code), (status, code)]
    with serving(lambda environ: answers.pop() if answers else None) as busy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", busy)
        waits = []
        etag = RetryingStore(store, sleep=waits.append).put_if("a", b"one", None)
        assert (store.get("a").etag, len(waits)) == (etag, 2)


@pytest.mark.parametrize(
    ("code", "advice"),
    [("AccessDenied", "check its policy"), ("SignatureDoesNotMatch", "check AWS_SECRET_ACCESS_KEY")],
)
def test_a_refusal_is_not_tried_again_and_says_what_to_check(store, monkeypatch, code, advice):
    with serving(lambda environ: (403, code)) as strict:
        monkeypatch.setenv("AWS_ENDPOINT_URL", strict)
        with pytest.raises(StoreError, match=advice):
            RetryingStore(store, num_tries=2, sleep=pytest.fail).put("a", b"one")


def test_a_store_without_conditional_puts_is_found_out_by_the_first_one(store, monkeypatch, caplog):
    with serving(has_no_conditional_puts) as plain:
        monkeypatch.setenv("AWS_ENDPOINT_URL", plain)
        first = store.put_if("a", b"one", None)
        assert not store.compare_and_swap
        assert "only one writer at a time is safe" in caplog.text
        with pytest.raises(PreconditionFailed):
            store.put_if("a", b"two", None)
        with pytest.raises(PreconditionFailed):
            store.put_if("a", b"two", '"another"')
        assert store.get("a").body == b"one"
        store.put_if("a", b"two", first)
        assert store.get("a").body == b"two"


def test_a_store_can_be_declared_to_have_no_conditional_puts(monkeypatch, s3_uri):
    monkeypatch.setenv("REVIEWMINE_COMPARE_AND_SWAP", "0")
    declared = S3Store(s3_uri.removeprefix("s3://"))
    assert not declared.compare_and_swap
    assert not RetryingStore(declared).compare_and_swap
    etag = declared.put_if("a", b"one", None)
    with pytest.raises(PreconditionFailed, match=f"found etag {etag}, expected None"):
        declared.put_if("a", b"two", None)


def test_that_a_store_has_no_conditional_puts_is_known_to_its_copies(monkeypatch, s3_uri):
    monkeypatch.setenv("REVIEWMINE_COMPARE_AND_SWAP", "0")
    pickled = pickle.dumps(S3Store(s3_uri.removeprefix("s3://")))
    monkeypatch.delenv("REVIEWMINE_COMPARE_AND_SWAP")
    assert not pickle.loads(pickled).compare_and_swap
