"""The fault proxy before a server of this process: what a client meets, what the store holds then, what is counted."""

import http.client
import json
import logging
import pickle
import urllib.request
from collections.abc import Iterator

import pytest
from fault_proxy import FaultProxy
from faults import ANSWERS, FAULTS, Rule

from reviewmine.errors import PreconditionFailed, StoreError, StoreUnavailable
from reviewmine.store.retrying import RetryingStore
from reviewmine.store.s3 import S3Store


@pytest.fixture
def proxy(s3_server: str) -> Iterator[FaultProxy]:
    with FaultProxy(s3_server) as running:
        yield running


@pytest.fixture
def store(proxy: FaultProxy, s3_uri: str, monkeypatch: pytest.MonkeyPatch) -> S3Store:
    """A store that is reached through the proxy."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
    return S3Store(s3_uri.removeprefix("s3://"))


def named(store: S3Store, name: str) -> str:
    return f"{store.root.removeprefix('s3://')}/{name}"


def test_without_rules_a_store_is_as_it_is_without_a_proxy(store):
    etag = store.put_if("a/ö +", b"one", None)
    with pytest.raises(PreconditionFailed):
        store.put_if("a/ö +", b"two", None)
    store.copy("a/ö +", "b")
    with store.open("b") as file:
        assert file.read() == b"one"
    assert store.get("a/ö +").etag == etag
    assert [file.name for file in store.list("")] == ["a/ö +", "b"]
    store.delete("b")
    assert store.stat("b") is None


@pytest.mark.parametrize("fault", ["slow_down", "internal_error", "reset", "cut_request", "lost_reply"])
@pytest.mark.parametrize("operation", ["PUT", "COPY", "LIST", "HEAD", "GET", "DELETE"])
def test_a_client_that_tries_again_overcomes_a_fault_that_passes(proxy, store, fault, operation):
    proxy.follow([Rule(fault=fault, operation=operation, times=3)])
    patient = RetryingStore(store, sleep=lambda _: None)
    patient.put("a", b"one")
    patient.copy("a", "b")
    assert [file.name for file in patient.list("")] == ["a", "b"]
    assert patient.stat("b").num_bytes == 3
    assert patient.get("b").body == b"one"
    patient.delete("a")
    assert [file.name for file in patient.list("")] == ["b"]
    assert [struck.operation for struck in proxy.struck] == [operation] * 3


@pytest.mark.parametrize("fault", ["slow_down", "internal_error", "forbidden", "reset"])
def test_a_request_that_is_refused_or_reset_never_reaches_the_store(proxy, store, fault):
    proxy.follow([Rule(fault=fault, operation="PUT")])
    with pytest.raises(StoreError):
        store.put("a", b"one")
    assert store.get("a") is None


def test_a_put_whose_reply_is_lost_is_stored(proxy, store):
    proxy.follow([Rule(fault="lost_reply", operation="PUT", times=1)])
    with pytest.raises(StoreUnavailable):
        store.put("a", b"one")
    assert store.get("a").body == b"one"


def test_a_conditional_put_whose_reply_is_lost_is_known_by_its_body(proxy, store):
    proxy.follow([Rule(fault="lost_reply", operation="PUT", times=1)])
    etag = RetryingStore(store, sleep=lambda _: None).put_if("a", b"one", None)
    assert (store.get("a").etag, len(proxy.struck)) == (etag, 1)


def test_a_reply_that_is_cut_is_not_taken_for_a_short_object(proxy, store):
    store.put("a", b"0123456789" * 1000)
    proxy.follow([Rule(fault="cut_reply", operation="GET", times=1)])
    with pytest.raises(StoreUnavailable, match="broke off"):
        store.get("a")
    proxy.follow([Rule(fault="cut_reply", operation="GET", times=1)])
    with store.open("a") as file:
        assert file.read() == b"0123456789" * 1000  # pyarrow tries again by itself
    assert len(proxy.struck) == 1


@pytest.mark.parametrize(
    ("fault", "advice"),
    [
        ("forbidden", "this identity may not; check its policy"),
        ("expired", "the session has expired; renew the credentials"),
        ("clock_skew", "this machine's clock is off; set it"),
    ],
)
def test_a_refusal_is_told_with_what_to_do_about_it(proxy, store, fault, advice):
    proxy.follow([Rule(fault=fault)])
    with pytest.raises(StoreError, match=advice):
        RetryingStore(store, sleep=pytest.fail).get("a")


def test_a_delay_changes_nothing_but_the_time(proxy, store):
    proxy.follow([Rule(fault="delay", seconds=0.01)])
    store.put("a", b"one")
    assert (store.get("a").body, len(proxy.struck)) == (b"one", 2)


def test_a_stale_listing_shows_what_was_and_a_look_at_an_object_what_is(proxy, store):
    store.put("kept", b"one")
    store.put("gone", b"one")
    store.delete("gone")
    store.put("new=1/ö", b"one")
    proxy.follow([Rule(fault="stale_list", behind=2)])
    assert [(file.name, file.num_bytes) for file in store.list("")] == [("gone", 3), ("kept", 3)]
    assert list(store.list("new=1")) == []
    assert (store.get("gone"), store.get("new=1/ö").body) == (None, b"one")
    proxy.follow([])
    assert [file.name for file in store.list("")] == ["kept", "new=1/ö"]


def test_requests_and_bytes_are_counted_below_a_prefix_and_by_operation(proxy, store):
    store.put("archive/a", b"12345")
    store.put("table/a", b"123")
    store.get("archive/a")
    store.get("archive/a")
    list(store.list("archive"))
    archive = named(store, "archive/")
    assert proxy.traffic.under(archive, {"GET"}).down_bytes == 10
    assert proxy.traffic.under(archive, {"PUT"}).up_bytes >= 5
    told = json.load(urllib.request.urlopen(f"{proxy.endpoint}/_proxy/traffic?prefix={archive}"))
    assert {operation: counts["num_requests"] for operation, counts in told.items()} == {
        "GET": 2, "LIST": 1, "PUT": 1,
    }  # fmt: skip


def test_the_end_of_an_object_is_counted_apart_as_a_parquet_footer_is(proxy, store):
    store.put("a", b"0123456789")
    with store.open("a") as file:
        assert (file.read_at(4, 2), file.read_at(4, 6)) == (b"2345", b"6789")
    counted = {operation: proxy.traffic.under(named(store, ""), {operation}) for operation in ("GET", "TAIL")}
    assert {operation: counts.down_bytes for operation, counts in counted.items()} == {"GET": 4, "TAIL": 4}


def test_a_store_that_is_away_is_a_bad_gateway(proxy, store, monkeypatch):
    with FaultProxy("http://127.0.0.1:9") as lonely:
        monkeypatch.setenv("AWS_ENDPOINT_URL", lonely.endpoint)
        with pytest.raises(StoreUnavailable, match="502"):
            store.get("a")


def test_a_body_in_chunks_is_put_together(proxy, s3_uri):
    connection = http.client.HTTPConnection(proxy.endpoint.removeprefix("http://"))
    path = f"/{s3_uri.removeprefix('s3://')}/a"
    connection.request("PUT", path, body=iter([b"one", b"two"]), encode_chunked=True,
                       headers={"Transfer-Encoding": "chunked", "Authorization": "AWS a:b"})  # fmt: skip
    assert connection.getresponse().status == 200
    connection.close()
    assert S3Store(s3_uri.removeprefix("s3://")).get("a").body == b"onetwo"


@pytest.mark.parametrize("upstream", ["https://s3.amazonaws.com", "127.0.0.1:80"])
def test_only_a_plain_address_can_be_stood_before(upstream):
    with pytest.raises(ValueError, match="expected http://HOST:PORT"):
        FaultProxy(upstream)


@pytest.mark.object_store
def test_signatures_stay_valid_through_the_proxy_and_half_a_put_leaves_no_object(
    object_store_uri, object_store, monkeypatch
):
    with FaultProxy(object_store["AWS_ENDPOINT_URL"]) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        store = S3Store(object_store_uri.removeprefix("s3://"))
        store.put("a", b"one")
        store.copy("a", "b")
        with store.open("b") as file:
            assert file.read() == b"one"
        assert [file.name for file in store.list("")] == ["a", "b"]
        proxy.follow([Rule(fault="cut_request", operation="PUT", times=1)])
        with pytest.raises(StoreUnavailable):
            store.put("half", b"0123456789" * 1000)
        assert store.get("half") is None
        assert pickle.loads(pickle.dumps(store)).get("b").body == b"one"


def test_every_fault_has_its_place():
    assert len(set(FAULTS)) == len(FAULTS)
    assert set(ANSWERS) < set(FAULTS)


logging.getLogger("werkzeug").setLevel(logging.ERROR)
