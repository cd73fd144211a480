"""Two whole runs in processes of their own, on a store with compare-and-swap: one generation, and never a lost one."""

from collections import Counter

import pytest
from running_backfill import HARSH, IMPATIENT, WAITING
from two_runs import PAUSES, TwoRuns

NUM_ROUNDS = 20
NUM_NAPS = len(PAUSES)


@pytest.fixture
def two_runs(tmp_path, s3_uri) -> TwoRuns:
    return TwoRuns(tmp_path, f"{s3_uri}/table")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("patience", "num_rounds", "outcomes"),
    [
        (IMPATIENT, NUM_ROUNDS, {"one said who holds it", "both done, one generation"}),
        (WAITING, NUM_ROUNDS // 4, {"both done, one generation"}),
        (HARSH, NUM_ROUNDS // 2, {"one lost its lease", "both done, one generation"}),
    ],
    ids=["impatient", "waiting", "harsh"],
)
def test_of_two_that_begin_together_each_partition_is_published_once_and_nothing_is_lost(
    two_runs, patience, num_rounds, outcomes
):
    found = Counter()
    for _ in range(num_rounds):
        round_ = two_runs.race(patience)
        assert round_.broken == ""
        assert set(round_.num_published) == {1}
        found[round_.outcome] += 1
    assert found.total() == num_rounds
    assert found.keys() <= outcomes


@pytest.mark.slow
def test_one_that_sleeps_past_its_lease_and_wakes_publishes_nothing(two_runs):
    found = Counter()
    for seed in range(NUM_NAPS):
        round_ = two_runs.sleep(seed)
        if round_ is not None:
            assert round_.broken == "", PAUSES[seed % len(PAUSES)]
        found[round_ and round_.outcome] += 1
    assert found[None] <= NUM_NAPS / 2
