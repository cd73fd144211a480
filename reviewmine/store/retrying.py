"""Retries over a store, and the one subtlety of them: a conditional put whose reply was lost.

Every body that the protocol puts conditionally is unique (it names its writer), so a put that fails its condition
while exactly our body is stored is a put that took place before.
"""

import random
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from reviewmine.errors import PreconditionFailed, StoreUnavailable
from reviewmine.store.filesystem import Listed, Store, Stored

Answer = TypeVar("Answer")


class RetryingStore:
    """A store that tries each operation up to `num_tries` times, with exponential backoff and full jitter."""

    def __init__(
        self,
        store: Store,
        *,
        num_tries: int = 6,
        first_wait_s: float = 0.2,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = store
        self._num_tries = num_tries
        self._first_wait_s = first_wait_s
        self._sleep = sleep

    @property
    def root(self) -> str:
        return self._store.root

    @property
    def compare_and_swap(self) -> bool:
        return self._store.compare_and_swap

    def deny_compare_and_swap(self) -> None:
        self._store.deny_compare_and_swap()

    def get(self, name: str) -> Stored | None:
        return self._try(lambda: self._store.get(name))

    def open(self, name: str) -> Any:
        return self._try(lambda: self._store.open(name))

    def stat(self, name: str) -> Listed | None:
        return self._try(lambda: self._store.stat(name))

    def put(self, name: str, body: bytes) -> None:
        self._try(lambda: self._store.put(name, body))

    def put_if(self, name: str, body: bytes, etag: str | None) -> str:
        try:
            return self._try(lambda: self._store.put_if(name, body, etag))
        except PreconditionFailed:
            current = self.get(name)
            if current is not None and current.body == body:
                return current.etag
            raise

    def copy(self, source: str, target: str) -> None:
        self._try(lambda: self._store.copy(source, target))

    def delete(self, name: str) -> None:
        self._try(lambda: self._store.delete(name))

    def list(self, prefix: str) -> Iterator[Listed]:
        yield from self._try(lambda: list(self._store.list(prefix)))

    def _try(self, operation: Callable[[], Answer]) -> Answer:
        for attempt in range(1, self._num_tries):
            try:
                return operation()
            except StoreUnavailable:
                self._sleep(random.uniform(0, self._first_wait_s * 2**attempt))
        return operation()
