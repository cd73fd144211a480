"""scripts/bench/training-pace: what it makes up and what it says, on a tiny encoder; how quick it is, is not tested."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "scripts" / "bench"))

import training_pace

TINY = ("--layers", "1", "--width", "64", "--max-tokens", "64", "--budget-tokens", "256", "--steps", "10")


def run(monkeypatch: pytest.MonkeyPatch, *options: str) -> None:
    monkeypatch.setattr(sys, "argv", ["training-pace", *options])
    training_pace.main()


def test_it_tells_the_pace_and_shares_that_are_all_of_the_time(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, *TINY)
    rows = [line.split("|")[1:-1] for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    told = {row[0].strip(): [cell.strip() for cell in row[1:]] for row in rows}
    assert float(told["as it stands"][0].replace(",", "")) > 0
    shares = [float(told[kind][0].rstrip("%")) for kind in [*training_pace.KINDS, training_pace.OTHER]]
    assert sum(shares) == pytest.approx(100, abs=1)
    assert told["products of matrices"] != ["0.0%"]


def test_made_up_reviews_fill_the_steps_and_keep_to_the_most_tokens() -> None:
    made = training_pace.made_up(12, 512, 96)
    lengths = np.array([len(some) for some in made.with_title])
    assert len(training_pace.planned(lengths, 512)) >= 12
    assert 4 <= lengths.min() < lengths.max() == 96


@pytest.mark.parametrize(
    ("options", "message"),
    [(("--width", "32"), "expected a multiple of 64"), (("--steps", "3"), "expected at least 10")],
)
def test_sizes_that_cannot_be_measured_are_refused(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: tuple[str, str],
    message: str,
) -> None:
    with pytest.raises(SystemExit):
        run(monkeypatch, *options)
    assert message in capsys.readouterr().err
