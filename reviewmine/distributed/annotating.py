"""Annotating on Ray: fragments stream through read tasks, a pool of model actors and write tasks."""

import logging
import os
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import pyarrow as pa
import ray
import ray.data
from ray.data import ActorPoolStrategy, DataContext
from ray.exceptions import GetTimeoutError, UserCodeException

from reviewmine.backfill.work import Job, Outcome, Task
from reviewmine.distributed.ledger import MAX_DEATHS, Ledger
from reviewmine.distributed.session import CPUS_BESIDE_MODELS, ray_session
from reviewmine.distributed.stages import AnnotateStage, Message, Model, ReadStage, WriteStage
from reviewmine.errors import ReviewmineError, UsageError
from reviewmine.store.receipts import Effort
from reviewmine.text.mask import mask_error

logger = logging.getLogger(__name__)

_START_TIMEOUT_S = 900
_POLL_S = 2.0
_NO_PROGRESS_TIMEOUT_S = 6 * 3600  # a fragment may take a slow model an hour; only a hang takes a shift
_TASKS: Final[dict[str, Any]] = {
    "batch_size": 1,
    "batch_format": "pyarrow",
    "num_cpus": 0.5,  # unlike an actor's, or Ray would fuse reading into the actors and starve the model
}

Stage = Callable[[Message], Message]
MakeStage = Callable[[Job, Model], Stage]


