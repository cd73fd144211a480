"""What a search file may ask for, and how what it may not is told."""

from pathlib import Path
from typing import Any

import pytest

from reviewmine.config import load_run_file
from reviewmine.errors import ConfigError
from reviewmine.train.search import SearchSettings, Span, check_search
from reviewmine.train.varied import VariedRun

RUNS = Path(__file__).resolve().parents[2] / "jobs" / "runs"
BASE = VariedRun.read(RUNS / "opinions.toml")


def settings(tmp_path: Path, text: str) -> SearchSettings:
    (tmp_path / "search.toml").write_text(text)
    return load_run_file(tmp_path / "search.toml", SearchSettings)


def searching(space: dict[str, Any], **more: Any) -> SearchSettings:
    asked = {"metric": "polarity_macro_f1", "trials": 4, "space": space, **more}
    return SearchSettings.model_validate(asked)


def test_the_search_that_ships_fits_the_run_file_it_names() -> None:
    shipped = load_run_file(RUNS / "search.toml", SearchSettings)
    check_search(shipped, VariedRun.read(RUNS / "builtin.toml"), where="search.toml")
    assert (shipped.aim, shipped.num_trials, shipped.asha is not None) == ("max", 24, True)


def test_fields_are_named_by_dotted_keys_and_lists_are_choices(tmp_path: Path) -> None:
    found = settings(
        tmp_path,
        'algorithm = "random"\ntrials = 3\nmetric = "intensity_mae"\n[space]\ntuning.rank = [8, 16]\n'
        '"loop.learning_rate" = { low = 1e-4, high = 1e-2, log = true }\nloop.epochs = { low = 1, high = 3 }\n',
    )
    assert found.space == {
        "tuning.rank": (8, 16),
        "loop.learning_rate": Span(low=1e-4, high=1e-2, log=True),
        "loop.epochs": Span(low=1, high=3),
    }
    assert found.aim == "min"
    assert SearchSettings.model_validate(found.model_dump(mode="json")) == found


def test_a_grid_has_a_trial_for_each_combination() -> None:
    grid = searching({"tuning.rank": [4, 8], "seed": [1, 2, 3]}, algorithm="grid", trials=None)
    assert grid.num_trials == 6


def test_a_choice_is_the_same_after_an_algorithm_was_told_of_it() -> None:
    tables = [{"kind": "lora", "rank": 4}, {"kind": "heads"}]
    asked = searching(
        {"tuning": tables, "dropout": [True, False], "loop.clip_norm": {"low": 0.1, "high": 2.0}}
    )
    told = {
        "tuning": asked.told("tuning", tables[1]),
        "dropout": asked.told("dropout", False),
        "loop.clip_norm": asked.told("loop.clip_norm", 0.5),
    }
    assert asked.chosen(told) == {"tuning": tables[1], "dropout": False, "loop.clip_norm": 0.5}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[space]\nloop.epochs = { low = 3, high = 1 }\n", r"loop\.epochs: .*expected low below high"),
        ("[space]\nloop.epochs = { low = 0, high = 1, log = true }\n", "more than 0 where `log` is true"),
        ("[space]\nloop.epochs = { low = 1, hihg = 2 }\n", r"loop\.epochs\.high: Field required"),
        ('[space]\nloop.epochs = { low = "a", high = 2 }\n', r"loop\.epochs\.low: Input should be a valid"),
        ("[space]\nloop.epochs = 3\n", r"loop\.epochs: found 3, expected a list of values"),
        ("[space]\nloop.epochs = []\n", r"loop\.epochs: found an empty list"),
        ("[space]\n", "space: .*at least 1 item"),
        ("algoritm = 'grid'\n[space]\nseed = [1]\n", "unknown key 'algoritm'; did you mean 'algorithm'"),
        ("algorithm = 'grid'\n[space]\nseed = [1]\n", "a grid runs every combination"),
        ("[space]\ntuning = [{ kind = 'heads' }]\n'tuning.rank' = [1]\n", r"tuning\.rank lies inside tuning"),
    ],
)
def test_a_space_that_is_none_is_refused_by_the_name_of_its_field(
    text: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=message):
        settings(tmp_path, f'metric = "polarity_macro_f1"\ntrials = 2\n{text}')


def test_a_range_in_a_grid_and_a_search_without_an_end_are_refused(tmp_path: Path) -> None:
    for text, message in (
        (
            "algorithm = 'grid'\n[space]\nloop.epochs = { low = 1, high = 3 }\n",
            "found a range, expected a list",
        ),
        ("[space]\nloop.epochs = [1]\n", "trials: expected how many to run"),
    ):
        with pytest.raises(ConfigError, match=message):
            settings(tmp_path, f'metric = "polarity_macro_f1"\n{text}')


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({"tuning.rnk": [8]}, r"s\.toml: space: unknown key 'tuning\.rnk'; did you mean 'rank'"),
        ({"tunning.rank": [8]}, "unknown key 'tunning'; did you mean 'tuning'"),
        ({"tuning.rank": [8, "big"]}, r"tuning\.rank: Input should be a valid integer.*found 'big'"),
        ({"tuning.rank": {"low": 4.0, "high": 32.0}}, r"tuning\.rank: .*fractional part"),
        ({"loop.learning_rate": [1e-3, -1.0]}, r"loop\.learning_rate: .*greater than 0, found -1"),
        ({"tuning": [{"kind": "lora", "ranks": 4}]}, r"unknown key 'tuning\.ranks'; did you mean 'rank'"),
        ({"heads.polarty.weight": [1.0]}, r"unknown key 'heads\.polarty'; did you mean 'polarity'"),
        ({"examples.sets.sub.weight": [1.0]}, r"unknown key 'examples\.sets\.sub'; did you mean 'subj'"),
        ({"examples.sets.subj": [{}]}, r"name a key of it, such as 'examples\.sets\.subj\.weight'"),
        ({"seed.x": [1]}, "'seed' is 7, not a table"),
    ],
)
def test_a_field_or_value_that_no_run_has_is_refused_before_any_trial(
    space: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        check_search(searching(space), BASE, where="s.toml")


def test_a_value_that_is_only_wrong_beside_others_is_left_to_its_trial() -> None:
    check_search(searching({"loop.patience": [1, 2]}), BASE, where="s.toml")


def test_a_metric_that_validation_does_not_give_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"no 'polarity_macro_f2'.*did you mean 'polarity_macro_f1'"):
        check_search(searching({"seed": [1]}, metric="polarity_macro_f2"), BASE, where="s.toml")


def test_stopping_early_wants_validations_before_the_end() -> None:
    once = VariedRun(BASE.where, BASE.text.replace("epochs = 2", "epochs = 1"))
    with pytest.raises(ConfigError, match=r"validated at their end alone.*loop\.validate_steps"):
        check_search(searching({"seed": [1]}, asha={}), once, where="s.toml")
    check_search(searching({"loop.epochs": [1, 4]}, asha={}), once, where="s.toml")
