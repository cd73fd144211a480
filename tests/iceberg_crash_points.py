"""The enumerator for Iceberg tables: a publish stopped at every mutation, and a zombie that wakes after another run."""

from collections.abc import Callable

from crash_points import Enumerated, outcome
from iceberg_world import IcebergWorld, attempt, ids
from partition_world import DAY, FIRST, LAYOUT, SECOND, Archive, run_id, write
from stores import Crash, PausingStore, StoppingStore, Writer

from reviewmine.errors import StoreUnavailable
from reviewmine.store.filesystem import Store
from reviewmine.store.manifest import Manifest
from reviewmine.store.retrying import RetryingStore


def publish(world: IcebergWorld, archive: Archive, number: int, store: Store | None = None) -> Manifest:
    """One run, whole."""
    store = store or world.store()
    return write(store, archive, number, live=world.live(store))


def steps(world: IcebergWorld, archive: Archive = SECOND) -> list[str]:
    """The mutations of one undisturbed run, the commit among them."""
    world.reset()
    counted = StoppingStore(world.store())
    publish(world, archive, 2, counted)
    world.reset()
    return counted.log


def stopped_everywhere(
    world: IcebergWorld, how: str, is_wanted: Callable[[int], bool] = lambda at: True
) -> Enumerated:
    """A run is stopped at each of its mutations that is wanted, the commit among them; the next run must mend it.

    A store that gave no answer is asked again; a catalog is not, for what it was asked may yet be done.
    """
    enumerated = Enumerated(steps(world))
    log = enumerated.operations
    at_commit = log.index("commit")
    assert log.count("commit") == 1
    for at, step in [(at, step) for at, step in enumerate(log) if is_wanted(at)]:
        world.reset()
        stopping = StoppingStore(world.store(), at=at, how=how)
        store = RetryingStore(stopping, sleep=lambda _: None)
        live = world.live(stopping)
        ended = attempt(lambda store=store, live=live: write(store, SECOND, 2, live=live))
        expected = Crash if how != "lost" else StoreUnavailable if at == at_commit else type(None)
        assert isinstance(ended, expected), step
        enumerated.outcomes[type(ended).__name__, "mended"] += 1
        is_committed = at > at_commit or (at == at_commit and how != "before")
        seen = SECOND if is_committed or ended is None else FIRST
        assert world.review_ids() == ids(seen), step
        publish(world, SECOND, 3)
        world.judge(SECOND)
        if is_committed:
            assert world.generations()[-1] == f"{run_id(2)}-2", step
    return enumerated


def overtaken_everywhere(
    world: IcebergWorld, zombies: Archive, others: Archive, *, every: int = 1
) -> Enumerated:
    """The other run may find its generation live and commit nothing: the zombie is shut out all the same.

    It sleeps before each `every`-th operation, and around the commit; before the lease it is no zombie yet.
    """
    log = operations(world, zombies)
    enumerated = Enumerated(log)
    lease_at, commit_at = log.index(f"put_if {LAYOUT.lease(DAY)}"), log.index("commit")
    around = {lease_at, lease_at + 1, commit_at - 1, commit_at, commit_at + 1}
    for at in sorted(around | set(range(0, len(log), every))):
        world.reset()
        store = PausingStore(world.store(), at=at)
        zombie = Writer(store, lambda s: write(s, zombies, 2, live=world.live(s)))
        zombie.to_pause()
        publish(world, others, 3)
        assert world.review_ids() == ids(others), log[at]
        zombie.to_end()
        enumerated.outcomes[(outcome(zombie),)] += 1
        assert world.review_ids() == ids(zombies if at <= lease_at else others), log[at]
        publish(world, others, 4)
        assert world.review_ids() == ids(others), log[at]
    return enumerated


def operations(world: IcebergWorld, archive: Archive) -> list[str]:
    """The operations of one undisturbed run, reads and the commit among them."""
    world.reset()
    counted = PausingStore(world.store(), at=None)
    publish(world, archive, 2, counted)
    world.reset()
    return counted.log