class RayExecutor:
    """Executes tasks on Ray: the cluster that this process is attached to, or one of this machine's own.

    Each row of the dataset is one fragment and each block one row: Ray then never cuts or joins fragments. A
    worker that dies is started again by Ray with its task, and the ledger gives up a task that keeps killing.
    """

    def __init__(
        self,
        job: Job,
        model: Model,
        *,
        annotate: MakeStage = AnnotateStage,
        start_timeout_s: int = _START_TIMEOUT_S,
    ) -> None:
        """`start_timeout_s` is how long a cluster may take to have room for the actors, and then they to start."""
        self._job = job
        self._model = model
        self._annotate = annotate
        self._start_timeout_s = start_timeout_s

    def execute(self, tasks: Sequence[Task]) -> Generator[Outcome, None, None]:
        """The outcomes as they come, in any order; a Ray of this machine's own ends with them.

        Raises what `await_room` raises, ReviewmineError where the actors do not start in time, and the ReviewmineError
        that a worker raised; a crash that Ray itself cannot mend is raised as it is.
        """
        with ray_session():
            yield from self._execute(tasks)

    def _execute(self, tasks: Sequence[Task]) -> Iterator[Outcome]:
        num_actors, num_gpus = self.await_room(len(tasks))
        free = ray.available_resources()
        ledger = Ledger()
        read = Read(ledger, ReadStage(self._job, self._model))
        write = Write(ledger, WriteStage(self._job))
        _set_context(self._start_timeout_s)
        fragments = ray.data.from_blocks([_row(Message(task)) for task in tasks])
        streamed = (
            fragments.map_batches(read, **_TASKS)
            .map_batches(
                Annotate,
                fn_constructor_args=(
                    ledger,
                    self._annotate,
                    self._job,
                    placed_on(self._model, num_gpus=num_gpus),
                ),
                compute=ActorPoolStrategy(size=num_actors),
                batch_size=1,
                batch_format="pyarrow",
                num_cpus=self._model.pool.num_cpus_per_actor,
                num_gpus=num_gpus or None,
            )
            .map_batches(write, **_TASKS)
        )
        try:
            for batch in streamed.iter_batches(batch_size=1, batch_format="pyarrow", prefetch_batches=0):
                message = _message(batch)
                assert message.outcome is not None  # the last stage ends every message
                yield message.outcome
        except GetTimeoutError:  # of all that Ray Data waits for, the start of actors alone has a limit
            raise self._not_started(num_actors, num_gpus, free) from None
        except Exception as error:
            raise _our_error_in(error) or error from None

    def uses_gpus(self) -> bool:
        """Whether each actor has a GPU; a Ray must be up."""
        device = self._model.pool.device
        return device == "cuda" or (device == "auto" and ray.cluster_resources().get("GPU", 0) > 0)

    def await_room(self, num_tasks: int) -> tuple[int, int]:
        """How many actors there are to be for so many tasks, and the GPUs of each; a Ray must be up.

        A cluster whose nodes are away for the moment is waited for; what other jobs hold of it is not looked at.

        Raises UsageError where this machine's own Ray has no room for the actors and to read and write beside them, and
        ReviewmineError where a cluster has none in time, which a retry may find.
        """
        give_up_at = time.monotonic() + self._start_timeout_s
        is_waiting = False
        while True:
            num_gpus = 1 if self.uses_gpus() else 0
            num_actors = min(self.num_actors(), num_tasks)
            needed, found = self._needed(num_actors, num_gpus), ray.cluster_resources()
            if _has(found, needed):
                return num_actors, num_gpus
            lack = (
                f"the cluster has {_said(found)}; expected at least {_said(needed)} for {num_actors} actors, reading "
                "and writing; lower num_actors or num_cpus_per_actor under [pool]"
            )
            if not os.environ.get("RAY_ADDRESS"):
                raise UsageError(lack)
            if time.monotonic() >= give_up_at:
                raise ReviewmineError(f"{lack}, or bring its missing nodes back")
            if not is_waiting:
                logger.warning("%s; waiting for nodes, %d s at most", lack, self._start_timeout_s)
                is_waiting = True
            time.sleep(min(_POLL_S, max(0.0, give_up_at - time.monotonic())))

    def _needed(self, num_actors: int, num_gpus: int) -> dict[str, float]:
        num_cpus = num_actors * self._model.pool.num_cpus_per_actor + 2 * _TASKS["num_cpus"]
        return {"CPU": num_cpus, "GPU": num_actors * num_gpus}

    def _not_started(self, num_actors: int, num_gpus: int, free: Mapping[str, float]) -> ReviewmineError:
        """What is to be said when the time to start is over; `free` is what the cluster had left before."""
        needed = self._needed(num_actors, num_gpus)
        fix = (
            "their workers' logs tell what kept them"
            if _has(free, needed)
            else "another job holds the others: wait until it has ended, or lower num_actors under [pool]"
        )
        return ReviewmineError(
            f"the {num_actors} actors have not all started within {self._start_timeout_s} s: the cluster has "
            f"{_said(ray.cluster_resources())}, of which {_said(free)} were free; expected {_said(needed)}; {fix}"
        )

    def num_actors(self) -> int:
        """How many actors there will be for as many fragments or more; a Ray must be up."""
        if self._model.pool.num_actors:
            return self._model.pool.num_actors
        resources = ray.cluster_resources()
        if self.uses_gpus():
            return max(1, int(resources.get("GPU", 0)))
        spare = resources.get("CPU", 1) - CPUS_BESIDE_MODELS
        return max(1, int(spare) // self._model.pool.num_cpus_per_actor)


class WorkerError(UserCodeException):  # type: ignore[misc]
    """A ReviewmineError on its way from a worker: Ray passes on an exception's attributes, not what it came from."""

    def __init__(self, cause: ReviewmineError) -> None:
        super().__init__(str(cause))
        self.cause = cause


class _Guarded:
    """A stage as Ray Data calls it: a batch of one row in, one out, and no work begun that has killed too often."""

    def __init__(self, ledger: Ledger, stage: Stage) -> None:
        self._ledger = ledger
        self._stage = stage

    def __call__(self, batch: pa.Table) -> pa.Table:
        message = _message(batch)
        if message.outcome is not None:
            return batch
        name = type(self).__name__
        work, is_probe = f"{name} {message.task.name}", message.task.probes_many
        with self._ledger.working_on(work, max_deaths=1 if is_probe else MAX_DEATHS) as may_begin:
            if not may_begin:
                reason = f"workers of the stage {name} keep dying on it"
                return _row(message.ended(Outcome(kind="poisoned", task=message.task, reason=reason)))
            return _row(self._work(message))

    def _work(self, message: Message) -> Message:
        """Ray writes what a stage raises into its logs."""
        try:
            return self._stage(message)
        except ReviewmineError as error:
            raise WorkerError(error) from error
        except Exception as raised:
            mask_error(raised)
            raise


class Read(_Guarded):
    """The read stage, under the name that Ray shows."""


class Annotate(_Guarded):
    """The annotate stage as an actor: the weights are loaded where it runs, once."""

    def __init__(self, ledger: Ledger, make: MakeStage, job: Job, model: Model) -> None:
        super().__init__(ledger, _made(make, job, model))


class Write(_Guarded):
    """The write stage, under the name that Ray shows."""


def placed_on(model: Model, *, num_gpus: int) -> Model:
    """The model for an actor with so many GPUs: one that Ray gave it is used, or its absence is an error."""
    if not num_gpus:
        return model
    return replace(model, pool=model.pool.model_copy(update={"device": "cuda"}))


def _made(make: MakeStage, job: Job, model: Model) -> Stage:
    """The stage, or one that raises why there is none: of an error in a constructor Ray keeps the text alone."""
    try:
        return make(job, model)
    except ReviewmineError as error:
        refusal = error

    def refuse(message: Message) -> Message:
        raise refusal

    return refuse


def _has(resources: Mapping[str, float], needed: Mapping[str, float]) -> bool:
    return all(resources.get(name, 0) >= amount for name, amount in needed.items())


def _said(resources: Mapping[str, float]) -> str:
    return f"{resources.get('CPU', 0):g} CPUs and {resources.get('GPU', 0):g} GPUs"


def _set_context(start_timeout_s: int) -> None:
    context = DataContext.get_current()
    context.wait_for_min_actors_s = start_timeout_s
    context.execution_no_progress_timeout_s = _NO_PROGRESS_TIMEOUT_S
    context.execution_options.preserve_order = False
    context.raise_original_map_exception = True  # in place of one that has lost its cause
    context.enable_progress_bars = False  # they count fragments; ours count rows
    logging.getLogger("ray.data").setLevel(logging.ERROR)


def _row(message: Message) -> pa.Table:
    """A message as the one row of a batch."""
    return pa.table(
        {
            "task": pa.array([message.task.encode()], pa.binary()),
            "table": pa.array([_stream(message.table)], pa.large_binary()),
            "carried_over": pa.array([_stream(message.carried_over)], pa.large_binary()),
            "remark": pa.array([message.remark], pa.string()),
            "effort": pa.array([message.effort.encode() if message.effort else None], pa.binary()),
            "outcome": pa.array([message.outcome.encode() if message.outcome else None], pa.binary()),
        }
    )


def _message(batch: pa.Table) -> Message:
    cells = {name: batch[name][0] for name in batch.column_names}
    effort, outcome = cells["effort"].as_py(), cells["outcome"].as_py()
    return Message(
        task=Task.decode(cells["task"].as_py(), where="a task"),
        table=_table(cells["table"]),
        carried_over=_table(cells["carried_over"]),
        remark=cells["remark"].as_py(),
        effort=Effort.decode(effort, where="an effort") if effort else None,
        outcome=Outcome.decode(outcome, where="an outcome") if outcome else None,
    )


def _stream(table: pa.Table | None) -> bytes | None:
    if table is None:
        return None
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as out:
        out.write_table(table)
    written: bytes = sink.getvalue().to_pybytes()
    return written


def _table(stream: pa.Scalar) -> pa.Table | None:
    return pa.ipc.open_stream(stream.as_buffer()).read_all() if stream.is_valid else None


def _our_error_in(error: BaseException) -> ReviewmineError | None:
    """The ReviewmineError that Ray wrapped, however deep."""
    seen: Any = error
    while seen is not None:
        if isinstance(seen, ReviewmineError):
            return seen
        seen = getattr(seen, "cause", None) or seen.__cause__
    return None
