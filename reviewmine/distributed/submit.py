"""Submitting: a job to a Ray cluster, its log as it comes, and its exit code as the run's."""

import asyncio
import shlex
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from ray.job_submission import JobStatus, JobSubmissionClient

from reviewmine.backfill.stopping import StopSignal
from reviewmine.distributed.tries import Try, latest_try, next_id
from reviewmine.errors import EXIT_DONE, EXIT_FAILED, EXIT_RESUMABLE, ReviewmineError, Stopped, UsageError

_POLL_S = 2.0
_START_S = 120.0


def submit(
    arguments: Sequence[str],
    *,
    address: str,
    working_dir: Path,
    submission_id: str | None = None,
    out: TextIO = sys.stdout,
) -> int:
    """Run `jobs/<arguments[0]>.py` with the other arguments on the cluster at `address`; the run's exit code.

    A submission id guards against a job sent twice: one that is there is followed, unless it failed or was stopped;
    then this is its next try, under the next id. SIGTERM stops the job, and waits until it has stopped.
    Raises UsageError where there is no such job or address, ReviewmineError where no cluster answers or it refuses,
    and Stopped after SIGTERM.
    """
    job, *rest = arguments
    script = working_dir / "jobs" / f"{job}.py"
    if not script.is_file():
        known = sorted(path.stem for path in (working_dir / "jobs").glob("*.py"))
        raise UsageError(f"{script}: there is no such job; found {', '.join(known) or 'none'}")
    entrypoint = shlex.join(["python", f"jobs/{job}.py", *rest])
    try:
        client = JobSubmissionClient(address)
        latest = _latest_try(client, submission_id) if submission_id else None
        if latest is not None and latest.stands:
            submitted = latest.id
        else:
            submitted = _send(client, entrypoint, working_dir, next_id(submission_id, latest))
    except (ConnectionError, RuntimeError, ValueError) as refused:
        # A head that is just starting, or away, is worth another try to a schedule; an address that is none is not.
        wrong = UsageError if isinstance(refused, ValueError) else ReviewmineError
        raise wrong(
            f"{address}: the job was not accepted: {refused}; expected the dashboard of a cluster, such as "
            "http://head:8265, and RAY_AUTH_TOKEN where it asks for one"
        ) from None
    return _see_to_its_end(client, submitted, out)


def _latest_try(client: JobSubmissionClient, submission_id: str) -> Try | None:
    return latest_try(
        submission_id,
        (
            Try(job.submission_id, str(job.status), job.driver_exit_code)
            for job in client.list_jobs()
            if job.submission_id
        ),
    )


def _see_to_its_end(client: JobSubmissionClient, submitted: str, out: TextIO) -> int:
    stop = StopSignal()
    with stop.heeded():
        try:
            with stop.interrupting():
                # Where the log breaks off the job goes on, and its end is still waited for.
                with suppress(RuntimeError):
                    asyncio.run(_follow(client, submitted, out))
                return _exit_code(client, submitted)
        except Stopped:
            client.stop_job(submitted)
            _exit_code(client, submitted)
            raise


def _send(client: JobSubmissionClient, entrypoint: str, working_dir: Path, submission_id: str | None) -> str:
    """The id of the job; a cluster that answers before it has an agent to run jobs is given time to start one."""
    give_up_at = time.monotonic() + _START_S
    while True:
        try:
            submitted: str = client.submit_job(
                entrypoint=entrypoint,
                submission_id=submission_id,
                runtime_env={
                    "working_dir": str(working_dir),
                    "excludes": ["/.venv", "/.git", "/demo", "/runs"],
                },
            )
            return submitted
        except RuntimeError as refused:
            if submission_id is not None and "already exists" in str(refused):
                return submission_id  # somebody else has sent it in this moment
            if "No available agent" not in str(refused) or time.monotonic() > give_up_at:
                raise
        time.sleep(_POLL_S)


async def _follow(client: JobSubmissionClient, submitted: str, out: TextIO) -> None:
    async for lines in client.tail_job_logs(submitted):
        out.write(lines)
        out.flush()


def _exit_code(client: JobSubmissionClient, submitted: str) -> int:
    while not (info := client.get_job_info(submitted)).status.is_terminal():
        time.sleep(_POLL_S)
    if info.status == JobStatus.SUCCEEDED:
        return EXIT_DONE
    stopped = EXIT_RESUMABLE if info.status == JobStatus.STOPPED else EXIT_FAILED
    return info.driver_exit_code or stopped
