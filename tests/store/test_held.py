"""A held partition: what is given up when its holder ends, and what a dead one leaves to the next."""

import pytest
from partition_world import DAY, FIRST, LAYOUT, SECOND, judge, run_id, silent, write
from stores import Crash, MemoryStore, StoppingStore

from reviewmine.errors import LeaseLost, StoreError
from reviewmine.store.held import HeldPartition
from reviewmine.store.lease import LeaseRecord
from reviewmine.store.live import HiveLive
from reviewmine.store.manifest import Pointer, get_pointer, live_manifest


@pytest.fixture
def store() -> MemoryStore:
    published = MemoryStore()
    write(published, FIRST, 1)
    return published


def held(store: MemoryStore, number: int = 2) -> HeldPartition:
    return HeldPartition(store, LAYOUT, HiveLive(store, LAYOUT), DAY, run_id(number), silent())


def holder(store: MemoryStore) -> str | None:
    return LeaseRecord.decode(store.get(LAYOUT.lease(DAY)).body, where="lease").holder


def test_holding_fences_the_pointer_and_leaves_its_generation(store):
    before, _ = get_pointer(store, LAYOUT, DAY)
    with held(store) as partition:
        fenced, _ = get_pointer(store, LAYOUT, DAY)
        assert fenced == Pointer(generation=before.generation, fence=partition.fence)
        assert partition.fence > before.fence
        assert partition.live_manifest() == live_manifest(store, LAYOUT, DAY)
    judge(store, FIRST)


@pytest.mark.parametrize("ending", [StoreError, KeyError, KeyboardInterrupt, SystemExit])
def test_a_holder_that_ends_in_order_gives_the_partition_up(store, ending):
    def end() -> None:
        with held(store):
            assert holder(store)
            raise ending

    with pytest.raises(ending):
        end()
    assert holder(store) is None


@pytest.mark.parametrize("ending", [StoreError, KeyboardInterrupt])
def test_a_holder_that_ends_while_it_recovers_gives_the_partition_up_too(store, ending):
    class Ending(MemoryStore):
        def list(self, prefix):
            raise ending

    with pytest.raises(ending):
        held(Ending(objects=store.objects)).__enter__()
    ended = Ending(objects=store.objects)
    with pytest.raises(ending):
        held(ended).__enter__()
    assert holder(ended) is None


def test_a_holder_that_dies_leaves_its_lease_to_its_ttl(store):
    with pytest.raises(Crash), held(store):
        raise Crash
    assert holder(store)
    with held(store, 3) as partition:
        assert partition.fence == 3


def test_a_writer_with_a_higher_fence_is_never_fenced_off_by_a_lower_one(store):
    pointer, _ = get_pointer(store, LAYOUT, DAY)

    class Overtaken(StoppingStore):
        """Another fences the pointer as soon as this one has the lease."""

        def _operate(self, operation, *arguments):
            answer = super()._operate(operation, *arguments)
            if operation == "put_if" and "/leases/" in arguments[0]:
                store.put(LAYOUT.pointer(DAY), pointer.model_copy(update={"fence": 99}).encode())
            return answer

    with pytest.raises(LeaseLost, match="a later run fenced off run 20240101T000000-00000002"):
        held(Overtaken(store)).__enter__()
    assert get_pointer(store, LAYOUT, DAY)[0].fence == 99


def test_a_stray_of_a_higher_fence_is_left_to_its_writer_and_one_of_a_lower_is_swept(store):
    folder = LAYOUT.live_folder(DAY)
    higher, lower = (f"{folder}/{run_id(9)}-{fence}-00000.parquet" for fence in (50, 0))
    below = f"{folder}/hour=1/{run_id(9)}-0-00000.parquet"
    for name in (higher, lower, below):
        store.put(name, b"x")
    write(store, SECOND, 2)
    assert store.get(higher)
    assert store.get(below)
    assert store.get(lower) is None
