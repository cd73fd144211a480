import io

import matplotlib.image
import numpy as np
import pytest

from reviewmine.train.coordinates import coordinates_png
from reviewmine.train.search import SearchSettings
from reviewmine.train.trials import Trial

SPACE = {
    "tuning.targets": [["query", "value"], ["query"]],
    "loop.learning_rate": {"low": 1e-4, "high": 1e-2, "log": True},
    "loop.epochs": {"low": 1, "high": 3},
    "dropout": [True],
}
SEARCH = SearchSettings.model_validate({"metric": "polarity_macro_f1", "trials": 5, "space": SPACE})
ORANGE = np.array([0xC2, 0x50, 0x2E]) / 255


def trial(number: int, value: float | None) -> Trial:
    values = {
        "tuning.targets": ["query"],
        "loop.learning_rate": 10.0 ** -(2 + number / 4),
        "loop.epochs": 1 + number % 3,
        "dropout": True,
    }
    return Trial(id=f"t{number}", values=values, state="failed" if value is None else "done", value=value)


def drawn(trials: list[Trial]) -> np.ndarray:
    png = coordinates_png(trials, SEARCH, title="$a_b$: five trials")
    return np.asarray(matplotlib.image.imread(io.BytesIO(png)))[..., :3]


def is_orange(picture: np.ndarray) -> np.ndarray:
    return np.abs(picture - ORANGE).max(axis=-1) < 0.02


@pytest.mark.parametrize("values", [[0.5, 0.6, None, 0.9], [0.5], [0.5, 0.5]])
def test_the_best_trial_is_a_line_from_the_first_axis_to_the_metric(values: list[float | None]) -> None:
    picture = drawn([trial(number, value) for number, value in enumerate(values)])
    columns = np.flatnonzero(is_orange(picture).any(axis=0))
    width = picture.shape[1]
    assert columns.min() < 0.15 * width
    assert columns.max() > 0.85 * width


def test_where_no_trial_came_to_anything_there_is_a_picture_without_a_best_one() -> None:
    assert not is_orange(drawn([trial(0, None), trial(1, None)])).any()
