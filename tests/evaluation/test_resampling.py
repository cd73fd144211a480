import numpy as np
import pytest
from sklearn.metrics import f1_score

from reviewmine.evaluation.resampling import RESAMPLES, macro_f1, macro_f1_interval, middle, resampled_sums


def test_the_interval_of_macro_f1_is_that_of_resampled_rows() -> None:
    rng = np.random.default_rng(0)
    truth = rng.choice(3, size=600, p=[0.2, 0.1, 0.7])
    found = np.where(rng.random(600) < 0.7, truth, rng.choice(3, size=600))
    confusion = np.zeros((3, 3), np.int64)
    np.add.at(confusion, (truth, found), 1)
    resampled = [rng.integers(600, size=600) for _ in range(300)]
    drawn = [f1_score(truth[rows], found[rows], average="macro") for rows in resampled]
    assert macro_f1_interval(confusion) == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.012)
    hits = np.eye(3)[truth] * (truth == found)[:, None]
    columns = np.hstack([hits, np.eye(3)[truth], np.eye(3)[found]]).astype(np.float32)
    sums = resampled_sums(columns)
    by_rows = middle(macro_f1(sums[:, :3], sums[:, 3:6], sums[:, 6:]))
    assert by_rows == pytest.approx(macro_f1_interval(confusion), abs=0.005)


def test_classes_that_no_row_has_stay_out_of_the_interval() -> None:
    assert macro_f1_interval(np.array([[5, 0, 0], [0, 0, 0], [0, 0, 9]])) == (1.0, 1.0)


def test_sums_are_over_as_many_rows_as_there_are_and_the_same_for_every_column() -> None:
    values = np.arange(20, dtype=np.float32)
    sums = resampled_sums(np.stack([np.ones(20, np.float32), values, -values], axis=1), seed=1)
    assert sums.shape == (RESAMPLES, 3)
    assert (sums[:, 0] == 20).all()
    assert (sums[:, 1] == -sums[:, 2]).all()
    assert sums[:, 1].mean() / 20 == pytest.approx(values.mean(), abs=0.1)
    assert sums[:, 1].std() / 20 == pytest.approx(values.std() / 20**0.5, rel=0.06)
