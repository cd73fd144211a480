"""Retries: how often, and what a put whose reply was lost is taken for."""

import pytest
from stores import MemoryStore, StoppingStore, WrappedStore

from reviewmine.errors import PreconditionFailed, StoreError, StoreUnavailable
from reviewmine.store.retrying import RetryingStore


class Flaky(WrappedStore):
    """Says `num_failures` times that it is away, before the operation or after it."""

    def __init__(self, store: MemoryStore, num_failures: int, *, after: bool = False) -> None:
        super().__init__(store)
        self.num_failures = num_failures
        self.num_calls = 0
        self.after = after

    def _operate(self, operation, *arguments):
        self.num_calls += 1
        fails = self.num_calls <= self.num_failures
        if fails and not self.after:
            raise StoreUnavailable("away")
        answer = super()._operate(operation, *arguments)
        if fails:
            raise StoreUnavailable("the reply was lost")
        return answer


def retrying(flaky: Flaky, waits: list[float] | None = None) -> RetryingStore:
    return RetryingStore(flaky, num_tries=4, sleep=(waits if waits is not None else []).append)


OPERATIONS = {
    "get": lambda store: store.get("a").body,
    "open": lambda store: store.open("a").read(),
    "stat": lambda store: store.stat("a").num_bytes,
    "put": lambda store: store.put("b", b"two"),
    "put_if": lambda store: store.put_if("b", b"two", None) and None,
    "copy": lambda store: store.copy("a", "b"),
    "delete": lambda store: store.delete("a"),
    "list": lambda store: [file.name for file in store.list("")],
}


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_every_operation_is_tried_again_and_ends_as_if_nothing_had_been(name, after):
    smooth, rough = MemoryStore(), MemoryStore()
    smooth.put("a", b"one")
    rough.put("a", b"one")
    operate = OPERATIONS[name]
    assert operate(retrying(Flaky(rough, 3, after=after))) == operate(smooth)
    assert rough.objects == smooth.objects


def test_a_store_that_stays_away_is_given_up_after_its_tries_and_growing_waits():
    flaky, waits = Flaky(MemoryStore(), 99), []
    with pytest.raises(StoreUnavailable):
        retrying(flaky, waits).get("a")
    assert flaky.num_calls == 4
    assert [0 <= wait <= limit for wait, limit in zip(waits, (0.4, 0.8, 1.6), strict=True)] == [True] * 3


def test_an_error_that_a_retry_does_not_mend_is_raised_at_once():
    class Strict(Flaky):
        def _operate(self, operation, *arguments):
            self.num_calls += 1
            raise StoreError("no")

    strict = Strict(MemoryStore(), 0)
    with pytest.raises(StoreError, match="no"):
        retrying(strict).put("a", b"one")
    assert strict.num_calls == 1


def test_a_conditional_put_whose_reply_was_lost_took_place():
    inner = MemoryStore()
    store = RetryingStore(StoppingStore(inner, at=0, how="lost"), sleep=lambda _: None)
    etag = store.put_if("a", b"one, by run 1", None)
    assert etag == inner.get("a").etag
    assert store.put_if("a", b"two, by run 1", etag)


def test_a_conditional_put_that_another_won_meanwhile_did_not_take_place():
    inner = MemoryStore()

    class Overtaken(StoppingStore):
        def _operate(self, operation, *arguments):
            try:
                return super()._operate(operation, *arguments)
            except StoreUnavailable:
                inner.put("a", b"by run 2")
                raise

    store = RetryingStore(Overtaken(inner, at=0, how="lost"), sleep=lambda _: None)
    with pytest.raises(PreconditionFailed):
        store.put_if("a", b"by run 1", None)
    assert inner.get("a").body == b"by run 2"


def test_a_store_knows_its_root_and_whether_it_swaps():
    for swaps in (True, False):
        store = RetryingStore(MemoryStore(compare_and_swap=swaps))
        assert (store.root, store.compare_and_swap) == ("memory", swaps)
