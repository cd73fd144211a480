"""Summaries: what counts as annotated, and which exit code a run ends with."""

from datetime import UTC, datetime

import pytest

from reviewmine.backfill.summary import Summary
from reviewmine.errors import EXIT_DONE, EXIT_DONE_WITH_REJECTS, EXIT_FAILED, EXIT_RESUMABLE
from reviewmine.store.fragment import Fragment
from reviewmine.store.receipts import Receipt


def summary(**changes: object) -> Summary:
    return Summary(
        run_id="r", state="done", started_at=datetime.now(UTC), updated_at=datetime.now(UTC)
    ).model_copy(update=changes)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, EXIT_DONE),
        ({"files_rejected": 1}, EXIT_DONE_WITH_REJECTS),
        ({"partitions_failed": {"dt=1": "held"}}, EXIT_FAILED),
        ({"files_rejected": 1, "partitions_failed": {"dt=1": "held"}}, EXIT_FAILED),
        ({"state": "failed"}, EXIT_FAILED),
        ({"state": "running"}, EXIT_FAILED),
        ({"state": "stopped"}, EXIT_RESUMABLE),
        ({"partitions_gone": 3}, EXIT_DONE),
    ],
)
def test_the_exit_code_tells_how_a_run_ended(changes, code):
    assert summary(**changes).exit_code == code


def test_only_rows_that_a_model_filled_count_as_annotated():
    counts = {"ok": 5, "truncated": 2, "repaired": 1, "empty": 4, "unsupported_language": 3, "failed": 9}
    assert summary(rows_by_status=counts).rows_annotated == 8


def test_rows_that_were_carried_over_were_read_and_not_annotated():
    fragment = Fragment(path="a.parquet", etag="x", first_row=0, num_rows=10)
    receipt = Receipt(
        result_key="r",
        fragment=fragment,
        run_id="r",
        attempt="a",
        parts=(),
        num_rows_by_status={"ok": 7, "empty": 3},
        num_carried_by_status={"ok": 6, "empty": 3},
        put_at=datetime.now(UTC),
    )
    made = summary(rows_by_status={"ok": 1}, rows_read=1).with_receipt(receipt)
    assert (made.rows_read, made.rows_carried, made.rows_annotated) == (11, 9, 2)
    assert made.rows_by_status == {"ok": 2}


def test_a_summary_is_read_back_from_the_meta_as_it_was():
    made = summary(rows_by_status={"ok": 1}, seconds=1.5)
    assert Summary.decode(made.encode(), where="x") == made
