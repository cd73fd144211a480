"""The Airflow DAG: what it decides, tested as it is; how Airflow loads it, by Airflow itself where that is installed.

Airflow's dependencies and the pins of constraints.txt exclude each other, so CI reads the DAG's syntax tree. To have
Airflow's own loader: an environment with apache-airflow, pytest and hypothesis, and
`python -m pytest --noconftest -o addopts= -o filterwarnings= tests/cluster/test_airflow.py`.
"""

import ast
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "cluster" / "airflow"
DAG = ast.parse((FOLDER / "reviewmine_backfill.py").read_text(encoding="utf-8"))
RUN = "scheduled__2026-11-22T22:00:00+00:00"
RANGE = "2024-07..2024-12"

sys.path.append(str(FOLDER))
import ray_backfill  # noqa: E402 (as Airflow does it, which puts its DAG folder on the path)
from ray_backfill import Job, Step, ending, entrypoint, month_ranges, next_step, running, submission_id  # noqa: E402


def test_ranges_are_the_newest_first_and_whole_and_cover_every_month_once() -> None:
    assert month_ranges("2023-11", "2024-12", 6) == [
        "2024-07..2024-12",
        "2024-01..2024-06",
        "2023-11..2023-12",
    ]
    assert month_ranges("2024-12", "2024-12", 6) == ["2024-12..2024-12"]


@pytest.mark.parametrize(
    ("first", "last", "months"),
    [("2024-02", "2024-01", 1), ("2024-01", "2024-02", 0), ("2024", "2024-02", 1)],
)
def test_a_range_that_is_none_is_refused(first: str, last: str, months: int) -> None:
    with pytest.raises(ValueError, match=r"expected"):
        month_ranges(first, last, months)


def test_an_id_is_the_same_however_often_it_is_asked_for_and_has_no_character_that_a_path_would_mind() -> (
    None
):
    name = submission_id(RUN, RANGE, 1)
    assert name == submission_id(RUN, RANGE, 1)
    assert name.replace("-", "").isalnum()
    others = {
        submission_id(RUN, "2024-01..2024-06", 1),
        submission_id(RUN, RANGE, 2),
        submission_id("manual", RANGE, 1),
    }
    assert len(others | {name}) == 4


def test_a_try_sends_one_job_waits_for_it_and_takes_note_of_its_end() -> None:
    mine = submission_id(RUN, RANGE, 1)
    assert next_step({}, RUN, RANGE, 1) == Step("submit", mine)
    for status in ("PENDING", "RUNNING"):
        assert next_step({mine: Job(status)}, RUN, RANGE, 1) == Step("wait", mine)
    for status in ("SUCCEEDED", "FAILED", "STOPPED"):
        assert next_step({mine: Job(status)}, RUN, RANGE, 1) == Step("ended", mine)


def test_a_task_that_was_cleared_or_lost_waits_for_the_job_that_runs_already() -> None:
    first = submission_id(RUN, RANGE, 1)
    assert next_step({first: Job("RUNNING")}, RUN, RANGE, 2) == Step("wait", first)


def test_after_a_failed_try_the_next_sends_a_job_of_its_own() -> None:
    jobs = {submission_id(RUN, RANGE, 1): Job("FAILED", 1)}
    assert next_step(jobs, RUN, RANGE, 2) == Step("submit", submission_id(RUN, RANGE, 2))


def test_the_jobs_of_other_ranges_and_runs_are_not_waited_for() -> None:
    jobs = {
        submission_id(RUN, "2024-01..2024-06", 1): Job("RUNNING"),
        submission_id("manual", RANGE, 1): Job("RUNNING"),
        submission_id(RUN, RANGE, 1) + "-more": Job("RUNNING"),
    }
    assert running(jobs, RUN, RANGE) == []
    assert next_step(jobs, RUN, RANGE, 1).kind == "submit"


@pytest.mark.parametrize(
    ("job", "means"),
    [
        (Job("SUCCEEDED", 0), "done"),
        (Job("SUCCEEDED"), "done"),
        (Job("FAILED", 1), "try again"),
        (Job("FAILED", 2), "never"),
        (Job("FAILED", 3), "done with rejects"),
        (Job("FAILED", 4), "try again"),
        (Job("FAILED"), "try again"),
        (Job("STOPPED"), "try again"),
    ],
)
def test_an_end_means_what_the_exit_code_says(job: Job, means: str) -> None:
    assert ending(job) == means


