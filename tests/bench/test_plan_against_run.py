"""The bench of plans against their runs: its samples, and what it holds against a plan."""

import json
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

sys.path.append(str(Path(__file__).resolve().parents[2] / "scripts" / "bench"))

from plan_against_run import broken_promises, read_record, sample, tried

PLAN = {
    "rows_to_annotate": 100,
    "tokens": {"low": 900, "expected": 1050, "high": 1200},
    "hours": {"low": 0.01, "expected": 0.02, "high": 0.03},
    "rests_on": ["pace: a trial"],
}
RUN = {
    "rows_read": 100,
    "num_tokens": 1000,
    "seconds": 80.0,
    "startup_s": 9.0,
    "seconds_of_workers": {"a": 30.0, "b": 32.0},
}
GOOD = tried("set", 1, PLAN, RUN, 85.0)


def test_a_plan_that_was_kept_breaks_nothing():
    assert "80 s, the command 85 s (told 72, 36 to 108) inside" in str(GOOD)
    assert "(told 1,050, +5.0%)" in str(GOOD)
    assert broken_promises([GOOD]) == []


def test_rows_tokens_and_too_many_times_outside_are_told():
    late = replace(GOOD, seconds=200.0)
    assert broken_promises([GOOD] * 8 + [late] * 2) == []
    assert broken_promises([GOOD] * 7 + [late] * 3) == ["the time was inside its interval in 7 of 10 tries"]
    assert broken_promises([replace(GOOD, rows=99)]) == ["set, seed 1: rows are not exact"]
    assert broken_promises([replace(GOOD, tokens=900)]) == ["set, seed 1: tokens are off by +16.7%"]


def test_a_sample_is_the_same_for_the_same_seed(tmp_path):
    file = tmp_path / "set.parquet"
    pq.write_table(pa.table({"review_id": range(1000)}), file)
    once, again, other = (sample(file, num_rows=(10, 20), seed=seed) for seed in (1, 1, 2))
    assert once == again != other
    assert 10 <= once.num_rows <= 20


def test_what_was_recorded_is_read_again(tmp_path):
    record = tmp_path / "tries.jsonl"
    record.write_text(json.dumps(asdict(GOOD)) + "\n")
    assert read_record(record) == [GOOD]
