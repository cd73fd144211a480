"""Fragments: every row once, within both bounds, and the same for everyone who cuts."""

from hypothesis import given
from hypothesis import strategies as st

from reviewmine.store.fragment import MAX_BYTES, MAX_ROWS, Fragment, RowGroup, cut

GROUPS = st.lists(
    st.builds(RowGroup, num_rows=st.integers(0, 100), num_bytes=st.integers(0, 10_000)), max_size=20
)
MAX = {"max_rows": 30, "max_bytes": 2000}


def fragments(groups: list[RowGroup], **bounds: int) -> list[Fragment]:
    return list(cut("a.parquet", "etag", groups, **(bounds or MAX)))


def ranges(groups: list[RowGroup], **bounds: int) -> list[tuple[int, int]]:
    return [(fragment.first_row, fragment.end_row) for fragment in fragments(groups, **bounds)]


def group(num_rows: int, num_bytes: int = 0) -> RowGroup:
    return RowGroup(num_rows=num_rows, num_bytes=num_bytes)


@given(GROUPS)
def test_fragments_cover_every_row_once_and_in_order(groups):
    row = 0
    for first, end in ranges(groups):
        assert first == row < end
        row = end
    assert row == sum(group.num_rows for group in groups)


@given(GROUPS)
def test_no_fragment_has_more_rows_than_allowed(groups):
    assert all(fragment.num_rows <= MAX["max_rows"] for fragment in fragments(groups))


@given(GROUPS)
def test_a_fragment_is_within_the_bytes_allowed_wherever_rows_are_of_one_size(groups):
    """The bytes of a fragment are those of its share of each row group; one row can always be too large."""
    bounds = []
    row = 0
    for group in groups:
        bounds.append((row, row + group.num_rows, group.num_bytes))
        row += group.num_rows
    for first, end in ranges(groups):
        shares = (
            num_bytes * max(0, min(end, last) - max(first, start)) / (last - start)
            for start, last, num_bytes in bounds
            if last > start
        )
        largest = max(
            (num_bytes / (last - start) for start, last, num_bytes in bounds if last > start), default=0
        )
        assert sum(shares) <= MAX["max_bytes"] + largest or end - first == 1


@given(GROUPS)
def test_the_same_file_is_cut_the_same_every_time(groups):
    assert fragments(groups) == fragments(groups)
    ids = [fragment.id for fragment in fragments(groups)]
    assert len(set(ids)) == len(ids)


def test_small_row_groups_are_joined_until_the_next_would_be_too_much():
    assert ranges([group(10)] * 7) == [(0, 30), (30, 60), (60, 70)]
    assert ranges([group(1, 900)] * 5) == [(0, 2), (2, 4), (4, 5)]


def test_a_large_row_group_is_cut_by_itself_into_equal_ranges():
    assert ranges([group(5), group(100), group(5)]) == [
        (0, 5),
        (5, 30),
        (30, 55),
        (55, 80),
        (80, 105),
        (105, 110),
    ]
    assert ranges([group(8, 4000)]) == [(0, 4), (4, 8)]


def test_a_row_that_is_too_large_by_itself_is_a_fragment_by_itself():
    assert ranges([group(2, 100_000)]) == [(0, 1), (1, 2)]


def test_row_groups_without_rows_are_nothing():
    assert ranges([]) == []
    assert ranges([group(0), group(3), group(0), group(2)]) == [(0, 5)]
    assert ranges([group(0, 5000)]) == []


def test_by_default_a_fragment_has_at_most_20000_rows_and_64_megabytes():
    assert (MAX_ROWS, MAX_BYTES) == (20_000, 64 * 2**20)
    assert ranges([group(1_000_000)], max_rows=MAX_ROWS, max_bytes=MAX_BYTES)[0] == (0, 20_000)


def test_a_fragment_is_named_by_what_it_is():
    one = Fragment(path="a.parquet", etag="1", first_row=0, num_rows=5)
    assert one.id == Fragment(path="a.parquet", etag="1", first_row=0, num_rows=5).id
    others = [{"path": "b.parquet"}, {"etag": "2"}, {"first_row": 1}, {"num_rows": 6}]
    assert one.id not in {one.model_copy(update=other).id for other in others}