def test_a_range_leaves_the_daily_run_a_gpu_of_the_standing_cluster() -> None:
    (default,) = (
        value.args[0].value
        for node in ast.walk(DAG)
        if isinstance(node, ast.Dict)
        for key, value in zip(node.keys, node.values, strict=True)
        if isinstance(key, ast.Constant) and key.value == "num_actors" and isinstance(value, ast.Call)
    )
    assert default == 3


def test_exit_codes_are_those_of_the_command() -> None:
    errors = pytest.importorskip("reviewmine.errors")
    for name in ("EXIT_USAGE", "EXIT_DONE_WITH_REJECTS", "EXIT_RESUMABLE"):
        assert getattr(ray_backfill, name) == getattr(errors, name)


def test_the_job_is_a_backfill_that_can_run(monkeypatch: pytest.MonkeyPatch) -> None:
    manifests = pytest.importorskip("manifests")
    command = shlex.split(entrypoint("s3://bucket/my reviews", "s3://bucket/opinions", RANGE, 3))
    name, parameters = manifests.parse(command, monkeypatch)
    assert (name, parameters["archive"], parameters["partitions"]) == (
        "annotate",
        "s3://bucket/my reviews",
        RANGE,
    )
    assert parameters["num_actors"] == 3
    assert str(manifests.HOME) == ray_backfill.HOME


def test_what_the_dag_decides_needs_the_standard_library_alone() -> None:
    tree = ast.parse((FOLDER / "ray_backfill.py").read_text(encoding="utf-8"))
    assert {name.split(".")[0] for name in imported(tree)} <= sys.stdlib_module_names


def test_the_dag_imports_airflow_and_its_neighbour_and_ray_only_when_a_task_runs() -> None:
    statements = [node for node in DAG.body if isinstance(node, ast.Import | ast.ImportFrom)]
    at_the_top = {name.split(".")[0] for node in statements for name in imported(node)}
    assert at_the_top - sys.stdlib_module_names == {"airflow", "ray_backfill"}
    assert {name.split(".")[0] for name in imported(DAG)} - at_the_top == {"ray"}


def test_the_dag_by_its_syntax_tree_has_a_mapped_task_with_retries_and_limits() -> None:
    """What can be said without Airflow: the arguments of the task, and that it is expanded over the ranges."""
    (task,) = [
        node for node in ast.walk(DAG) if isinstance(node, ast.FunctionDef) and node.name == "annotate"
    ]
    (decorator,) = task.decorator_list
    assert isinstance(decorator, ast.Call)
    assert ast.unparse(decorator.func) == "task.sensor"
    given = {keyword.arg: ast.unparse(keyword.value) for keyword in decorator.keywords}
    assert given["mode"] == "'reschedule'"
    assert int(given["retries"]) > 0
    assert {"timeout", "execution_timeout", "on_failure_callback", "max_active_tis_per_dagrun"} <= set(given)
    assert "annotate.expand(partitions=ranges())" in ast.unparse(DAG)
    used = {
        node.attr
        for node in ast.walk(DAG)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "backfill"
    }
    assert [name for name in used if not hasattr(ray_backfill, name)] == []


def test_airflow_loads_the_dag_without_an_error() -> None:
    dagbag = pytest.importorskip(
        "airflow.dag_processing.dagbag", reason="Airflow cannot be installed under our pins"
    )
    bag = dagbag.BundleDagBag(dag_folder=str(FOLDER), bundle_path=FOLDER, bundle_name="reviewmine")
    assert bag.import_errors == {}
    loaded = bag.dags["reviewmine_backfill"]
    mapped = loaded.task_dict["annotate"]
    assert mapped.is_mapped
    assert mapped.upstream_task_ids == {"ranges"}
    assert mapped.retries == 3
    assert mapped.execution_timeout is not None
    assert (loaded.max_active_runs, mapped.max_active_tis_per_dagrun) == (1, 1)


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
