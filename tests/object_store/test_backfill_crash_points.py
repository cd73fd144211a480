"""A whole backfill of three partitions on Swift, stopped at some of its operations; bench/crash-points takes all."""

import pytest
from backfill_crash_points import HOWS, STARTS, Backfills


@pytest.mark.object_store
@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("how", HOWS)
def test_a_backfill_on_swift_stopped_at_an_operation_is_mended_by_the_next(
    start, how, object_store_uri, tmp_path
):
    few = slice(3, None, 40 if how == "lost" else 12)  # of the reads too, which can only be lost
    found = Backfills(tmp_path, object_store_uri, start=start).stopped_everywhere(how, only=few)
    assert found.num_cases == len(found.operations[few]) > 2
