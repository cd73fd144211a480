"""What Ray writes into its logs when a stage raises; what it does with fragments is in test_main_job.py."""

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
import pytest

from reviewmine.backfill.work import Task
from reviewmine.distributed.annotating import Read
from reviewmine.distributed.ledger import Ledger
from reviewmine.distributed.stages import Message
from reviewmine.errors import ArchiveError
from reviewmine.store.fragment import Fragment


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

    task = Task(fragment=Fragment(path="a.parquet", etag="1", first_row=0, num_rows=3))
    batch = pa.table(
        {
            "task": pa.array([task.encode()], pa.binary()),
            "table": pa.nulls(1, pa.large_binary()),
            "carried_over": pa.nulls(1, pa.large_binary()),
            "remark": pa.nulls(1, pa.string()),
            "effort": pa.nulls(1, pa.binary()),
            "outcome": pa.nulls(1, pa.binary()),
        }
    )
    Read(CalmLedger(), stage)(batch)


def test_what_a_stage_quotes_of_a_review_is_masked_before_ray_logs_it() -> None:
    with pytest.raises(ValueError, match=r"^cannot read 'write to \[mail\]'$"):
        read_with(ValueError("cannot read 'write to anna@example.org'"))


def test_our_own_errors_quote_no_review_and_keep_their_words() -> None:
    with pytest.raises(ArchiveError, match=r"^http://192\.0\.2\.7:9000: no answer$"):
        read_with(ArchiveError("http://192.0.2.7:9000: no answer"))
