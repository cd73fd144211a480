"""Kill -9 of a training worker, then of the driver, then the same command: the run ends as if nothing had been."""

import pytest
from training_kills import train_through


@pytest.mark.slow
def test_a_run_whose_worker_and_then_driver_are_killed_ends_as_an_undisturbed_one_does(tmp_path):
    undisturbed = train_through((), tmp_path / "undisturbed", seed=7)
    assert undisturbed.first_steps == (0,)
    killed = train_through(("worker", "driver"), tmp_path / "killed", seed=7)
    assert len(killed.first_steps) == 3
    assert all(step > 0 for step in killed.first_steps[1:])
    assert killed.macro_f1 == pytest.approx(undisturbed.macro_f1, abs=1e-6)
    assert killed.intensity_mae == pytest.approx(undisturbed.intensity_mae, abs=1e-6)
