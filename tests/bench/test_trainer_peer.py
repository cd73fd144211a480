"""scripts/bench/trainer: that both loops train like for like; how quick either is, is not tested."""

import sys
from argparse import Namespace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tiny import make_backbone, make_reviews
from torch import nn

sys.path.append(str(Path(__file__).resolve().parents[2] / "scripts" / "bench"))

from trainer_peer import main, our_run, peer_of
from training_examples import arguments

from reviewmine.train.prepare import prepare


def words(root: Path) -> list[str]:
    """The command line of the bench for a tiny backbone and its set under `root`."""
    examples = root / "reviews.parquet"
    pq.write_table(make_reviews(60).rename_columns(["title", "body", "rating", "language"]), examples)
    backbone = str(make_backbone(root / "backbone"))
    return ["--examples", str(examples), "--backbone", backbone, "--max-tokens", "64", "--threads", "1"]


def rates(network: nn.Module) -> list[float]:
    """How much each dropout of a network leaves out."""
    return sorted(module.p for module in network.modules() if isinstance(module, nn.Dropout) and module.p)


@pytest.mark.parametrize("dropout", [False, True])
def test_both_train_with_the_same_dropout(tmp_path: Path, dropout: bool) -> None:
    given = arguments("").parse_args(words(tmp_path))
    told = Namespace(**vars(given), dropout=dropout, learning_rate=1e-4)
    ours = rates(prepare(our_run(told, 7), tmp_path).network)
    assert rates(peer_of(told)) == ours
    assert bool(ours) == dropout


def test_both_are_trained_and_told_beside_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["trainer", *words(tmp_path), "--repeats", "1", "--epochs", "1"])
    main()
    told = capsys.readouterr().out
    assert "dropout of both: none" in told
    assert "| reviewmine | " in told
    assert "| transformers Trainer | " in told
