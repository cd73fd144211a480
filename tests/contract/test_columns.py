import pyarrow as pa
import pytest

from reviewmine.contract.columns import field_named, first_misfit, joined, list_offsets, listed, plain, shown
from reviewmine.errors import ContractError


def test_a_dictionary_encoded_column_is_unwrapped_to_its_values() -> None:
    encoded = pa.chunked_array([pa.array(["a", None]), pa.array(["b"])]).dictionary_encode()
    assert plain(encoded).type == pa.string()
    assert plain(encoded).to_pylist() == ["a", None, "b"]


def test_chunks_are_joined_into_one_array_even_when_there_are_none() -> None:
    assert joined(pa.chunked_array([[1], [2, 3]])).to_pylist() == [1, 2, 3]
    assert joined(pa.chunked_array([], pa.int64())).to_pylist() == []


def test_a_field_is_found_once_or_not_at_all_and_twice_is_an_error() -> None:
    schema = pa.schema([("a", pa.int8()), ("b", pa.int8()), ("b", pa.string())])
    assert field_named(schema, "a", where="f") == pa.field("a", pa.int8())
    assert field_named(schema, "c", where="f") is None
    with pytest.raises(ContractError, match="f: found 2 columns named 'b'"):
        field_named(schema, "b", where="f")


def test_a_list_of_names_says_when_it_is_empty_or_cut() -> None:
    assert listed([]) == "no columns"
    assert listed(["a", "b", "c"], limit=2) == "a, b and 1 more"


@pytest.mark.parametrize("lists", [pa.list_(pa.int8()), pa.large_list(pa.int8()), pa.list_(pa.int8(), 2)])
def test_offsets_point_into_the_flattened_lists(lists: pa.DataType) -> None:
    array = pa.array([[9, 9], None, [1, 2]], lists).slice(1)
    assert list_offsets(array).tolist() == [0, 0, 2]
    assert array.flatten().to_pylist() == [1, 2]


@pytest.mark.parametrize("name", ["body", "review text", "rating_2024", "评价", "angry"])
def test_a_name_is_told_as_it_is(name: str) -> None:
    assert shown(name) == name


@pytest.mark.parametrize(
    "text", ["Great kettle. " * 5, "anna@example.org", "call 415-555-0133", "13812345678"]
)
def test_of_what_reads_like_a_piece_of_a_review_only_the_length_is_told(text: str) -> None:
    assert shown(text) == f"({len(text)} characters)"
    assert text not in listed(["body", text])


@pytest.mark.parametrize("row", range(7))
def test_the_first_value_that_does_not_fit_is_found_across_chunks(row: int) -> None:
    texts = ["1"] * 7
    texts[row] = "one"
    column = pa.chunked_array([texts[:3], [], [*texts[3:], "none"]], pa.string())
    assert first_misfit(column, lambda values: values.cast(pa.int64())) == row
