"""Stages: the three classes that a task passes through, each called with a Message and answering with one.

They hold no Ray: an executor in this process calls them as they are, and Ray Data moves the messages between them.
A fragment travels whole, its table as one Arrow stream, so that its identity is never lost in somebody's batching.
Torch is imported by the stages that need it, when they need it: a worker that only writes starts without it.
"""

import os
import socket
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from reviewmine.backfill.earlier import EarlierRows
from reviewmine.backfill.settings import PoolSettings
from reviewmine.backfill.work import FragmentReader, FragmentWriter, Job, Outcome, Task
from reviewmine.checkpoints import local_checkpoint
from reviewmine.errors import ArchiveError, ArchiveUnsettled, ContractError
from reviewmine.store.parts import encode_parquet
from reviewmine.store.receipts import Effort

if TYPE_CHECKING:
    from reviewmine.annotate.prepare import Preparer


@dataclass(frozen=True, kw_only=True)
class Model:
    """Which checkpoint annotates, and how; picklable, since it names the weights and does not hold them."""

    checkpoint: str
    digest: str
    annotate_unsupported: bool
    pool: PoolSettings


@dataclass(frozen=True)
class Message:
    """A task on its way: with the table that the last stage made of it, or with its outcome once it has one.

    `carried_over` are rows of the table that are finished; the stages work on the others.
    """

    task: Task
    table: pa.Table | None = None
    carried_over: pa.Table | None = None
    remark: str | None = None
    effort: Effort | None = None
    outcome: Outcome | None = None

    def ended(self, outcome: Outcome) -> "Message":
        """The same with `outcome`, which takes the remark along."""
        told = outcome.model_copy(update={"remark": self.remark})
        return Message(task=self.task, outcome=told)


class ReadStage:
    """Reads, conforms, carries over what is known, cleans and encodes; needs a processor and the tokenizer."""

    def __init__(self, job: Job, model: Model) -> None:
        self._job = job
        self._read = FragmentReader(job)
        self._read_earlier = EarlierRows(job)
        self._model = model

    def __call__(self, message: Message) -> Message:
        from reviewmine.annotate.carryover import carry_over

        task = message.task
        try:
            reviews = self._read(task)
        except (ArchiveError, ContractError) as unread:
            return message.ended(Outcome.unread(task, unread))
        earlier = self._read_earlier(task, reviews["input_hash"])
        reviews, carried_over = carry_over(
            reviews, earlier.rows, source_file=task.fragment.path, carried=self._job.carried
        )
        return replace(
            message,
            table=_preparer(self._model)(reviews, frozenset(task.failed_rows)),
            carried_over=carried_over,
            remark=earlier.remark,
        )


class AnnotateStage:
    """Runs the network; an actor holds one of these, and with it the weights."""

    def __init__(self, job: Job, model: Model) -> None:
        from reviewmine.annotate.annotator import Annotator

        self._job = job
        self._annotator = Annotator(
            local_checkpoint(model.checkpoint, expected_digest=model.digest),
            expected_digest=model.digest,
            device=model.pool.device,
            tokens_per_batch=model.pool.tokens_per_batch,
            num_threads=model.pool.num_cpus_per_actor,
        )

    def __call__(self, message: Message) -> Message:
        from reviewmine.annotate.rows import assemble

        if message.table is None:
            return message
        started = time.perf_counter()
        annotations = assemble(
            message.table,
            self._annotator(message.table, frozenset(message.task.failed_rows)),
            source_file=message.task.fragment.path,
            run_id=self._job.run_id,
            annotated_at=datetime.now(UTC),
            carried=self._job.carried,
        )
        effort = Effort(
            num_tokens=pc.sum(pc.list_value_length(message.table["token_ids"])).as_py() or 0,
            seconds=round(time.perf_counter() - started, 4),
            worker=f"{socket.gethostname()}-{os.getpid()}",
            device=self._annotator.device,
        )
        return replace(message, table=annotations, effort=effort)


class WriteStage:
    """Writes parts and receipt; a probe leaves nothing behind."""

    def __init__(self, job: Job) -> None:
        self._write = FragmentWriter(job)

    def __call__(self, message: Message) -> Message:
        task = message.task
        if message.table is None:
            return message
        if task.probe:
            num_bytes = len(encode_parquet(message.table))
            return message.ended(
                Outcome(kind="probed", task=task, effort=message.effort, num_bytes=num_bytes)
            )
        try:
            receipt = self._write(task, message.table, message.carried_over, message.effort)
        except ArchiveUnsettled as changed:
            return message.ended(Outcome.unread(task, changed))
        return message.ended(Outcome(kind="done", task=task, receipt=receipt))


@lru_cache(maxsize=1)
def _preparer(model: Model) -> "Preparer":
    """The preparer of this process: Ray unpickles a stage for each task, and a tokenizer takes a while to load."""
    from reviewmine.annotate.prepare import Preparer

    return Preparer(
        local_checkpoint(model.checkpoint, expected_digest=model.digest),
        expected_digest=model.digest,
        annotate_unsupported=model.annotate_unsupported,
    )
