"""Annotating on Ray: fragments stream through read tasks, a pool of model actors and write tasks."""

import logging
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

import pyarrow as pa
import ray
import ray.data
from ray.data import ActorPoolStrategy, DataContext
from ray.exceptions import GetTimeoutError, UserCodeException

from reviewmine.backfill.work import Job, Outcome, Task
from reviewmine.distributed.ledger import MAX_DEATHS, Ledger
from reviewmine.distributed.room import CPUS_OF_A_TASK, Room
from reviewmine.distributed.session import ray_session
from reviewmine.distributed.stages import AnnotateStage, Message, Model, ReadStage, WriteStage
from reviewmine.distributed.wire import of_batch, to_batch
from reviewmine.errors import ReviewmineError
from reviewmine.text.mask import mask_error

_START_TIMEOUT_S = 900
_NO_PROGRESS_TIMEOUT_S = 6 * 3600  # a fragment may take a slow model an hour; only a hang takes a shift
_TASKS: Final[dict[str, Any]] = {
    "batch_size": 1,
    "batch_format": "pyarrow",
    "num_cpus": CPUS_OF_A_TASK,
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
        """`start_timeout_s` is how long the room for the actors is waited for, and then their start."""
        self._job = job
        self._model = model
        self._annotate = annotate
        self.room = Room(model.pool, timeout_s=start_timeout_s)

    def execute(self, tasks: Sequence[Task]) -> Generator[Outcome, None, None]:
        """The outcomes as they come, in any order; a Ray of this machine's own ends with them.

        Raises what `Room.wait` raises, ReviewmineError where the actors do not start in time, and the ReviewmineError
        that a worker raised; a crash that Ray itself cannot mend is raised as it is.
        """
        with ray_session():
            yield from self._execute(tasks)

    def _execute(self, tasks: Sequence[Task]) -> Iterator[Outcome]:
        num_actors, num_gpus = self.room.wait(len(tasks))
        free = ray.available_resources()
        ledger = Ledger()
        read = Read(ledger, ReadStage(self._job, self._model))
        write = Write(ledger, WriteStage(self._job))
        _set_context(self.room.timeout_s)
        fragments = ray.data.from_blocks([to_batch(Message(task)) for task in tasks])
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
                message = of_batch(batch)
                assert message.outcome is not None  # the last stage ends every message
                yield message.outcome
        except GetTimeoutError:  # of all that Ray Data waits for, the start of actors alone has a limit
            raise self.room.not_started(num_actors, num_gpus, free) from None
        except Exception as error:
            raise _our_error_in(error) or error from None


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
        message = of_batch(batch)
        if message.outcome is not None:
            return batch
        name = type(self).__name__
        work, is_probe = f"{name} {message.task.name}", message.task.probes_many
        with self._ledger.working_on(work, max_deaths=1 if is_probe else MAX_DEATHS) as may_begin:
            if not may_begin:
                reason = f"workers of the stage {name} keep dying on it"
                return to_batch(message.ended(Outcome(kind="poisoned", task=message.task, reason=reason)))
            return to_batch(self._work(message))

    def _work(self, message: Message) -> Message:
        """Ray writes what a stage raises into its logs."""
        try:
            return self._stage(message)
        except ReviewmineError as error:
            raise WorkerError(error) from error
        except Exception as raised:
            mask_error(raised)
            raise UserCodeException(f"{type(raised).__name__}: {raised}") from raised


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


def _set_context(start_timeout_s: int) -> None:
    context = DataContext.get_current()
    context.wait_for_min_actors_s = start_timeout_s
    context.execution_no_progress_timeout_s = _NO_PROGRESS_TIMEOUT_S
    context.execution_options.preserve_order = False
    context.raise_original_map_exception = True  # in place of one that has lost its cause
    context.enable_progress_bars = False  # they count fragments; ours count rows
    logging.getLogger("ray.data").setLevel(logging.ERROR)


def _our_error_in(error: BaseException) -> ReviewmineError | None:
    """The ReviewmineError that Ray wrapped, however deep."""
    seen: Any = error
    while seen is not None:
        if isinstance(seen, ReviewmineError):
            return seen
        seen = getattr(seen, "cause", None) or seen.__cause__
    return None
