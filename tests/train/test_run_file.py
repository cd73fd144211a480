from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from tiny import make_run

from reviewmine.config import load_run_file
from reviewmine.errors import ConfigError
from reviewmine.examples.sets import read_set
from reviewmine.train.run_file import TrainingRun
from reviewmine.train.tasks import spec_of

RUN_FILE = Path(__file__).resolve().parents[2] / "jobs" / "runs" / "builtin.toml"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"heads": {"mood": {"kind": "regression"}}}, "heads.mood: no set has labels of it; name its column"),
        (
            {"labels": {"mod": {"column": "x"}}},
            "own: labels for 'mod', but the heads of the run are polarity",
        ),
    ],
)
def test_heads_and_the_labels_of_sets_have_to_meet(change: dict[str, Any], message: str) -> None:
    run = make_run(Path("backbone")).model_dump(mode="json")
    run["heads"] |= change.get("heads", {})
    run["examples"]["sets"][0]["labels"] = change.get("labels", {})
    with pytest.raises(ValidationError, match=message):
        TrainingRun.model_validate(run)


def test_a_step_may_be_one_example_of_the_most_tokens() -> None:
    run = make_run(Path("backbone")).model_dump(mode="json")
    run |= {"max_tokens": 200, "loop": run["loop"] | {"budget_tokens": 200}}
    assert TrainingRun.model_validate(run).loop.budget_tokens == 200


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"continuing": {"checkpoint": "builtin"}}, r"take \[backbone\] out, or \[continuing\]"),
        ({"vocabulary": {"sets": ["owm"]}}, "vocabulary.sets: no set is called 'owm'; there are own"),
        (
            {"vocabulary": {"start": "leaning"}, "heads": {"intensity": {"kind": "regression"}}},
            "leaning goes by labels of a head 'polarity'",
        ),
        ({"max_tokens": 1024}, "budget_tokens 512 is less than one example of max_tokens 1024"),
    ],
)
def test_settings_that_exclude_each_other_are_refused(change: dict[str, Any], message: str) -> None:
    run = make_run(Path("backbone")).model_dump(mode="json") | change
    with pytest.raises(ValidationError, match=message):
        TrainingRun.model_validate(run)


def test_a_best_metric_that_no_head_of_the_run_gives_is_refused_before_training() -> None:
    run = make_run(Path("backbone")).model_dump(mode="json")
    run["loop"]["best_metric"] = "polarity_macro_f2"
    with pytest.raises(
        ValidationError, match=r"no 'polarity_macro_f2' of these heads; did you mean 'polarity_macro"
    ):
        TrainingRun.model_validate(run)
    run["loop"]["best_metric"] = "loss"
    with pytest.raises(
        ValidationError,
        match=r"one of elsewhere_intensity_mae, .*, intensity_spearman, polarity_acc",
    ):
        TrainingRun.model_validate(run)
    for given in ("intensity_mae", "elsewhere_polarity_macro_f1"):
        run["loop"]["best_metric"] = given
        assert TrainingRun.model_validate(run).loop.best_metric == given


@pytest.mark.parametrize("name", ["builtin.toml", "opinions.toml"])
def test_the_run_files_that_ship_are_valid_runs(name: str) -> None:
    run = load_run_file(RUN_FILE.with_name(name), TrainingRun)
    assert run.languages == (("en", "zh") if name == "builtin.toml" else ("en",))
    assert all(one.licence for one in run.examples.sets)


@pytest.mark.parametrize("name", ["builtin.toml", "opinions.toml"])
def test_the_run_files_that_ship_name_sets_that_are_there(shared_sets: Path, name: str) -> None:
    run = load_run_file(RUN_FILE.with_name(name), TrainingRun)
    heads = {head: spec_of(task).takes for head, task in run.heads.items()}
    smallest = min(run.examples.sets, key=lambda one: (shared_sets / one.path).stat().st_size)
    for one in (smallest, run.examples.sets[-1])[: 2 if name == "opinions.toml" else 1]:
        assert read_set(one, shared_sets, heads).num_rows > 100


def test_an_unknown_key_deep_in_a_run_file_is_refused_with_a_suggestion(tmp_path: Path) -> None:
    text = RUN_FILE.read_text().replace("budget_tokens =", "budget_token =")
    (tmp_path / "run.toml").write_text(text)
    with pytest.raises(ConfigError, match=r"loop\.budget_token'; did you mean 'budget_tokens'"):
        load_run_file(tmp_path / "run.toml", TrainingRun)


def test_an_unknown_key_of_a_head_is_told_as_it_is_written(tmp_path: Path) -> None:
    text = RUN_FILE.read_text().replace("label_smoothing =", "label_smothing =")
    (tmp_path / "run.toml").write_text(text)
    with pytest.raises(
        ConfigError, match=r"'heads\.polarity\.label_smothing'; did you mean 'label_smoothing'"
    ):
        load_run_file(tmp_path / "run.toml", TrainingRun)
