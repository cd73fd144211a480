"""Every command in cluster/ is one that there is: a shell expands it, and the command line and run file take it."""

import re
import shlex
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from manifests import CHECKOUT, CLUSTER, HOME, commands_of, document, parse

from reviewmine.backfill.settings import AnnotateSettings
from reviewmine.config import load_run_file
from reviewmine.partition import Partition, PartitionRange


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    return tmp_path / "notes"


def settings_of(parameters: dict[str, Any]) -> AnnotateSettings:
    """What an annotate run would be, of the run file that the image has."""
    run = PurePosixPath(str(parameters["run"]))
    overrides = {name: parameters[name] for name in ("archive", "table", "partitions")}
    return load_run_file(
        CHECKOUT / (run.relative_to(HOME) if run.is_absolute() else run), AnnotateSettings, overrides
    )


def submit_script(name: str) -> str:
    template = document(name)["spec"]["jobTemplate"]["spec"]["template"]
    (container,) = template["spec"]["containers"]
    assert container["command"] == ["sh", "-c"]
    return container["args"][0]


@pytest.mark.parametrize(("name", "path"), [("rayjob", ("spec",)), ("raycronjob", ("spec", "jobTemplate"))])
def test_the_entrypoint_of_a_ray_job_is_a_backfill_that_can_run(
    name: str, path: tuple[str, ...], notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job: Any = document(f"kubernetes/{name}.yaml")
    for key in path:
        job = job[key]
    command, parameters = parse(commands_of(job["entrypoint"], notes), monkeypatch)
    assert (command, parameters["as_json"]) == ("annotate", True)
    settings = settings_of(parameters)
    assert (settings.archive, settings.table) == ("s3://BUCKET/reviews", "s3://BUCKET/annotations")
    assert PartitionRange.parse(str(settings.partitions))


def test_the_daily_cron_job_submits_a_backfill_under_the_name_of_its_scheduled_minute(
    notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = commands_of(submit_script("kubernetes/cronjob-daily.yaml"), notes, JOB_NAME="daily-29000000")
    assert command[command.index("--submission-id") + 1] == "daily-29000000"
    name, parameters = parse(command, monkeypatch)
    assert name == "annotate"
    assert settings_of(parameters).partitions == "2025-01.."


def test_the_paced_backfill_takes_one_range_for_each_index_the_newest_first_and_every_month_once(
    notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = document("kubernetes/cronjob-backfill.yaml")["spec"]["jobTemplate"]["spec"]
    assert (job["completionMode"], job["parallelism"]) == ("Indexed", 1)
    script = submit_script("kubernetes/cronjob-backfill.yaml")
    ranges, ids = [], set()
    for index in range(job["completions"]):
        command = commands_of(script, notes, JOB_NAME="backfill-29000000", JOB_COMPLETION_INDEX=str(index))
        ids.add(command[command.index("--submission-id") + 1])
        _, parameters = parse(command, monkeypatch)
        ranges.append(PartitionRange.parse(str(settings_of(parameters).partitions)))
    assert len(ids) == job["completions"]
    months = [f"{year}-{month:02d}" for year in range(2015, 2025) for month in range(1, 13)]
    taken = [[r.covers(Partition.derived("month", month)) for r in ranges] for month in months]
    assert [sum(of_month) for of_month in taken] == [1] * len(months)
    firsts = [of_month.index(True) for of_month in taken]
    assert firsts == sorted(firsts, reverse=True)


def test_the_daily_run_begins_where_the_backfill_ends(notes: Path) -> None:
    daily = commands_of(submit_script("kubernetes/cronjob-daily.yaml"), notes, JOB_NAME="daily")
    newest = commands_of(
        submit_script("kubernetes/cronjob-backfill.yaml"), notes, JOB_NAME="b", JOB_COMPLETION_INDEX="0"
    )
    one, other = (PartitionRange.parse(c[c.index("--partitions") + 1]) for c in (daily, newest))
    december, january = (Partition.derived("month", month) for month in ("2024-12", "2025-01"))
    assert [r.covers(december) for r in (one, other)] == [False, True]
    assert [r.covers(january) for r in (one, other)] == [True, False]


def test_the_daily_run_and_the_backfill_share_the_gpus_of_the_standing_cluster(
    notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run without a share takes every GPU, and whoever comes second does not start."""
    shares = 0
    for manifest in ("kubernetes/cronjob-daily.yaml", "kubernetes/cronjob-backfill.yaml"):
        command = commands_of(submit_script(manifest), notes, JOB_NAME="b", JOB_COMPLETION_INDEX="0")
        _, parameters = parse(command, monkeypatch)
        shares += parameters["num_actors"]
    (gpus,) = document("kubernetes/raycluster.yaml")["spec"]["workerGroupSpecs"]
    assert shares == gpus["replicas"]


def test_a_script_asks_the_service_that_kuberay_makes_for_the_standing_cluster() -> None:
    name = document("kubernetes/raycluster.yaml")["metadata"]["name"]
    for manifest in ("kubernetes/cronjob-daily.yaml", "kubernetes/cronjob-backfill.yaml"):
        assert f"--address http://{name}-head-svc:8265" in submit_script(manifest)


def test_every_command_of_ours_in_the_readme_and_the_comments_is_one_that_there_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = (CLUSTER / "README.md").read_text()
    lines = [line.partition(" #")[0].strip() for line in re.sub(r"\\\n\s*", " ", text).splitlines()]
    commands = [shlex.split(line) for line in lines if line.startswith("reviewmine ")]
    assert commands
    for command in commands:
        assert parse(command, monkeypatch)


@pytest.mark.parametrize("option", ["--partitons", "--since"])
def test_an_option_that_there_is_none_of_is_found(option: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Exception, match=f"No such option.*{option}"):
        parse(["python", f"{HOME}/jobs/backfill.py", "a", "t", option, "2024"], monkeypatch)


def test_the_run_file_of_backfills_tolerates_no_reject_for_kuberay_takes_exit_code_3_for_a_failure() -> None:
    settings = load_run_file(
        CHECKOUT / "jobs" / "runs" / "backfill.toml", AnnotateSettings, {"archive": "a", "table": "t"}
    )
    assert settings.max_rejects == 0
