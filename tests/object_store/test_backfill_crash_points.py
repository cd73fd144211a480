"""A whole backfill of three partitions on Swift, stopped at a tenth of its operations and mended by the next."""

import pytest
from backfill_crash_points import HOWS, STARTS, Backfills


@pytest.mark.object_store
@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("how", HOWS)
def test_a_backfill_on_swift_stopped_at_an_operation_is_mended_by_the_next(
    start, how, object_store_uri, tmp_path
):
    every_tenth = slice(3, None, 10) if how != "lost" else slice(3, None, 40)
    found = Backfills(tmp_path, object_store_uri, start=start).stopped_everywhere(how, only=every_tenth)
    assert found.num_cases == len(found.operations[every_tenth]) > 2
