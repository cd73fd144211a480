import json
from pathlib import Path

import pytest
from tiny import make_backbone, write_reviews

from reviewmine.config import load_run_file
from reviewmine.errors import ConfigError
from reviewmine.evaluation.answers import evaluate
from reviewmine.examples.sets import read_set
from reviewmine.model.checkpoint import load_checkpoint
from reviewmine.train.card import record
from reviewmine.train.reporter import AloneReporter
from reviewmine.train.run import TrainingRun, finish, train_worker

RUN_FILE = Path(__file__).resolve().parents[2] / "jobs" / "runs" / "builtin.toml"


def a_run(backbone: Path) -> TrainingRun:
    return TrainingRun.model_validate(
        {
            "name": "tiny-en",
            "max_tokens": 64,
            "backbone": {"name": str(backbone)},
            "adapter": {"rank": 8},
            "loop": {"epochs": 5, "budget_tokens": 512, "learning_rate": 1e-2, "head_learning_rate": 1e-2},
            "examples": {
                "validation_share": 0.2,
                "sets": [
                    {
                        "name": "own",
                        "path": "reviews.parquet",
                        "licence": "CC0",
                        "natural": True,
                        "columns": {"body": "text", "title": "title", "rating": "stars", "language": "lang"},
                    }
                ],
            },
        }
    )


def test_a_run_ends_in_a_checkpoint_that_reads_reviews_it_never_saw(tmp_path: Path) -> None:
    run, root = a_run(make_backbone(tmp_path / "backbone")), write_reviews(tmp_path / "sets", 300)
    reporter = AloneReporter(lambda line: None)
    train_worker(run, root, reporter, scratch=tmp_path / "scratch")
    assert reporter.checkpoint is not None
    digest = finish(run, root, trained=reporter.checkpoint, directory=tmp_path / "checkpoint")
    checkpoint = load_checkpoint(tmp_path / "checkpoint", expected_digest=digest)
    unseen = read_set(run.examples.sets[0], write_reviews(tmp_path / "unseen", 100, seed=9))
    metrics = evaluate(checkpoint, unseen)
    assert metrics["polarity"]["macro_f1"] > 0.8
    assert metrics["intensity"]["spearman"] > 0.6
    told = json.loads((tmp_path / "checkpoint" / "metrics.json").read_text())
    assert told["checkpoint"] == digest
    assert told["validation"]["polarity"]["rows"] > 20
    record(tmp_path / "checkpoint", "unseen", metrics)
    card = (tmp_path / "checkpoint" / "MODEL_CARD.md").read_text()
    assert digest in card
    assert "| own | CC0 |" in card
    assert f"| unseen | {unseen.num_rows} |" in card
    assert str(tmp_path) not in (tmp_path / "checkpoint" / "tokenizer_config.json").read_text()


def test_the_run_file_of_the_built_in_checkpoint_is_a_valid_run() -> None:
    run = load_run_file(RUN_FILE, TrainingRun)
    assert run.languages == ("en",)
    assert all(one.licence for one in run.examples.sets)


def test_the_run_file_of_the_built_in_checkpoint_names_sets_that_are_there(shared_sets: Path) -> None:
    run = load_run_file(RUN_FILE, TrainingRun)
    smallest = min(run.examples.sets, key=lambda one: (shared_sets / one.path).stat().st_size)
    assert read_set(smallest, shared_sets).num_rows > 100


def test_an_unknown_key_deep_in_a_run_file_is_refused_with_a_suggestion(tmp_path: Path) -> None:
    text = RUN_FILE.read_text().replace("budget_tokens =", "budget_token =")
    (tmp_path / "run.toml").write_text(text)
    with pytest.raises(ConfigError, match=r"loop\.budget_token'; did you mean 'budget_tokens'"):
        load_run_file(tmp_path / "run.toml", TrainingRun)
