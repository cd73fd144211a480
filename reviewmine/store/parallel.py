"""In parallel: one question about many objects, asked in threads that wait for a store."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_NUM_THREADS = 16  # they wait for the store, not for the processor
_BETWEEN_BEATS = 64
_MOST_AT_ONCE = 64  # a thread is asked about several: with 100,000 objects a future for each is dear
Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


def in_parallel(
    ask: Callable[[Asked], Answer], about: Sequence[Asked], *, num_threads: int = _NUM_THREADS
) -> list[Answer]:
    """The answers of `ask`, which waits for a store, about each of `about`, in their order."""
    at_once = max(1, min(_MOST_AT_ONCE, len(about) // (4 * num_threads)))
    chunks = [about[first : first + at_once] for first in range(0, len(about), at_once)]
    with ThreadPoolExecutor(num_threads) as threads:
        answered = threads.map(lambda chunk: [ask(one) for one in chunk], chunks)
        return [answer for answers in answered for answer in answers]


def in_parallel_under_lease(
    ask: Callable[[Asked], Answer], about: Sequence[Asked], *, keep: Callable[[], object]
) -> list[Answer]:
    """The same for whoever holds a lease, whose `keep` is called again and again meanwhile."""
    answers = []
    for first in range(0, len(about), _BETWEEN_BEATS):
        keep()
        answers += in_parallel(ask, about[first : first + _BETWEEN_BEATS])
    return answers
