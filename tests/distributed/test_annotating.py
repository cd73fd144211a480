"""Actors that do not start, and what becomes of what a stage raises; the rest is in test_main_job.py."""

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

import pytest
import ray
from ray.exceptions import UserCodeException

from reviewmine.backfill.settings import AnnotateSettings, PoolSettings
from reviewmine.backfill.work import Job, Task
from reviewmine.distributed.annotating import Annotate, RayExecutor, Read, Stage, WorkerError, placed_on
from reviewmine.distributed.ledger import Ledger
from reviewmine.distributed.main_job import intent_of
from reviewmine.distributed.stages import Message, Model
from reviewmine.distributed.wire import to_batch
from reviewmine.errors import ArchiveError, CheckpointError, ReviewmineError
from reviewmine.store.fragment import Fragment

TASK = Task(fragment=Fragment(path="a.parquet", etag="1", first_row=0, num_rows=3))
BATCH = to_batch(Message(TASK))


@pytest.fixture
def executor(settings: AnnotateSettings) -> Callable[..., RayExecutor]:
    """Makes executors over a small archive; settings of the pool are given as `pool`."""

    def make(*, pool: PoolSettings, **options: object) -> RayExecutor:
        intent = intent_of(settings.model_copy(update={"pool": pool}))
        return RayExecutor(intent.job, intent.model, **options)

    return make


class CalmLedger(Ledger):
    """A ledger of a run in which nothing dies, without an actor."""

    def __init__(self) -> None:
        pass

    @contextmanager
    def working_on(self, work: str, *, max_deaths: int = 2) -> Iterator[bool]:
        yield True


def read_with(error: Exception) -> None:
    """Have the read stage raise `error` on a task."""

    def stage(message: Message) -> Message:
        raise error

    Read(CalmLedger(), stage)(BATCH)


def test_what_a_stage_quotes_of_a_review_is_masked_before_ray_logs_it() -> None:
    with pytest.raises(UserCodeException, match=r"^ValueError: cannot read 'write to \[mail\]'$"):
        read_with(ValueError("cannot read 'write to anna@example.org'"))


def test_our_own_errors_quote_no_review_and_keep_their_words() -> None:
    error = ArchiveError("http://192.0.2.7:9000: no answer")
    with pytest.raises(WorkerError, match=r"^http://192\.0\.2\.7:9000: no answer$") as raised:
        read_with(error)
    assert raised.value.cause is error


@pytest.mark.usefixtures("ray_up")
def test_actors_that_do_not_start_for_another_job_holds_the_processors_are_told_as_such(executor) -> None:
    @ray.remote
    class OtherJob:
        def holds(self) -> bool:
            return True

    found = int(ray.cluster_resources()["CPU"])
    other = OtherJob.options(num_cpus=found).remote()
    assert ray.get(other.holds.remote())
    waiting = executor(pool=PoolSettings(num_actors=1, device="cpu"), start_timeout_s=1)
    told = (
        rf"the 1 actors have not all started within 1 s: the cluster has {found} CPUs and 0 GPUs, of which 0 CPUs "
        r"and 0 GPUs were free; expected 2 CPUs .*; another job holds the others: wait .* or lower num_actors"
    )
    try:
        with pytest.raises(ReviewmineError, match=told) as raised:
            list(waiting.execute([TASK]))
    finally:
        ray.kill(other)
    assert raised.value.exit_code == 1


@pytest.mark.usefixtures("ray_up")
def test_actors_that_have_room_and_are_slow_to_start_blame_no_other_job(executor) -> None:
    deadline = time.monotonic() + 60
    gc.collect()  # actors of another test that never started end with their handles
    while ray.available_resources().get("CPU", 0) < ray.cluster_resources()["CPU"]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    slow = executor(
        pool=PoolSettings(num_actors=1, device="cpu"),
        annotate=lambda job, model: time.sleep(4),
        start_timeout_s=1,
    )
    with pytest.raises(
        ReviewmineError, match=r"not all started within 1 s: .*; their workers' logs tell what kept them"
    ):
        list(slow.execute([TASK]))


def test_an_actor_that_cannot_load_its_model_says_so_with_its_first_fragment() -> None:
    """Of what a constructor raises, Ray would keep the text alone."""

    def refuse(job: Job, model: Model) -> Stage:
        raise ReviewmineError("node7: finds no GPU that it can use")

    actor = Annotate(CalmLedger(), refuse, job=None, model=None)
    with pytest.raises(WorkerError, match=r"^node7: finds no GPU that it can use$"):
        actor(BATCH)


@pytest.mark.usefixtures("ray_up")
def test_an_error_of_ours_in_a_worker_reaches_the_driver_as_it_was_raised(executor, settings) -> None:
    def refuse(job: Job, model: Model) -> Stage:
        raise CheckpointError("node7: the checkpoint is damaged")

    intent = intent_of(settings)
    fragment = intent.planner.plan(intent.result).due()[0].fragments[0]
    refusing = executor(pool=PoolSettings(num_actors=1, device="cpu"), annotate=refuse)
    with pytest.raises(CheckpointError, match=r"^node7: the checkpoint is damaged$"):
        list(refusing.execute([Task(fragment=fragment)]))


@pytest.mark.parametrize(
    ("device", "num_gpus", "placed"), [("auto", 1, "cuda"), ("auto", 0, "auto"), ("cpu", 0, "cpu")]
)
def test_a_gpu_that_ray_gave_an_actor_is_asked_for_and_without_one_the_node_decides(
    device: Literal["auto", "cpu"], num_gpus: int, placed: str
) -> None:
    model = Model(checkpoint="c", digest="d", annotate_unsupported=False, pool=PoolSettings(device=device))
    assert placed_on(model, num_gpus=num_gpus).pool.device == placed
