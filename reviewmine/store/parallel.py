"""Questions to a store asked side by side: the time goes into waiting for it."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_NUM_THREADS = 16  # they wait for the store, not for the processor
Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


def in_parallel(ask: Callable[[Asked], Answer], about: Sequence[Asked]) -> list[Answer]:
    """The answers of `ask`, which waits for a store, about each of `about`, in their order."""
    with ThreadPoolExecutor(_NUM_THREADS) as threads:
        return list(threads.map(ask, about))
