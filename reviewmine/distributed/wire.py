"""Wire: a message as the one row of a batch, which is how Ray Data carries it from stage to stage."""

import pyarrow as pa

from reviewmine.backfill.work import Outcome, Task
from reviewmine.distributed.stages import Message
from reviewmine.store.receipts import Effort


def to_batch(message: Message) -> pa.Table:
    """A batch [1] of `message`; `of_batch` undoes it."""
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


def of_batch(batch: pa.Table) -> Message:
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
