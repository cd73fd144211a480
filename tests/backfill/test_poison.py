"""Poison: the rows that kill are failed, exactly those, and nothing else is lost with them."""

from collections import Counter

import pytest
from archives import reviews
from backfill_world import EXPECTED, FIRST, SECOND, World

from reviewmine.backfill.poison import NUM_PIECES, isolate
from reviewmine.backfill.work import Outcome, Task
from reviewmine.errors import EXIT_DONE, ReviewmineError
from reviewmine.store.fragment import Fragment

FRAGMENT = Fragment(path="a.parquet", etag="x", first_row=100, num_rows=1000)


class Model:
    """Dies of some rows, unless they are known to fail; counts its rounds and its deaths."""

    def __init__(self, *deadly: int) -> None:
        self.deadly = set(deadly)
        self.num_rounds = self.num_deaths = self.num_probes = 0

    def execute(self, tasks):
        self.num_rounds += 1
        for task in tasks:
            assert task.probe
            self.num_probes += 1
            dies = any(row in self.deadly - set(task.failed_rows) for row in range(*task.span))
            self.num_deaths += dies
            yield Outcome(kind="poisoned" if dies else "probed", task=task)


@pytest.mark.parametrize("deadly", [(100,), (1099,), (555,), (100, 101, 1099), tuple(range(300, 340)), ()])
def test_the_rows_that_kill_are_named_and_no_others(deadly):
    (task,) = isolate(Model(*deadly).execute, [Task(fragment=FRAGMENT)])
    assert task == Task(fragment=FRAGMENT, failed_rows=deadly)


def test_a_round_cuts_a_range_into_many_pieces_because_deaths_cost_more_than_probes():
    model = Model(555)
    isolate(model.execute, [Task(fragment=FRAGMENT)])
    assert (model.num_rounds, model.num_deaths) == (3, 3)
    assert model.num_probes <= 3 * NUM_PIECES


def test_several_fragments_are_searched_in_the_same_rounds():
    other = FRAGMENT.model_copy(update={"path": "b.parquet"})
    model = Model(555)
    found = isolate(model.execute, [Task(fragment=FRAGMENT), Task(fragment=other)])
    assert [task.failed_rows for task in found] == [(555,), (555,)]
    assert model.num_rounds == 3


def test_a_fragment_of_one_row_needs_no_probe():
    single = FRAGMENT.model_copy(update={"num_rows": 1})
    assert isolate(Model().execute, [Task(fragment=single)]) == [Task(fragment=single, failed_rows=(100,))]


def test_rows_that_are_known_to_fail_stay_known():
    model = Model(555, 777)
    (task,) = isolate(model.execute, [Task(fragment=FRAGMENT, failed_rows=(555,))])
    assert task.failed_rows == (555, 777)


@pytest.mark.parametrize("poison", [{"a1"}, {"b1"}, {"a2"}, {"a1", "c1"}, {"a1", "a2", "b1", "c1"}])
def test_exactly_the_rows_that_kill_are_failed(world, poison):
    summary = world.run(poison=poison)
    world.judge(EXPECTED)
    by_id = Counter()
    for partition, ids in EXPECTED.items():
        by_id.update((partition, review in poison) for review in ids)
    num_failed = sum(count for (_, is_poison), count in by_id.items() if is_poison)
    assert summary.rows_by_status.get("failed", 0) == num_failed
    assert (summary.state, summary.exit_code) == ("done", EXIT_DONE)


def test_a_failed_row_is_the_one_that_kills_and_no_neighbour(world):
    world.run(poison={"a2"})
    assert world.statuses() == {
        (f"{FIRST}/a.parquet", 0): "empty",
        (f"{FIRST}/a.parquet", 1): "failed",
        (f"{FIRST}/a.parquet", 2): "failed",
        (f"{FIRST}/b.parquet", 0): "empty",
        (f"{SECOND}/c.parquet", 0): "empty",
        (f"{SECOND}/c.parquet", 1): "empty",
    }


def test_one_row_among_thousands_is_found_in_few_rounds(tmp_path):
    ids = [f"r{number}" for number in range(5000)]
    world = World(tmp_path).write({"a.parquet": reviews(ids)})
    summary = world.run(poison={"r3217"})
    assert summary.rows_by_status == {"empty": 4999, "failed": 1}
    assert world.statuses()["a.parquet", 3217] == "failed"
    assert len(world.executor.outcomes) < 150


def test_a_worker_that_died_of_something_else_leaves_no_row_failed(world):
    summary = world.run(unlucky={f"{FIRST}/a.parquet"})
    world.judge(EXPECTED)
    assert summary.rows_by_status == {"empty": 6}


def test_rows_that_kill_only_together_are_named_and_the_rest_is_published(world):
    run = world.prepare()
    executor = world.executor
    outcome_of = executor._outcome

    def cursed(task):
        whole = task.fragment.path.endswith("c.parquet") and not task.probe
        return Outcome(kind="poisoned", task=task) if whole else outcome_of(task)

    executor._outcome = cursed
    with pytest.raises(
        ReviewmineError, match=r"c\.parquet rows 0 to 2: workers keep dying on these rows together"
    ):
        run.run()
    world.judge({FIRST: EXPECTED[FIRST]})
    assert world.records()[-1].state == "failed"
