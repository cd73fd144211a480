"""Rollback under every crash and beside every other writer: an earlier generation, byte for byte, once."""

import shutil
from pathlib import Path

import pytest
from crash_points import HOWS, interleaved_everywhere, overwrite, starts_in, stopped_everywhere
from partition_world import BEATING, DAY, FIRST, LAYOUT, SECOND, broken_promise, judge, run_id, silent, write
from stores import MemoryStore

from reviewmine.errors import PublishError, TableError
from reviewmine.store.filesystem import Store
from reviewmine.store.live import HiveLive
from reviewmine.store.local import LocalStore
from reviewmine.store.manifest import history, live_manifest
from reviewmine.store.rollback import PREVIOUS, Rollback, roll_back


def overwritten(store: Store) -> Store:
    """The first archive was live, and the second is."""
    write(store, FIRST, 0)
    write(store, SECOND, 1)
    return store


def back(store: Store, number: int = 2, *, to: str = PREVIOUS, beating: bool = False) -> Rollback:
    return roll_back(
        store,
        LAYOUT,
        HiveLive(store, LAYOUT),
        DAY,
        run_id(number),
        to=to,
        patience=BEATING if beating else silent(),
    )


def go_back(store: Store, number: int, beating: bool) -> object:
    return back(store, number, beating=beating)


def generations(store: Store) -> list[str]:
    return [kept.generation for kept in history(store, LAYOUT, DAY, live_manifest(store, LAYOUT, DAY))]


def live_bodies(store: Store) -> list[bytes]:
    return [store.get(name).body for name in live_manifest(store, LAYOUT, DAY).live_files]


@pytest.fixture
def store() -> Store:
    return overwritten(MemoryStore())


def test_the_previous_generation_is_live_again_byte_for_byte_as_a_generation_of_its_own():
    store = MemoryStore()
    first = write(store, FIRST, 0)
    bodies = live_bodies(store)
    second = write(store, SECOND, 1)
    done = back(store)
    judge(store, FIRST)
    assert live_bodies(store) == bodies
    assert (done.before, done.restored) == (second, first)
    assert (done.now.restores, done.now.previous) == (first.generation, second.generation)
    assert (done.now.inputs, done.now.ingredients, done.now.parts) == (
        first.inputs,
        first.ingredients,
        first.parts,
    )
    assert not set(done.now.live_files) & set(first.live_files)


def test_asking_for_the_previous_one_again_goes_back_no_further_and_writes_no_file(store):
    back(store)
    before = live_manifest(store, LAYOUT, DAY)
    again = back(store, 3)
    assert (again.is_done_already, again.now, live_manifest(store, LAYOUT, DAY)) == (True, before, before)
    judge(store, FIRST)


def test_what_was_rolled_back_is_brought_back_by_its_name_or_its_run(store):
    back(store)
    back(store, 3, to=run_id(1))
    judge(store, SECOND)
    assert back(store, 4, to=f"{run_id(1)}-2").is_done_already
    back(store, 5, to=f"{run_id(0)}-1")
    judge(store, FIRST)


def test_the_generation_that_is_live_is_left_as_it_is(store):
    live = live_manifest(store, LAYOUT, DAY)
    assert back(store, to=live.run_id).now == live
    judge(store, SECOND)


def test_generations_are_told_live_one_first_as_far_back_as_they_are_kept(store):
    back(store)
    assert generations(store) == [f"{run_id(2)}-3", f"{run_id(1)}-2", f"{run_id(0)}-1"]
    store.delete(LAYOUT.manifest(DAY, f"{run_id(1)}-2"))
    assert generations(store) == [f"{run_id(2)}-3"]


def test_a_generation_that_is_not_kept_is_refused_with_those_that_are(store):
    with pytest.raises(
        TableError, match=rf"generation other is not kept; found {run_id(1)}-2, {run_id(0)}-1, the"
    ):
        back(store, to="other")
    judge(store, SECOND)


def test_the_first_generation_has_none_before_it():
    store = MemoryStore()
    with pytest.raises(TableError, match="nothing was published in it yet; there is no way back"):
        back(store)
    write(store, FIRST, 0)
    with pytest.raises(
        TableError, match=rf"no generation before {run_id(0)}-2 is kept; there is no way back"
    ):
        back(store)
    judge(store, FIRST)


def test_a_generation_of_which_a_part_is_gone_is_not_restored_and_the_live_one_stays(store):
    first = list(history(store, LAYOUT, DAY, live_manifest(store, LAYOUT, DAY)))[1]
    _, of_its_own = first.parts
    store.delete(of_its_own.name)
    with pytest.raises(
        PublishError, match=rf"generation {run_id(0)}-1 cannot be restored: .*{of_its_own.name}"
    ):
        back(store)
    assert broken_promise(store) is None
    assert live_manifest(store, LAYOUT, DAY).generation == f"{run_id(1)}-2"


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("beating", [False, True], ids=["silent lease", "beating lease"])
def test_a_rollback_stopped_at_any_operation_is_mended_by_the_next_and_goes_back_once(how, beating, store):
    enumerated = stopped_everywhere(store.twin, how, beating=beating, act=go_back, expected=FIRST)
    assert enumerated.num_cases == len(enumerated.operations) > 8


@pytest.mark.parametrize("how", HOWS)
def test_a_rollback_stopped_at_any_operation_leaves_nothing_that_a_run_does_not_mend(how, store):
    """The next to come may as well be the scheduled run, which wants the second archive again."""

    def back_or_over(stopped: Store, number: int, beating: bool) -> object:
        return go_back(stopped, number, beating) if number == 2 else overwrite(stopped, number, beating)

    def back_and_over(stopped: Store, number: int, beating: bool) -> None:
        back_or_over(stopped, number, beating)
        if number == 2:
            overwrite(stopped, number, beating)

    enumerated = stopped_everywhere(store.twin, how, act=back_and_over, expected=SECOND)
    assert enumerated.num_cases > 16


@pytest.mark.parametrize("how", HOWS)
def test_the_same_holds_on_a_local_disk(how, tmp_path):
    template = tmp_path / "template"
    overwritten(local(template))
    places = (tmp_path / str(number) for number in range(1000))

    def start() -> Store:
        place = next(places)
        shutil.copytree(template, place)
        return local(place)

    assert stopped_everywhere(start, how, act=go_back, expected=FIRST).num_cases > 8


@pytest.mark.parametrize(("turn", "how"), list(enumerate(HOWS)))
def test_the_same_holds_in_an_s3_compatible_bucket_with_the_ways_to_stop_taking_turns(
    turn, how, s3_uri, store
):
    start = starts_in(s3_uri, store.objects)
    enumerated = stopped_everywhere(start, how, only=slice(turn, None, 3), act=go_back, expected=FIRST)
    assert enumerated.num_cases >= 2


@pytest.mark.parametrize("acts", [(go_back, overwrite), (overwrite, go_back), (go_back, go_back)])
def test_a_rollback_beside_another_writer_at_every_pair_of_operations_loses_nothing(acts):
    third = {"a.parquet": ["r1", "r2", "r2"], "d.parquet": ["r6"]}
    store = MemoryStore()
    write(store, FIRST, 0)
    write(store, third, 1)
    enumerated = interleaved_everywhere(store, acts=acts)
    assert set(enumerated.outcomes) <= {("done", "done"), ("lost", "done"), ("done", "lost")}
    assert enumerated.outcomes["lost", "done"] > 0


def local(root: Path) -> Store:
    return LocalStore(root, scratch=LAYOUT.scratch)
