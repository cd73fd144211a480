"""Partitions: paths, names, escaping, ranges."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewmine.errors import UsageError
from reviewmine.partition import NULL_VALUE, Partition, PartitionRange, comparable

MARCH = Partition((("year", "2024"), ("month", "03")))
ALL = Partition()
KEYS = st.text(st.characters(exclude_characters="/=", exclude_categories=["Cs"]), min_size=1)
VALUES = st.text(st.characters(exclude_characters="/", exclude_categories=["Cs"]))


def day(value: str) -> Partition:
    return Partition((("dt", value),))


def covered(text: str, *values: str) -> list[str]:
    return [value for value in values if PartitionRange.parse(text).covers(day(value))]


def test_a_partition_is_read_from_its_folders():
    assert Partition.of_path("year=2024/month=03") == MARCH
    assert (MARCH.keys, MARCH.values, str(MARCH)) == (("year", "month"), ("2024", "03"), "year=2024/month=03")


def test_folders_that_are_no_key_and_value_are_passed_over():
    assert Partition.of_path("reviews/year=2024/eu/month=03") == MARCH


def test_the_name_of_a_file_says_nothing_about_its_partition():
    assert Partition.of_file("year=2024/month=03/rating=5.parquet") == MARCH
    assert Partition.of_file("rating=5.parquet") == ALL


def test_the_one_partition_of_an_unpartitioned_table_is_called_all():
    assert (ALL.path, ALL.name, str(ALL)) == ("", "all", "all")
    assert Partition.of_name("all") == ALL


def test_values_are_unescaped_and_folders_keep_their_spelling():
    partition = Partition.of_path("brand=A%2FB%20%26 C/city=Zürich")
    assert partition.values == ("A/B & C", "Zürich")
    assert partition.path == "brand=A%2FB%20%26 C/city=Zürich"


def test_two_spellings_of_one_value_are_two_partitions():
    assert Partition.of_path("brand=A%20B").name != Partition.of_path("brand=A B").name


def test_a_comma_in_a_value_is_no_border_between_keys():
    partition = Partition.of_path("brand=Salt, Pepper & Co/dt=2024-01-01")
    assert "/" not in partition.name
    assert Partition.of_name(partition.name) == partition


@given(st.lists(st.tuples(KEYS, VALUES), max_size=3))
def test_name_and_path_stand_for_one_partition_each(pairs):
    partition = Partition(tuple(pairs))
    assert Partition.of_path(partition.path) == partition
    assert Partition.of_name(partition.name) == partition
    assert "/" not in partition.name


def test_an_equals_sign_in_a_value_belongs_to_the_value():
    assert Partition.of_path("query=a=b").pairs == (("query", "a=b"),)


def test_derived_partitions_have_keys_of_their_own():
    assert Partition.derived("month", "2024-03").path == "review_month=2024-03"
    assert Partition.derived("day", NULL_VALUE).path == f"review_day={NULL_VALUE}"


def test_a_closed_range_takes_both_ends():
    assert covered("2024-01..2024-03", "2023-12", "2024-01", "2024-02", "2024-03", "2024-04") == [
        "2024-01",
        "2024-02",
        "2024-03",
    ]


def test_an_open_end_takes_everything_on_its_side():
    assert covered("2024-02..", "2024-01", "2024-02", "2025-01") == ["2024-02", "2025-01"]
    assert covered("..2024-02", "2023-01", "2024-02", "2024-03") == ["2023-01", "2024-02"]


def test_one_value_takes_one_partition():
    assert covered("2024-02", "2024-01", "2024-02", "2024-03") == ["2024-02"]


def test_a_bound_reaches_as_far_as_it_is_written():
    days = ["2023-12-31", "2024-06-01", "2024-06-30", "2024-07-01"]
    assert covered("2024-06", *days) == ["2024-06-01", "2024-06-30"]
    assert covered("..2024-06", *days) == days[:3]
    assert covered("2024..2024", *days) == days[1:]


def test_several_keys_are_compared_key_by_key():
    months = [
        Partition((("year", y), ("month", m))) for y, m in [("2023", "12"), ("2024", "01"), ("2024", "02")]
    ]
    within = PartitionRange.parse("2023/12..2024/01")
    assert [within.covers(month) for month in months] == [True, True, False]
    assert [PartitionRange.parse("2024").covers(month) for month in months] == [False, True, True]


def test_numbers_without_a_leading_zero_are_ordered_as_numbers():
    months = [Partition((("year", "2024"), ("month", str(month)))) for month in range(1, 13)]
    within = PartitionRange.parse("2024/2..2024/10")
    assert [month.values[1] for month in months if within.covers(month)] == [*"23456789", "10"]
    assert [m.values[1] for m in months if PartitionRange.parse("2024/1").covers(m)] == ["1"]


def test_a_bound_may_be_written_as_partitions_are():
    assert PartitionRange.parse("year=2024/month=03").covers(MARCH)
    assert not PartitionRange.parse("year=2024/month=04..").covers(MARCH)


def test_undated_rows_lie_in_no_range_but_can_be_asked_for():
    undated = Partition((("year", "2024"), ("month", NULL_VALUE)))
    assert not PartitionRange.parse("..2024").covers(undated)
    assert not PartitionRange.parse("2024..").covers(undated)
    assert PartitionRange.parse(f"2024/{NULL_VALUE}").covers(undated)
    assert covered(NULL_VALUE, NULL_VALUE, "2024-01") == [NULL_VALUE]


@pytest.mark.parametrize("text", ["", "..", "  "])
def test_a_range_without_any_bound_is_refused(text):
    with pytest.raises(UsageError, match=r"expected A\.\.B, A\.\., \.\.B or one partition value"):
        PartitionRange.parse(text)


def test_a_range_that_runs_backwards_is_refused():
    with pytest.raises(UsageError, match="'2024-03' lies after '2024-01'; put the earlier one first"):
        PartitionRange.parse("2024-03..2024-01")


SPELLINGS = (
    "dt={0:%Y-%m-%d}",
    "dt={0:%Y%m%d}",
    "year={0:%Y}/month={0:%m}/day={0:%d}",
    "year={0.year}/month={0.month}/day={0.day}",
    "month={0:%Y-%m}/day={0.day}",
)


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2024-07..2024-12", date(2024, 7, 1), date(2024, 12, 31)),
        ("2024-7..2024-12", date(2024, 7, 1), date(2024, 12, 31)),
        ("2024/07/31..2024/10", date(2024, 7, 31), date(2024, 10, 31)),
        ("year=2024/month=9..year=2024/month=10", date(2024, 9, 1), date(2024, 10, 31)),
        ("2024-08-09..2024-08-10", date(2024, 8, 9), date(2024, 8, 10)),
        ("2024", date(2024, 1, 1), date(2024, 12, 31)),
        ("2024-08..", date(2024, 8, 1), date.max),
        ("..2024-08", date.min, date(2024, 8, 31)),
    ],
)
def test_a_date_lies_in_a_range_however_bounds_and_keys_divide_it(spelling, text, first, last):
    days = [date(2023, 12, 1) + timedelta(days=number) for number in range(430)]
    within = PartitionRange.parse(text)
    taken = [day for day in days if within.covers(Partition.of_path(spelling.format(day)))]
    assert taken == [day for day in days if first <= day <= last]


def test_months_of_several_keys_lie_in_ranges_of_months():
    months = [
        Partition.of_path(f"year={year}/month={month}") for year in (2024, 2025) for month in range(1, 13)
    ]
    within = PartitionRange.parse("2024-07..2025-01")
    assert [month for month in months if within.covers(month)] == months[6:13]


def test_a_date_below_another_key_is_compared_as_a_date():
    august = Partition.of_path("country=DE/year=2024/month=8")
    assert PartitionRange.parse("DE/2024-07..DE/2024-12").covers(august)
    assert not PartitionRange.parse("DE/2024-09..DE/2024-12").covers(august)
    assert PartitionRange.parse("DE").covers(august)


def test_partitions_follow_each_other_in_time_whatever_divides_their_dates():
    mixed = ["2024-10", "2024/9", "202312", "2024-01-31", "2024/02"]
    partitions = [Partition.of_path("/".join(f"k{n}={v}" for n, v in enumerate(m.split("/")))) for m in mixed]
    ordered = sorted(partitions, key=comparable)
    assert ["/".join(p.values) for p in ordered] == ["202312", "2024-01-31", "2024/02", "2024/9", "2024-10"]


def test_a_number_that_is_no_part_of_a_date_stays_apart():
    assert covered("2024-01", "2024-01-31", "2024-01/123") == ["2024-01-31", "2024-01/123"]
    assert covered("2024-01-12", "2024-01/123") == []
    assert covered("12", "12", "12/34", "1234", "12-34") == ["12", "12/34"]


def test_a_value_that_is_no_date_stands_for_itself_alone():
    assert covered("US", "US", "USA", "US-east") == ["US"]
    assert covered("2024/US", "2024/US", "2024/USA") == ["2024/US"]


@pytest.mark.parametrize(
    ("text", "may_come"),
    [
        ("2024-11", True),
        ("2024-04", True),
        ("..2023", True),
        ("2023-01..2023-12", True),
        ("..US", False),
        ("US..", False),
        (NULL_VALUE, True),
    ],
)
def test_dates_may_still_come_among_dates_whenever_they_are(text, may_come):
    known = [day(value) for value in ("2024-06", NULL_VALUE, "2024-03")]
    assert PartitionRange.parse(text).may_come(known) == may_come


def test_a_date_may_come_though_a_folder_beside_the_dated_ones_has_none():
    known = [day("2024-06"), day("unknown")]
    assert PartitionRange.parse("2026-11-26").may_come(known)
    assert not PartitionRange.parse("unknwon").may_come(known)


def test_text_is_not_waited_for_among_text_nor_a_date():
    brands = [day("Acme"), day("Zenith")]
    assert not PartitionRange.parse("Acne").may_come(brands)
    assert not PartitionRange.parse("2024-01").may_come(brands)


def test_of_a_table_without_partitions_any_date_may_come():
    assert PartitionRange.parse("2024-01").may_come([])


def test_a_range_is_told_as_it_was_written():
    assert str(PartitionRange.parse(" 2024/7..2024-12 ")) == "2024/7..2024-12"
