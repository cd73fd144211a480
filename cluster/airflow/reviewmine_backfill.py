"""The backfill as an Airflow DAG: one mapped task per range of partitions, the newest first, each of them one Ray job.

For Airflow 3 with `ray[default]`; the DAG folder is cluster/airflow. RAY_API_SERVER_ADDRESS in the workers' environment
names the cluster, RAY_AUTH_TOKEN opens it. A task looks at its job once a minute and holds no worker slot in between.
"""

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import ray_backfill as backfill
from airflow.sdk import Param, dag, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException

log = logging.getLogger(__name__)

WINDOW = timedelta(hours=6)
"""How long one range may take; then its job is stopped, and the next run of the DAG goes on from its receipts."""


def _client() -> Any:
    from ray.job_submission import (
        JobSubmissionClient,
    )  # slow to import, and a DAG is parsed every few seconds

    return JobSubmissionClient()


def _jobs(client: Any) -> dict[str, backfill.Job]:
    return {
        job.submission_id: backfill.Job(str(job.status), job.driver_exit_code)
        for job in client.list_jobs()
        if job.submission_id
    }


def _stop(context: Any) -> None:
    """A task that has failed for good, by its window or by hand, leaves no job behind."""
    client, instance = _client(), context["ti"]
    partitions = instance.xcom_pull(task_ids="ranges")[instance.map_index]
    for name in backfill.running(_jobs(client), context["run_id"], partitions):
        log.warning("%s: stopping %s", partitions, name)
        client.stop_job(name)


@dag(
    schedule="0 22 * * *",
    start_date=datetime(2025, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    tags=["reviewmine"],
    doc_md=__doc__,
    params={
        "archive": Param("s3://BUCKET/reviews", type="string"),
        "table": Param("s3://BUCKET/annotations", type="string"),
        "first": Param("2019-01", type="string", description="The oldest month, YYYY-MM."),
        "last": Param("2024-12", type="string", description="The newest month, YYYY-MM."),
        "months": Param(
            6, type="integer", minimum=1, description="Months of one range, which is one Ray job."
        ),
        "num_actors": Param(
            3, type="integer", minimum=1, description="GPUs of one range; the others are left to other jobs."
        ),
    },
)
def reviewmine_backfill() -> None:
    """Bring every range up to date; what is fresh ends within seconds."""

    @task
    def ranges() -> list[str]:
        params = get_current_context()["params"]
        return backfill.month_ranges(params["first"], params["last"], params["months"])

    @task.sensor(
        mode="reschedule",
        poke_interval=60,
        timeout=WINDOW.total_seconds(),
        execution_timeout=timedelta(minutes=10),  # of one look
        retries=3,
        retry_delay=timedelta(minutes=5),
        max_active_tis_per_dagrun=1,
        map_index_template="{{ partitions }}",
        on_failure_callback=_stop,
    )
    def annotate(partitions: str) -> bool:
        context = get_current_context()
        context["partitions"] = partitions  # what map_index_template shows
        client, params = _client(), context["params"]
        jobs = _jobs(client)
        step = backfill.next_step(jobs, context["run_id"], partitions, context["ti"].try_number)
        if step.kind == "submit":
            command = backfill.entrypoint(
                params["archive"], params["table"], partitions, params["num_actors"]
            )
            client.submit_job(entrypoint=command, submission_id=step.submission_id)
            log.info("%s: submitted %s", partitions, step.submission_id)
        if step.kind != "ended":
            return False
        return _ended(partitions, step.submission_id, jobs[step.submission_id])

    annotate.expand(partitions=ranges())


def _ended(partitions: str, name: str, job: backfill.Job) -> bool:
    ending = backfill.ending(job)
    said = f"{partitions}: {name} ended {job.status}, exit code {job.exit_code}: {ending}; its log: ray job logs {name}"
    if ending == "never":
        raise AirflowFailException(said)
    if ending == "try again":
        raise RuntimeError(said)
    log.log(logging.WARNING if ending == "done with rejects" else logging.INFO, "%s", said)
    return True


reviewmine_backfill()
