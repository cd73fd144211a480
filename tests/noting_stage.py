"""An annotate stage that leaves notes beside the table: when a model is loaded, and when a fragment is begun."""

import uuid
from pathlib import Path

from reviewmine.backfill.work import Job
from reviewmine.distributed.stages import AnnotateStage, Message, Model


def notes_of(table: str) -> Path:
    """The folder of the notes on a table."""
    return Path(f"{table}-notes")


class NotingStage(AnnotateStage):
    """Touches `loaded-*` once for each model, and `begun-<partition>-*` for each fragment."""

    def __init__(self, job: Job, model: Model) -> None:
        super().__init__(job, model)
        self._notes = notes_of(job.table.uri)
        self._notes.mkdir(exist_ok=True)
        (self._notes / f"loaded-{uuid.uuid4().hex}").touch()

    def __call__(self, message: Message) -> Message:
        (self._notes / f"begun-{message.task.fragment.path.replace('/', '-')}").touch()
        return super().__call__(message)
