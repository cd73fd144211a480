"""The one row of a batch that a message travels as."""

import pyarrow as pa

from reviewmine.backfill.work import Outcome, Task
from reviewmine.distributed.stages import Message
from reviewmine.distributed.wire import of_batch, to_batch
from reviewmine.store.fragment import Fragment
from reviewmine.store.receipts import Effort

TASK = Task(fragment=Fragment(path="a.parquet", etag="1", first_row=0, num_rows=3))
ROWS = pa.table({"review_id": ["a", "b"], "token_ids": [[1, 2], []]})


def test_a_message_arrives_with_its_rows_and_what_is_told_of_them() -> None:
    sent = Message(
        TASK,
        table=ROWS,
        carried_over=ROWS.slice(1),
        remark="one part was gone",
        effort=Effort(num_tokens=2, seconds=0.5, worker="w", device="cpu"),
    )
    batch = to_batch(sent)
    assert batch.num_rows == 1
    assert of_batch(batch) == sent


def test_a_message_that_has_ended_arrives_with_its_outcome_alone() -> None:
    sent = Message(TASK).ended(Outcome(kind="failed", task=TASK, reason="no such column"))
    assert of_batch(to_batch(sent)) == sent
