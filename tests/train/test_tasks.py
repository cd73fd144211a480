import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from reviewmine.labels import POLARITIES
from reviewmine.model.head_specs import OPINION_HEADS, ClassificationSpec
from reviewmine.model.heads import Objective, make_head
from reviewmine.train.tasks import (
    ClassificationTask,
    RegressionTask,
    Tasks,
    TokensTask,
    class_weights,
    objective_of,
    opinion_tasks,
    seen_shares,
    spec_of,
)

TASKS: TypeAdapter[Tasks] = TypeAdapter(Tasks)
TABLES = {
    "mood": {
        "kind": "classification",
        "labels": ["glad", "sad"],
        "label_smoothing": 0.1,
        "class_weight_cap": 4,
    },
    "topics": {"kind": "multilabel", "labels": ["price"], "weight": 2},
    "force": {"kind": "regression", "loss": "squared_error"},
    "level": {"kind": "ordinal", "levels": [0, 1], "pooling": "cls", "dropout": 0.3},
    "terms": {"kind": "tokens", "labels": ["term"]},
}


def test_a_checkpoint_keeps_the_head_of_a_task_and_nothing_of_its_training() -> None:
    tasks = TASKS.validate_python(TABLES)
    specs = {name: spec_of(task) for name, task in tasks.items()}
    assert {name: spec.kind for name, spec in specs.items()} == {
        name: table["kind"] for name, table in TABLES.items()
    }
    assert specs["mood"] == ClassificationSpec(labels=("glad", "sad"))
    assert type(specs["mood"]) is ClassificationSpec
    assert TASKS.validate_json(TASKS.dump_json(tasks)) == tasks
    for name, task in tasks.items():
        assert make_head(specs[name], 8, objective_of(task, dropout=0.0)).objective.weight == task.weight


def test_the_heads_of_a_run_that_names_none_are_those_that_annotation_needs() -> None:
    assert {name: spec_of(task) for name, task in opinion_tasks().items()} == OPINION_HEADS


def test_an_objective_has_what_its_task_says_and_the_dropout_of_the_run_where_it_says_none() -> None:
    tasks = TASKS.validate_python(TABLES)
    found = {name: objective_of(task, dropout=0.1, sampled_shares=None) for name, task in tasks.items()}
    assert found["mood"] == Objective(dropout=0.1, label_smoothing=0.1)
    assert found["topics"] == Objective(dropout=0.1, weight=2.0)
    assert found["force"] == Objective(dropout=0.1, squared_error=True)
    assert found["level"] == Objective(dropout=0.3)
    assert found["terms"] == Objective(dropout=0.1)


def test_rare_classes_weigh_more_but_no_more_than_the_cap_and_the_mean_row_weighs_one() -> None:
    shares = (0.6, 0.3, 0.1)
    weights = np.array(class_weights(shares, 4.0))
    assert weights / weights[0] == pytest.approx([1.0, 2.0, 4.0])
    assert (weights * shares).sum() == pytest.approx(1.0)


def test_class_weights_count_among_the_shares_that_the_loss_saw() -> None:
    tasks = {
        "polarity": ClassificationTask(labels=POLARITIES, class_weight_cap=100),
        "mood": ClassificationTask(labels=("glad", "sad")),
    }
    sampled = {"polarity": (0.6, 0.3, 0.1), "mood": (0.9, 0.1)}
    seen = seen_shares(tasks, sampled, sampled)
    assert seen["polarity"] == pytest.approx((1 / 3, 1 / 3, 1 / 3))
    assert seen["mood"] == pytest.approx((0.9, 0.1))


def test_what_the_loss_saw_in_a_language_goes_by_the_rows_of_that_language() -> None:
    tasks = {"polarity": ClassificationTask(labels=POLARITIES)}
    seen = seen_shares(tasks, {"polarity": (0.5, 0.0, 0.5)}, {"polarity": (0.3, 0.3, 0.4)})
    assert seen["polarity"] == pytest.approx((0.3, 0.3, 0.4))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"kind": "regression", "label_smoothing": 0.1}, "label_smoothing"),
        ({"kind": "tokens", "labels": ["a"], "class_weight_cap": 3}, "class_weight_cap"),
        ({"kind": "classification", "labels": ["a", "b"], "weight": -1}, "weight"),
        (
            {"kind": "classification", "labels": ["a", "b"], "calibration": {"temperature": 2.0}},
            "calibration is fitted by the run",
        ),
    ],
)
def test_what_a_kind_of_head_has_no_use_for_is_refused(table: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        TASKS.validate_python({"mood": table})


def test_tasks_are_what_their_heads_are() -> None:
    assert issubclass(ClassificationTask, ClassificationSpec)
    assert RegressionTask().takes.kind == "number"
    assert TokensTask(labels=("term",)).classes == ("O", "B-term", "I-term")
