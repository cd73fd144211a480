from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from reviewmine.contract.carried import TEXT_LIST, carried_fields, conform_carried
from reviewmine.contract.instants import INSTANT
from reviewmine.errors import ContractError


def common_type(*types: pa.DataType) -> pa.DataType:
    (field,) = carried_fields([pa.schema([("extra", one)]) for one in types], ["extra"])
    assert field.name == "extra"
    return field.type


@pytest.mark.parametrize(
    ("found", "safe"),
    [
        (pa.string(), pa.string()),
        (pa.large_string(), pa.string()),
        (pa.string_view(), pa.string()),
        (pa.binary(), pa.string()),
        (pa.dictionary(pa.int8(), pa.string()), pa.string()),
        (pa.dictionary(pa.int8(), pa.int8()), pa.int32()),
        (pa.bool_(), pa.bool_()),
        (pa.int8(), pa.int32()),
        (pa.uint16(), pa.int32()),
        (pa.uint32(), pa.int64()),
        (pa.uint64(), pa.int64()),
        (pa.float16(), pa.float32()),
        (pa.float64(), pa.float64()),
        (pa.decimal128(10, 2), pa.float64()),
        (pa.date32(), INSTANT),
        (pa.timestamp("ns"), INSTANT),
        (pa.timestamp("s", tz="Asia/Tokyo"), INSTANT),
        (pa.list_(pa.string()), TEXT_LIST),
        (pa.large_list(pa.large_string()), TEXT_LIST),
        (pa.null(), pa.string()),
    ],
)
def test_every_carried_type_has_one_that_is_safe_in_warehouses(found: pa.DataType, safe: pa.DataType) -> None:
    assert common_type(found) == safe


@pytest.mark.parametrize(
    "found",
    [
        pa.struct([("a", pa.int32())]),
        pa.map_(pa.string(), pa.string()),
        pa.list_(pa.int32()),
        pa.list_(pa.struct([("a", pa.int32())])),
        pa.time64("us"),
        pa.duration("s"),
        pa.binary(4),
    ],
)
def test_types_that_no_warehouse_agrees_on_are_refused(found: pa.DataType) -> None:
    with pytest.raises(ContractError, match=r"'extra' is of type .* take it out of --carry"):
        common_type(found)


@pytest.mark.parametrize(
    ("types", "common"),
    [
        ((pa.int32(), pa.int64()), pa.int64()),
        ((pa.int8(), pa.float32()), pa.float64()),
        ((pa.float32(), pa.float64()), pa.float64()),
        ((pa.int64(), pa.string()), pa.string()),
        ((pa.bool_(), pa.int32()), pa.string()),
        ((pa.date32(), pa.timestamp("us")), INSTANT),
        ((pa.null(), pa.int64()), pa.int64()),
        ((pa.null(), pa.list_(pa.string())), TEXT_LIST),
    ],
)
def test_files_that_differ_meet_in_one_type(types: tuple[pa.DataType, ...], common: pa.DataType) -> None:
    assert common_type(*types) == common
    assert common_type(*reversed(types)) == common


def test_lists_and_plain_values_do_not_meet() -> None:
    with pytest.raises(ContractError, match="lists in one file and string in another"):
        common_type(pa.list_(pa.string()), pa.string())


def test_a_carried_column_that_no_file_has_is_refused_with_what_was_found() -> None:
    with pytest.raises(ContractError, match=r"'flavour'.* found body, review_id"):
        carried_fields([pa.schema([("review_id", pa.string()), ("body", pa.string())])], ["flavour"])


def test_a_file_without_the_column_gives_nulls_and_empty_lists() -> None:
    table = pa.table({"body": ["a", "b"]})
    assert conform_carried(table, pa.field("n", pa.int64()), where="f").to_pylist() == [None, None]
    assert conform_carried(table, pa.field("n", TEXT_LIST), where="f").to_pylist() == [[], []]


@pytest.mark.parametrize(
    ("array", "wanted", "values"),
    [
        (pa.array([1, None], pa.uint8()), pa.int64(), [1, None]),
        (pa.array([1, 2**60 + 1]), pa.float64(), [1.0, float(2**60)]),
        (pa.array([Decimal("1.50")]), pa.float64(), [1.5]),
        (pa.array([1.5], pa.float16()), pa.float32(), [1.5]),
        (pa.array([True, None]), pa.string(), ["true", None]),
        (pa.array([7]), pa.string(), ["7"]),
        (pa.array([date(2026, 1, 1)]), INSTANT, [datetime(2026, 1, 1, tzinfo=UTC)]),
        (pa.array(["a", None]).dictionary_encode(), pa.string(), ["a", None]),
        (pa.array([b"caf\xe9"]), pa.string(), ["caf\ufffd"]),
        (pa.nulls(1), pa.float64(), [None]),
        (pa.nulls(1), TEXT_LIST, [[]]),
        (pa.array([["a", None], None, []]), TEXT_LIST, [["a", None], [], []]),
        (pa.array([["a"], None, ["b"]], pa.list_(pa.string(), 1)), TEXT_LIST, [["a"], [], ["b"]]),
    ],
)
def test_values_take_the_common_type(array: pa.Array, wanted: pa.DataType, values: list[object]) -> None:
    carried = conform_carried(pa.table({"extra": array}), pa.field("extra", wanted), where="f")
    assert carried.type == wanted
    assert carried.to_pylist() == values


def test_lists_of_a_range_of_rows_stay_with_their_rows() -> None:
    table = pa.table({"extra": [["a"], None, ["b", "c"]]}).slice(1)
    carried = conform_carried(table, pa.field("extra", TEXT_LIST), where="f")
    assert carried.to_pylist() == [[], ["b", "c"]]


def test_a_value_too_large_for_the_common_type_names_file_and_column() -> None:
    table = pa.table({"extra": pa.array([2**64 - 1], pa.uint64())})
    with pytest.raises(
        ContractError,
        match=r"a\.parquet: carried column 'extra' of type uint64 does not fit int64; .* 1 of 1",
    ) as refused:
        conform_carried(table, pa.field("extra", pa.int64()), where="a.parquet")
    assert str(2**64 - 1) not in str(refused.value)


def test_a_column_that_occurs_twice_is_refused() -> None:
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["extra", "extra"])
    with pytest.raises(ContractError, match="found 2 columns named 'extra'"):
        conform_carried(table, pa.field("extra", pa.int64()), where="f")
