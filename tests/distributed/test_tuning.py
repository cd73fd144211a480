"""Searches through the command line and on Ray Tune: killed and taken up, with trials that fail or fall behind."""

import csv
import io
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tiny import make_backbone, write_reviews

from reviewmine.config import load_run_file
from reviewmine.distributed.trial import Search
from reviewmine.distributed.tuning import search
from reviewmine.errors import UsageError
from reviewmine.model.checkpoint import load_checkpoint
from reviewmine.store.filesystem import Location
from reviewmine.train.run_file import TrainingRun
from reviewmine.train.search import SearchSettings
from reviewmine.train.varied import VariedRun

LIMIT_S = 900
RUN = """\
name = "tiny"
max_tokens = 48
backbone = {{ name = "{backbone}" }}

[tuning]
kind = "top_layers"
layers = 1

[loop]
epochs = 4
budget_tokens = 512
learning_rate = 1e-2   # as it was before the search
head_learning_rate = 1e-2
report_steps = 10

[examples]
validation_share = 0.2

[[examples.sets]]
name = "made"
path = "reviews.parquet"
licence = "CC0"
natural = true
columns = {{ body = "text", title = "title", rating = "stars", language = "lang" }}
"""


@pytest.fixture
def run_file(tmp_path: Path) -> Path:
    """A run file of two layers, on 200 reviews in the folder `sets` beside it."""
    write_reviews(tmp_path / "sets", rows=200)
    path = tmp_path / "run.toml"
    path.write_text(RUN.format(backbone=make_backbone(tmp_path / "backbone")))
    return path


def asked(run_file: Path, **settings: object) -> Search:
    return Search(
        base=VariedRun.read(run_file),
        settings=SearchSettings.model_validate({"metric": "polarity_macro_f1", **settings}),
        examples_root=Location.parse(run_file.parent / "sets"),
        storage=Location.parse(run_file.parent / "runs"),
        run_id="mine",
    )


@pytest.mark.slow
def test_a_killed_search_goes_on_and_its_best_run_file_trains_as_it_is(
    run_file: Path, tmp_path: Path
) -> None:
    """Three trials, one of which must fail; the driver is killed when the first is done."""
    (tmp_path / "search.toml").write_text(
        'algorithm = "grid"\nmetric = "polarity_macro_f1"\n[space]\ntuning.layers = [1, 9, 2]\n'
    )
    directory = tmp_path / "runs" / "mine"
    run_file.write_text(run_file.read_text().replace(str(tmp_path), "."))  # all paths are meant from there
    command = [sys.executable, "-m", "reviewmine", "tune", "--run", "run.toml", "--search", "search.toml"]
    command += ["--examples-root", "sets", "--run-id", "mine"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True, cwd=tmp_path) as driver:
        deadline = time.monotonic() + LIMIT_S
        while not (directory / "trials" / "trial-001").is_dir():
            assert driver.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.5)
        os.kill(driver.pid, signal.SIGKILL)
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=True, cwd=tmp_path)
    rows = {row["trial"]: row for row in csv.DictReader(io.StringIO((directory / "trials.csv").read_text()))}
    assert {name: row["state"] for name, row in rows.items()} == {
        "trial-000": "done", "trial-001": "failed", "trial-002": "done"
    }  # fmt: skip
    assert "tuning.layers is 9, but the backbone has 2 layers" in rows["trial-001"]["reason"]
    assert "tuning.layers is 9" in done.stdout
    assert len(list((directory / "trials" / "trial-000" / "log").iterdir())) == 1
    assert (directory / "trials.png").read_bytes().startswith(b"\x89PNG")
    told = json.loads((directory / "trials.json").read_text())
    best = load_run_file(directory / "best.toml", TrainingRun)
    assert best.tuning.model_dump()["layers"] == int(rows[told["best"]]["tuning.layers"])
    assert "# as it was before the search" in (directory / "best.toml").read_text()
    finishing = shlex.split(done.stdout.splitlines()[-1].replace("NEW-FOLDER", str(tmp_path / "checkpoint")))
    subprocess.run([sys.executable, "-m", *finishing], check=True, timeout=LIMIT_S, cwd=tmp_path)
    validation = json.loads((tmp_path / "checkpoint" / "metrics.json").read_text())["validation"]
    assert load_checkpoint(tmp_path / "checkpoint").spec.training.run == best.model_dump(mode="json")
    assert validation["polarity"]["accuracy"] > 0.5


@pytest.mark.slow
@pytest.mark.usefixtures("ray_up")
def test_a_bayesian_search_stops_trials_that_fall_behind(run_file: Path) -> None:
    """The second half of the rates are far too low to learn anything from."""
    found = search(
        asked(
            run_file,
            algorithm="bayesian",
            trials=4,
            asha={"grace": 0.25, "reduction": 2},
            space={
                "loop": {"learning_rate": [1e-2, 1e-9], "head_learning_rate": {"low": 1e-4, "high": 1e-2}}
            },
        ),
        where="search.toml",
    )
    assert [one.id for one in found.trials] == [f"trial-{number:03d}" for number in range(1, 5)]
    assert {one.state for one in found.trials} <= {"done", "stopped early"}
    assert all(one.share < 1 for one in found.trials if one.state == "stopped early")
    assert found.best is not None
    assert found.best.figures["polarity_macro_f1"] == found.best.value


def test_a_run_id_of_another_search_is_refused_before_anything_starts(run_file: Path) -> None:
    directory = run_file.parent / "runs" / "mine"
    directory.mkdir(parents=True)
    (directory / "search.json").write_text(
        json.dumps({"run": {}, "search": {}, "examples_root": "elsewhere"})
    )
    with pytest.raises(
        UsageError, match=r"other settings under examples_root, run, search; give another --run-id"
    ):
        search(asked(run_file, trials=1, space={"seed": [1, 2]}), where="search.toml")


def test_a_search_without_a_run_id_is_named_by_what_it_searches(run_file: Path) -> None:
    def named(**settings: object) -> str:
        return replace(asked(run_file, trials=1, space={"seed": [1, 2]}, **settings), run_id=None).id

    assert named() == named() != named(algorithm="bayesian")
    assert named().startswith("tiny-search-")
