"""What a run says of its plan, to a person and to a machine."""

import json

from reviewmine.backfill.plan import Plan
from reviewmine.backfill.result import Result
from reviewmine.backfill.standing import PlannedPartition
from reviewmine.console import JsonConsole, LogConsole
from reviewmine.partition import Partition

KEPT = PlannedPartition(
    partition=Partition.of_path("dt=2024-01-01"), state="gone", reasons=("--prune is not given",)
)
DUE = PlannedPartition(partition=Partition.of_path("dt=2024-01-02"), state="missing")
PLAN = Plan(result=Result(ingredients={}), partitions=(KEPT, DUE))


def test_of_a_partition_that_is_gone_a_person_reads_why_its_rows_stay(capsys):
    LogConsole().planned(PLAN, num_rows=0)
    said = capsys.readouterr().out
    assert (
        "dt=2024-01-01 is gone from the archive; its rows stay in the table: --prune is not given\n" in said
    )


def test_a_machine_reads_it_too_and_of_what_is_due_once_its_end_is_known(capsys):
    JsonConsole().planned(PLAN, num_rows=0)
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line) == {
        "partition": "dt=2024-01-01",
        "state": "gone",
        "reasons": ["--prune is not given"],
    }
