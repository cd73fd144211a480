"""Layout: every object has one name, and names tell what they are of."""

import re

from reviewmine.partition import NULL_VALUE, Partition
from reviewmine.store.layout import RUN_ID_PATTERN, Layout, fence_of, new_run_id

LAYOUT = Layout("reviews")
MARCH = Partition((("year", "2024"), ("month", "03")))
RUN = "20240101T000000-0000000a"


def test_the_name_of_a_run_says_when_it_started_and_is_its_own():
    first, second = new_run_id(), new_run_id()
    assert re.fullmatch(RUN_ID_PATTERN, first)
    assert first != second


def test_live_copies_lie_in_the_folders_of_their_partition():
    name = LAYOUT.live_copy(MARCH, f"{RUN}-7", 3)
    assert name == f"reviews/year=2024/month=03/{RUN}-7-00003.parquet"
    assert LAYOUT.live_copy(Partition(), f"{RUN}-7", 0) == f"reviews/{RUN}-7-00000.parquet"


def test_the_fence_of_a_live_copy_is_read_from_its_name():
    assert fence_of(LAYOUT.live_copy(MARCH, f"{RUN}-12", 3)) == 12
    assert fence_of(LAYOUT.live_copy(Partition(), f"{RUN}-1", 123_456)) == 1


def test_a_file_that_is_not_of_our_name_pattern_has_no_fence():
    for name in ("part-0.parquet", f"{RUN}.parquet", f"{RUN}-1-0.parquet.crc", f"x{RUN}-1-00000.parquet", ""):
        assert fence_of(name) is None


def test_everything_but_live_copies_lies_beside_the_table_and_never_inside():
    names = [
        LAYOUT.table_record,
        LAYOUT.scratch,
        LAYOUT.part("result", "fragment", "attempt", MARCH),
        LAYOUT.receipt("result", "fragment"),
        LAYOUT.manifest(MARCH, f"{RUN}-7"),
        LAYOUT.pointer(MARCH),
        LAYOUT.journal(MARCH, 7),
        LAYOUT.lease(MARCH),
        LAYOUT.run(RUN),
        LAYOUT.reject(RUN, "year=2024/month=03/a.parquet"),
    ]
    assert all(name.startswith("reviews__meta/") for name in names)
    assert len(set(names)) == len(names)


def test_names_of_meta_keep_partitions_apart_in_one_segment_each():
    partitions = [
        Partition(),
        MARCH,
        Partition((("year", "2024,month=03"),)),
        Partition((("year", "2024%2Cmonth=03"),)),
        Partition((("dt", NULL_VALUE),)),
    ]
    pointers = {LAYOUT.pointer(partition) for partition in partitions}
    assert len(pointers) == len(partitions)
    assert {name.count("/") for name in pointers} == {2}


def test_journals_sort_by_fence():
    assert sorted(LAYOUT.journal(MARCH, fence) for fence in (10, 9, 100)) == [
        LAYOUT.journal(MARCH, fence) for fence in (9, 10, 100)
    ]
