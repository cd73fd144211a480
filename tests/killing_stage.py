"""An annotate stage whose worker dies, like one that is killed for its memory, when it meets one certain review."""

import os

from reviewmine.distributed.stages import AnnotateStage, Message

POISON = "r3"


class KillingStage(AnnotateStage):
    """Dies on the review POISON unless that is known to fail."""

    def __call__(self, message: Message) -> Message:
        if message.table is not None:
            rows = zip(
                message.table["review_id"].to_pylist(), message.table["source_row"].to_pylist(), strict=True
            )
            if any(name == POISON and row not in message.task.failed_rows for name, row in rows):
                os._exit(137)
        return super().__call__(message)
