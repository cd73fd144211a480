from pathlib import Path
from typing import Any

import pytest

from reviewmine.config import load_run_file
from reviewmine.errors import ConfigError, GateError
from reviewmine.evaluation.gate import Gate, checked, hold

RUN_FILE = Path(__file__).resolve().parents[2] / "jobs" / "runs" / "gate.toml"
METRICS: dict[str, Any] = {
    "titles": True,
    "polarity": {"macro_f1": 0.62, "calibration_error": 0.04, "classes": {"negative": {"recall": 0.5}}},
    "intensity": {"spearman": None},
    "slices": {
        "language": {
            "en": {"rows": 900, "small": False, "polarity": {"macro_f1": 0.64}},
            "de": {"rows": 300, "small": False, "polarity": {"macro_f1": 0.44}},
            "fr": {"rows": 9, "small": True, "polarity": {"macro_f1": 0.1}},
        },
        "shop": {"U.S. lamps": {"rows": 9, "small": True, "polarity": {"macro_f1": 0.1}}},
    },
}
COMPARED = METRICS | {
    "against": {
        "polarity": {"macro_f1": {"difference": -0.02}, "calibration_error": {"difference": 0.03}},
        "intensity": {"mae": {"difference": -0.01}},
    }
}


def gate(tmp_path: Path, text: str) -> Gate:
    (tmp_path / "gate.toml").write_text(text)
    return load_run_file(tmp_path / "gate.toml", Gate)


def test_bounds_that_are_met_let_a_checkpoint_through(tmp_path: Path) -> None:
    asked = gate(
        tmp_path,
        '[minimum]\npolarity.macro_f1 = 0.62\n"polarity.classes.negative.recall" = 0.5\n'
        "[maximum]\npolarity.calibration_error = 0.04\n"
        '[[slices]]\nby = "language"\nvalue = "en"\nminimum = { polarity.macro_f1 = 0.6 }\n',
    )
    checks = checked(asked, METRICS)
    assert [check.passed for check in checks] == [True] * 4
    hold(checks)


def test_each_shortfall_is_named_with_what_was_found_and_expected(tmp_path: Path) -> None:
    asked = gate(
        tmp_path,
        "[minimum]\npolarity.macro_f1 = 0.7\nintensity.spearman = 0.3\n"
        "[maximum]\npolarity.calibration_error = 0.01\n"
        '[[slices]]\nby = "language"\nminimum = { polarity.macro_f1 = 0.6 }\n',
    )
    with pytest.raises(GateError) as refused:
        hold(checked(asked, METRICS))
    assert str(refused.value).splitlines() == [
        "gate: 4 of 5 bounds are not met",
        "  polarity.macro_f1: found 0.6200, expected at least 0.7",
        "  intensity.spearman: found nothing: it is undefined on these rows, expected at least 0.3",
        "  polarity.calibration_error: found 0.0400, expected at most 0.01",
        "  slices.language.de.polarity.macro_f1: found 0.4400, expected at least 0.6",
    ]


def test_a_loss_is_what_a_metric_got_worse_by_in_its_own_direction(tmp_path: Path) -> None:
    asked = gate(
        tmp_path,
        "[max_loss]\npolarity.macro_f1 = 0.01\npolarity.calibration_error = 0.05\nintensity.mae = -0.02\n",
    )
    macro_f1, calibration, mae = checked(asked, COMPARED)
    assert (macro_f1.found, macro_f1.passed) == (0.02, False)
    assert (calibration.found, calibration.passed) == (0.03, True)
    assert (mae.found, mae.passed) == (-0.01, False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[minimum]\npolarity.macro_f = 0.1\n", "found no 'polarity.macro_f'.*did you mean 'polarity.macro_f1'"),
        ("[maximum]\ntitles = 1\n", "found no 'titles'"),
        ("[maximum]\npolarity = 1\n", "found no 'polarity'"),
        ('[[slices]]\nby = "languages"\nminimum = { x = 0.1 }\n', "found no 'languages'.*did you mean 'language'"),
        ('[[slices]]\nby = "language"\nvalue = "ja"\nminimum = { x = 0.1 }\n', "by language: found no 'ja'"),
        ('[[slices]]\nby = "language"\nminimum = { f1 = 0.1 }\n', r"language\.en: found no 'f1'"),
        ('[[slices]]\nby = "shop"\nminimum = { polarity.macro_f1 = 0.1 }\n', "all of them small"),
        ("[max_loss]\npolarity.recall = 0.1\n", "max_loss: found no 'polarity.recall'"),
    ],
)  # fmt: skip
def test_what_an_evaluation_does_not_have_is_an_error_and_no_pass(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        checked(gate(tmp_path, text), COMPARED)


def test_a_loss_without_a_checkpoint_to_compare_with_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="give --against"):
        checked(gate(tmp_path, "[max_loss]\npolarity.macro_f1 = 0.1\n"), METRICS)


def test_a_named_slice_is_judged_however_small_it_is_and_dots_in_its_name_are_no_matter(
    tmp_path: Path,
) -> None:
    asked = gate(
        tmp_path,
        '[[slices]]\nby = "shop"\nvalue = "U.S. lamps"\nmaximum = { polarity.macro_f1 = 0.5 }\n'
        "[minimum]\nslices.shop.'U.S. lamps'.polarity.macro_f1 = 0.5\n",
    )
    assert [check.passed for check in checked(asked, METRICS)] == [False, True]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[minmum]\nx = 1\n", "unknown key 'minmum'; did you mean 'minimum'"),
        ("[[slices]]\nby = 'rating'\nvlaue = '1'\n", "unknown key 'slices.vlaue'; did you mean 'value'"),
        ("", "lets everything through"),
        ("[[slices]]\nby = 'rating'\n", "lets everything through"),
        ("[minimum]\nx = nan\n", "finite"),
        ("[maximum]\nx = true\n", "valid number"),
        ("[maximum]\nx = 'low'\n", "valid number"),
    ],
)
def test_a_gate_that_cannot_be_meant_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        gate(tmp_path, text)


def test_the_gate_that_ships_is_a_valid_one() -> None:
    assert load_run_file(RUN_FILE, Gate).minimum["polarity.macro_f1"] == 0.6
