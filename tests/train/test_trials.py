import csv
import io
import json
from typing import Any

import pytest
from rich.console import Console

from reviewmine.train.search import SearchSettings
from reviewmine.train.trials import Trial, best_of, ranked, shown, trials_csv, trials_json, trials_table

SEARCH = SearchSettings.model_validate(
    {
        "metric": "polarity_macro_f1",
        "trials": 5,
        "space": {
            "tuning.targets": [["query", "value"], ["query"]],
            "loop.learning_rate": {"low": 1e-4, "high": 1e-2, "log": True},
            "loop.epochs": {"low": 1, "high": 3},
        },
    }
)


def trial(number: int, value: float | None, **more: Any) -> Trial:
    values = {"tuning.targets": ["query"], "loop.learning_rate": 10.0 ** -(2 + number / 4), "loop.epochs": 2}
    return Trial(**{"id": f"trial-{number:03d}", "values": values, "state": "done", "value": value} | more)


TRIALS = [
    trial(0, 0.5),
    trial(1, None, state="failed", reason="tuning.layers is 9, but the backbone has 2 layers"),
    trial(2, 0.9, state="stopped early", share=0.25),
    trial(3, 0.7, figures={"polarity_accuracy": 0.8}, seconds=12.25, share=1.0),
]


def test_the_best_is_the_best_of_those_that_were_trained_to_their_end() -> None:
    assert [one.id[-1] for one in ranked(TRIALS, SEARCH)] == ["2", "3", "0", "1"]
    best = best_of(TRIALS, SEARCH)
    assert best is not None
    assert best.id == "trial-003"
    falling = SEARCH.model_copy(update={"mode": "min"})
    assert [one.id[-1] for one in ranked(TRIALS, falling)] == ["0", "3", "2", "1"]
    assert best_of(TRIALS[1:3], SEARCH) is None


def test_the_table_has_a_line_for_each_trial_and_the_reason_of_one_that_failed() -> None:
    console = Console(width=220, record=True, file=io.StringIO())
    console.print(trials_table(TRIALS, SEARCH))
    heading, *lines = [line for line in console.export_text().splitlines() if line.strip()]
    assert "loop.learning_rate" in heading
    assert len(lines) == 4
    assert "stopped early" in lines[0]
    assert lines[1].rstrip().endswith("best")
    assert " query " in lines[1]
    assert "failed: tuning.layers is 9, but the backbone has 2 layers" in lines[3]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"kind": "lora", "rank": 8, "targets": ["query", "key"]}, "lora, rank 8, targets query, key"),
        (0.000123456, "0.0001235"),
        (True, "true"),
        ("x" * 99, "x" * 59 + "…"),
    ],
)
def test_values_are_shown_without_the_marks_of_a_file(value: Any, text: str) -> None:
    assert shown(value) == text


def test_files_for_machines_hold_every_trial_the_best_first() -> None:
    rows = list(csv.DictReader(io.StringIO(trials_csv(TRIALS, SEARCH))))
    assert [row["trial"] for row in rows] == ["trial-002", "trial-003", "trial-000", "trial-001"]
    assert rows[1]["polarity_macro_f1"] == "0.7"
    assert rows[1]["tuning.targets"] == '["query"]'
    assert (rows[3]["polarity_macro_f1"], rows[3]["reason"][:16]) == ("", "tuning.layers is")
    told = json.loads(trials_json(TRIALS, SEARCH))
    assert told["best"] == "trial-003"
    assert told["search"]["mode"] == "max"
    assert told["trials"][1]["figures"] == {"polarity_accuracy": 0.8}
