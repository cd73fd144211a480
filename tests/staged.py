"""The stages of the main job in this process, one after another, for whoever counts what the network is given."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from reviewmine.backfill.settings import PoolSettings
from reviewmine.backfill.work import Job, Outcome, Task
from reviewmine.distributed.stages import AnnotateStage, Message, Model, ReadStage, WriteStage
from reviewmine.model.inspect import inspect_checkpoint


def model_of(checkpoint: Path) -> Model:
    """The checkpoint in this directory, on one thread."""
    _, digest = inspect_checkpoint(checkpoint)
    pool = PoolSettings(device="cpu")
    return Model(checkpoint=str(checkpoint), digest=digest, annotate_unsupported=False, pool=pool)


class Staged:
    """Executes tasks by the stages that Ray would call; `annotated` are the ids that the network was given."""

    def __init__(self, job: Job, model: Model) -> None:
        self._stages = ReadStage(job, model), AnnotateStage(job, model), WriteStage(job)
        self.annotated: list[str] = []

    def execute(self, tasks: Sequence[Task]) -> Iterator[Outcome]:
        read, annotate, write = self._stages
        for task in tasks:
            message = read(Message(task))
            if message.table is not None:
                self.annotated += message.table["review_id"].to_pylist()
            yield write(annotate(message)).outcome
