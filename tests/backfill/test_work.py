"""Work: rows are read as they lie in the file, and written only if they are one for each."""

import pickle
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from archives import reviews, write_files
from backfill_world import InProcess, World

from reviewmine.backfill.work import EarlierOf, FragmentReader, FragmentWriter, Job, Task
from reviewmine.contract.annotations import annotations_schema
from reviewmine.contract.carried import CARRIED_PREFIX
from reviewmine.contract.reviews import REVIEWS_SCHEMA
from reviewmine.errors import ArchiveUnsettled, ContractError
from reviewmine.partition import NULL_VALUE, PartitionBy
from reviewmine.store.receipts import get_receipt

PATH = "dt=1/a.parquet"
IDS = ["a", "b", "b", "c"]
DAYS = ["2024-01-01", None, "2024-01-02", "2024-01-01"]


def made(root: Path, partition_by: PartitionBy | None = None) -> tuple[World, Job, Task]:
    """A world of one file, the job of a run over it, and the task of its only fragment."""
    world = World(root, partition_by=partition_by, carry=["stars"])
    world.write({PATH: reviews(IDS, DAYS, stars=[1, 2, 3, 4])})
    world.prepare()
    assert world.executor is not None
    fragment = world.plan().partitions[0].fragments[0]
    return world, world.executor._job, Task(fragment=fragment)


def annotations(job: Job, task: Task) -> pa.Table:
    return InProcess(job)._annotate(task, FragmentReader(job)(task))


def test_a_fragment_is_read_and_conformed_in_the_order_of_its_file(tmp_path):
    _, job, task = made(tmp_path)
    rows = FragmentReader(job)(task)
    assert rows.column_names == [*REVIEWS_SCHEMA.names, f"{CARRIED_PREFIX}stars"]
    assert rows["review_id"].to_pylist() == IDS
    assert rows["source_row"].to_pylist() == [0, 1, 2, 3]


def test_a_probe_reads_its_rows_alone_under_their_numbers_in_the_file(tmp_path):
    _, job, task = made(tmp_path)
    rows = FragmentReader(job)(task.model_copy(update={"probe": (1, 3)}))
    assert (rows["review_id"].to_pylist(), rows["source_row"].to_pylist()) == (["b", "b"], [1, 2])
    assert task.span == (0, 4)


def test_a_fragment_in_the_middle_of_a_file_keeps_its_row_numbers(tmp_path):
    _, job, task = made(tmp_path)
    middle = task.fragment.model_copy(update={"first_row": 2, "num_rows": 2})
    assert FragmentReader(job)(Task(fragment=middle))["source_row"].to_pylist() == [2, 3]


def test_a_file_without_a_required_column_is_named(tmp_path):
    world, job, task = made(tmp_path)
    write_files(world.root, {PATH: reviews(IDS).drop_columns(["body"])})
    etag = next(file.etag for file in job.archive.files())
    moved = task.fragment.model_copy(update={"etag": etag})
    with pytest.raises(
        ContractError, match=r"archive/dt=1/a\.parquet: found review_id; expected a column 'body'"
    ):
        FragmentReader(job)(Task(fragment=moved))


def test_a_written_fragment_has_one_part_and_then_a_receipt(tmp_path):
    _, job, task = made(tmp_path)
    receipt = FragmentWriter(job)(task, annotations(job, task))
    (part,) = receipt.parts
    assert (part.partition, part.num_rows, receipt.num_rows_by_status) == ("dt=1", 4, {"empty": 4})
    table = pq.read_table(job.table.store.open(part.name), partitioning=None)
    assert table.schema.equals(annotations_schema(job.carried), check_metadata=True)
    assert (table["review_id"].to_pylist(), table["stars"].to_pylist()) == (IDS, [1, 2, 3, 4])
    assert get_receipt(job.table.store, job.table.layout, job.result_key, task.fragment) == receipt


def test_where_keys_are_derived_each_value_has_a_part(tmp_path):
    _, job, task = made(tmp_path, "day")
    receipt = FragmentWriter(job)(task, annotations(job, task))
    assert {part.partition: part.num_rows for part in receipt.parts} == {
        "review_day=2024-01-01": 2,
        "review_day=2024-01-02": 1,
        f"review_day={NULL_VALUE}": 1,
    }


def test_a_file_that_changed_meanwhile_gets_no_receipt(tmp_path):
    world, job, task = made(tmp_path)
    rows = annotations(job, task)
    write_files(world.root, {PATH: reviews(["other"])})
    with pytest.raises(ArchiveUnsettled, match="changed while it was read"):
        FragmentWriter(job)(task, rows)
    assert get_receipt(job.table.store, job.table.layout, job.result_key, task.fragment) is None


SPOILERS = {
    "a row lost": lambda rows: rows.slice(1),
    "a row doubled": lambda rows: rows.take([0, 1, 1, 3]),
    "a row made up": lambda rows: pa.concat_tables([rows, rows.slice(0, 1)]),
    "another file": lambda rows: rows.set_column(3, "source_file", pa.array(["x"] * rows.num_rows)),
    "no row at all": lambda rows: rows.slice(0, 0),
}


@pytest.mark.parametrize("spoiled", SPOILERS)
def test_rows_that_are_not_one_for_each_are_refused_and_nothing_is_put(tmp_path, spoiled):
    _, job, task = made(tmp_path)
    before = list(job.table.store.list(""))
    with pytest.raises(
        ContractError, match=r"a\.parquet rows 0 to 4: found \d annotations that are not one for each"
    ):
        FragmentWriter(job)(task, SPOILERS[spoiled](annotations(job, task)))
    assert list(job.table.store.list("")) == before


def test_rows_in_another_order_are_all_there(tmp_path):
    _, job, task = made(tmp_path)
    assert FragmentWriter(job)(task, annotations(job, task).take([3, 1, 0, 2])).parts[0].num_rows == 4


def test_rows_that_break_the_contract_are_refused(tmp_path):
    _, job, task = made(tmp_path)
    rows = annotations(job, task)
    odd = rows.set_column(rows.column_names.index("status"), "status", pa.array(["splendid"] * 4))
    with pytest.raises(ContractError, match=r"rows 0 to 4: .* status is none of"):
        FragmentWriter(job)(task, odd)
    with pytest.raises(ContractError, match="column 'language' is missing"):
        FragmentWriter(job)(task, rows.drop_columns(["language"]))


def test_a_job_is_pickled_without_a_key(tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-the-tests")
    _, job, task = made(tmp_path)
    FragmentWriter(job)(task, annotations(job, task))
    pickled = pickle.dumps(job)
    assert b"secret-of-the-tests" not in pickled
    assert FragmentReader(pickle.loads(pickled))(task).num_rows == 4


def test_a_task_has_a_name_of_its_own_whatever_it_may_carry_over(tmp_path):
    _, _, task = made(tmp_path)
    earlier = EarlierOf(partition="dt=1", generation="one", numbers=(1, 2))
    probes = {task.model_copy(update=changes).name for changes in ({"probe": (0, 1)}, {"failed_rows": (2,)})}
    assert len({task.name, *probes}) == 3
    assert task.model_copy(update={"earlier": (earlier,)}).name == task.name
