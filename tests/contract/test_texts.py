import uuid

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewmine.contract.texts import identifiers, is_text, raw_bytes, texts, valid_strings


def column(array: pa.Array) -> pa.ChunkedArray:
    return pa.chunked_array([array])


def invalid_strings(*values: bytes) -> pa.Array:
    """A string array whose bytes are not checked, as a Parquet file delivers it."""
    raw = pa.array(values, pa.binary())
    return pa.StringArray.from_buffers(len(raw), raw.buffers()[1], raw.buffers()[2])


@pytest.mark.parametrize(
    "column_type",
    [pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary(), pa.binary_view()],
)
def test_every_type_of_text_gives_the_same_bytes_and_strings(column_type: pa.DataType) -> None:
    read = column(pa.array(["café", None, ""]).cast(column_type))
    assert is_text(column_type)
    assert raw_bytes(read).to_pylist() == ["café".encode(), None, b""]
    assert texts(read).to_pylist() == ["café", None, ""]
    assert texts(read).type == pa.string()


def test_a_column_of_nothing_but_nulls_is_text() -> None:
    assert is_text(pa.null())
    assert texts(column(pa.nulls(2))).to_pylist() == [None, None]


def test_invalid_bytes_become_replacement_characters_and_only_their_rows_are_repaired() -> None:
    strings, repaired = valid_strings(raw_bytes(column(invalid_strings(b"fine", b"caf\xe9 noir", b""))))
    assert strings.to_pylist() == ["fine", "caf\ufffd noir", ""]
    assert repaired.to_pylist() == [False, True, False]


def test_bytes_that_are_valid_only_when_joined_to_the_next_row_are_repaired() -> None:
    strings, repaired = valid_strings(pa.array([b"\xc3", b"\xa9"]))
    assert strings.to_pylist() == ["\ufffd", "\ufffd"]
    assert repaired.to_pylist() == [True, True]


def test_a_lone_surrogate_becomes_one_replacement_character() -> None:
    strings, repaired = valid_strings(pa.array([b"a\xed\xa0\x80b", b"\xed\xbf\xbf"]))
    assert strings.to_pylist() == ["a\ufffdb", "\ufffd"]
    assert repaired.to_pylist() == [True, True]


def test_two_surrogates_that_form_a_pair_become_their_character() -> None:
    strings, repaired = valid_strings(pa.array(["\ud83d\ude00!".encode("utf-8", "surrogatepass")]))
    assert strings.to_pylist() == ["😀!"]
    assert repaired.to_pylist() == [True]


@given(st.lists(st.none() | st.binary(max_size=12) | st.text(max_size=6).map(str.encode), max_size=6))
def test_any_bytes_become_strings_and_valid_ones_stay_as_they_are(values: list[bytes | None]) -> None:
    strings, repaired = valid_strings(pa.array(values, pa.binary()))
    strings.validate(full=True)
    for value, string, was_repaired in zip(values, strings.to_pylist(), repaired.to_pylist(), strict=True):
        assert (value is None) == (string is None)
        if value is not None:
            assert was_repaired == (value.decode(errors="ignore").encode() != value)
            assert was_repaired or string.encode() == value


def test_a_replacement_character_that_was_there_already_is_no_repair() -> None:
    _, repaired = valid_strings(pa.array(["\ufffd".encode()]))
    assert repaired.to_pylist() == [False]


@pytest.mark.parametrize(
    "array",
    [
        pa.array([7, None], pa.int8()),
        pa.array([7, None], pa.uint64()),
        pa.array([7.0, float("nan")]),
        pa.array([7.0, None], pa.float32()),
        pa.array([7, None], pa.decimal128(38, 0)),
        pa.array([7, None]).cast(pa.decimal128(30, 2)),
        pa.array(["7", None]),
    ],
)
def test_numbers_that_name_something_are_written_in_decimal(array: pa.Array) -> None:
    assert identifiers(column(array)).to_pylist() == ["7", None]


def test_the_largest_integer_ids_keep_every_digit() -> None:
    assert identifiers(column(pa.array([2**64 - 1], pa.uint64()))).to_pylist() == ["18446744073709551615"]


@pytest.mark.parametrize("array", [pa.array([7.5]), pa.array([7.5]).cast(pa.decimal128(30, 2))])
def test_a_fraction_names_nothing(array: pa.Array) -> None:
    with pytest.raises(ValueError, match="must be whole numbers; the first that is none is number 1 of 1"):
        identifiers(column(array))


def test_a_telephone_that_is_no_id_is_not_told() -> None:
    with pytest.raises(ValueError, match="number 2 of 2") as refused:
        identifiers(column(pa.array([7.0, 13812345678.5])))
    assert "138" not in str(refused.value)


def test_uuids_and_bytes_of_fixed_width_are_spelt_out() -> None:
    known = uuid.UUID("12345678-1234-5678-1234-567812345678")
    assert identifiers(column(pa.array([known.bytes, None], pa.uuid()))).to_pylist() == [str(known), None]
    assert identifiers(column(pa.array([b"\x00\xff", None], pa.binary(2)))).to_pylist() == ["00ff", None]
