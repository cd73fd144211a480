import difflib
import tomllib
from pathlib import Path
from typing import Any

import pytest

from reviewmine.config import load_run_file
from reviewmine.errors import ConfigError
from reviewmine.train.run_file import TrainingRun
from reviewmine.train.varied import VariedRun

RUNS = Path(__file__).resolve().parents[2] / "jobs" / "runs"
BARE = VariedRun(
    "bare.toml",
    'name = "bare"\n[[examples.sets]]\nname = "own"\npath = "p"\nlicence = "l"\ncolumns = { rating = "stars" }\n',
)


@pytest.mark.parametrize(
    "values",
    [
        {"tuning.rank": 8, "loop.clip_norm": 0.5, "dropout": True},
        {"tuning": {"kind": "full"}, "loop.trackers": ["mlflow"]},
        {"examples.sets.own.weight": 1.5, "examples.sets.own.columns.title": "head"},
        {"heads.polarity.label_smoothing": 0.1, "max_tokens": 32},
        {"heads.intensity": {"kind": "ordinal"}, "backbone.name": "./mine", "examples.balance": 1.0},
    ],
)
@pytest.mark.parametrize("name", ["builtin.toml", "opinions.toml", "bare.toml"])
def test_what_is_written_is_the_run_that_was_varied(
    name: str, values: dict[str, Any], tmp_path: Path
) -> None:
    base = BARE if name == BARE.where else VariedRun.read(RUNS / name)
    values = {
        key.replace("sets.own", f"sets.{base.run.examples.sets[0].name}"): values[key] for key in values
    }
    (tmp_path / "best.toml").write_text(base.written(values, said="The best\nof two."))
    found = load_run_file(tmp_path / "best.toml", TrainingRun)
    assert found == base.varied(values) != base.run
    assert (tmp_path / "best.toml").read_text().startswith("# The best\n# of two.\n")


def test_all_that_was_not_varied_stays_as_it_was_written() -> None:
    base = VariedRun.read(RUNS / "opinions.toml")
    written = base.written({"tuning.rank": 8, "examples.sets.subj.weight": 2.0}, said="best")
    changed = [
        line for line in difflib.ndiff(base.text.splitlines(), written.splitlines()[2:]) if line[0] in "+-"
    ]
    assert len(changed) == 4
    assert "+ rank = 8" in changed
    assert any(line.startswith("+ weight = 2.0") and "# half of its" in line for line in changed)


def test_a_combination_that_is_no_run_is_told_by_the_name_of_its_file() -> None:
    with pytest.raises(ConfigError, match=r"bare\.toml: loop: .*patience needs loop\.best_metric"):
        BARE.varied({"loop.patience": 2})


def test_a_run_file_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text('name = "x"\n')
    with pytest.raises(ConfigError, match="examples"):
        VariedRun.read(tmp_path / "run.toml")
    with pytest.raises(ConfigError, match="no such run file"):
        VariedRun.read(tmp_path / "nowhere.toml")


def test_a_varied_run_does_not_change_the_file_it_came_from() -> None:
    before = tomllib.loads(BARE.text)
    BARE.varied({"tuning.rank": 2})
    assert tomllib.loads(BARE.text) == before
    assert BARE.run.tuning == TrainingRun.model_validate(before).tuning
