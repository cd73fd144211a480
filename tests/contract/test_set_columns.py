import pyarrow as pa
import pytest

from reviewmine.contract.set_columns import column_named, numbers, strings
from reviewmine.errors import ContractError

TABLE = pa.table({"word": pa.array(["a", None]).dictionary_encode(), "number": [1, 2], "list": [[1], [2]]})


def test_columns_are_read_as_strings_or_numbers_whatever_their_type() -> None:
    assert strings(TABLE, "word", "a").to_pylist() == ["a", None]
    assert strings(TABLE, "number", "a").to_pylist() == ["1", "2"]
    assert numbers(TABLE, "number", "a").tolist() == [1.0, 2.0]


def test_a_column_without_a_name_has_nothing_in_it() -> None:
    assert strings(TABLE, None, "a").null_count == 2
    assert str(numbers(TABLE, None, "a").tolist()) == "[nan, nan]"


def test_a_column_that_is_not_there_or_of_another_kind_is_refused() -> None:
    with pytest.raises(ContractError, match="a: no column 'no'; found word, number, list"):
        column_named(TABLE, "no", "a")
    with pytest.raises(ContractError, match=r"a: column 'list' is list.*expected numbers"):
        numbers(TABLE, "list", "a")
