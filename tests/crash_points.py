"""The enumerator: a publish stopped at every operation, and two publishes interleaved at every pair of operations.

Every case ends with one undisturbed run and the last judgement: the table is the archive, nothing lies about.
"""

import itertools
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from partition_world import SECOND, Archive, broken_promise, judge, write
from stores import Crash, MemoryStore, PausingStore, StoppingStore, Writer

from reviewmine.errors import LeaseLost
from reviewmine.store.filesystem import Location, Store
from reviewmine.store.opening import open_store
from reviewmine.store.retrying import RetryingStore

HOWS = ("before", "after", "lost")


@dataclass
class Enumerated:
    """What an enumeration went through: the operations of one undisturbed publish, and how often what came out."""

    operations: list[str]
    outcomes: Counter[tuple[str, ...]] = field(default_factory=Counter)

    @property
    def num_cases(self) -> int:
        return self.outcomes.total()


Act = Callable[[Store, int, bool], object]
"""What a run does to a store: the run's number, and whether its lease beats."""


def overwrite(store: Store, number: int, beating: bool) -> object:
    return write(store, SECOND, number, beating=beating)


def stopped_everywhere(
    start: Callable[[], Store],
    how: str,
    *,
    beating: bool = False,
    only: slice = slice(None),
    act: Act = overwrite,
    expected: Archive = SECOND,
) -> Enumerated:
    """A run over the store that `start` makes is stopped at each of its mutations; the next run must mend it.

    A run that is whole makes the table what `expected` says.

    `how` is one of HOWS; `only` chooses among the mutations. A run whose reply was lost retries, and ends well.
    """
    enumerated = Enumerated(mutations(start(), beating=beating, act=act))
    for at, operation in list(enumerate(enumerated.operations))[only]:
        store = start()
        stopping = RetryingStore(StoppingStore(store, at=at, how=how), sleep=lambda _: None)
        try:
            act(stopping, 2, beating)
        except Crash:
            assert how != "lost", operation
            assert broken_promise(store) is None, operation
            enumerated.outcomes["crashed", "mended"] += 1
        else:
            assert how == "lost", operation
            judge(store, expected)
            enumerated.outcomes["retried", "done"] += 1
        act(store, 3, beating)
        judge(store, expected)
    return enumerated


def interleaved_everywhere(
    start: MemoryStore, *, beating: bool = False, acts: tuple[Act, Act] = (overwrite, overwrite)
) -> Enumerated:
    """One writer runs to an operation (reads count); another takes over and runs to one of its own, or to its end.

    Then the first, a zombie by now, wakes and runs to its end, and then the second. After every delete and every
    put of a pointer the live manifest must name no missing file.
    """
    enumerated = Enumerated(operations(start.twin(), beating=beating, act=acts[0]))
    for first in range(len(enumerated.operations)):
        for second in itertools.chain([None], itertools.count()):
            store = start.twin()
            one, two, has_paused = interleave(store, first, second, beating=beating, acts=acts)
            if second is not None and not has_paused:
                break
            enumerated.outcomes[outcome(one), outcome(two)] += 1
            write(store, SECOND, 4, beating=beating)
            judge(store, SECOND)
    return enumerated


def interleave(
    store: MemoryStore,
    first: int,
    second: int | None,
    *,
    beating: bool = False,
    acts: tuple[Act, Act] = (overwrite, overwrite),
) -> tuple[Writer, Writer, bool]:
    """Both writers after their ends, and whether the second was paused at all."""
    broken: list[str] = []

    def look() -> None:
        promise = broken_promise(store)
        if promise:
            broken.append(promise)

    pausing = PausingStore(store, at=second, look=look)
    one = Writer(PausingStore(store, at=first, look=look), lambda s: acts[0](s, 2, beating))
    two = Writer(pausing, lambda s: acts[1](s, 3, beating))
    one.to_pause()
    two.to_pause()
    one.to_end()
    two.to_end()
    assert not broken, (first, second, broken)
    return one, two, pausing.has_paused


def starts_in(uri: str, objects: Mapping[str, bytes]) -> Callable[[], Store]:
    """Stores side by side below `uri`, each of which holds `objects`."""
    places = (f"{uri}/{number}" for number in itertools.count())

    def start() -> Store:
        store = open_store(Location.parse(next(places)))
        for name, body in objects.items():
            store.put(name, body)
        return store

    return start


def mutations(store: Store, *, beating: bool = False, act: Act = overwrite) -> list[str]:
    """The mutations of one undisturbed run."""
    counted = StoppingStore(store)
    act(counted, 2, beating)
    return counted.log


def operations(store: Store, *, beating: bool = False, act: Act = overwrite) -> list[str]:
    """The operations of one undisturbed run, reads among them."""
    counted = PausingStore(store, at=None)
    act(counted, 2, beating)
    return counted.log


def outcome(writer: Writer) -> str:
    """How a writer ended: `done`, `lost` (fenced off), or the error that it must not end with."""
    if writer.error is None:
        return "done"
    return "lost" if isinstance(writer.error, LeaseLost) else repr(writer.error)
