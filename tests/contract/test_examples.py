import pyarrow as pa
import pytest

from reviewmine.contract.examples import EXAMPLES_SCHEMA, ExampleColumns, conform, examples_schema
from reviewmine.contract.label_columns import HeadLabels, LabelColumn
from reviewmine.errors import ContractError


def reviews(**columns: pa.Array | list[object]) -> pa.Table:
    return pa.table({"body": pa.array(["one", "two", "three"]), **columns})


def test_stars_give_polarity_and_intensity_and_no_star_gives_neither() -> None:
    table = conform(reviews(stars=[1, None, 4]), ExampleColumns(rating="stars"), where="a.parquet")
    assert table.schema == EXAMPLES_SCHEMA
    assert table["polarity"].to_pylist() == ["negative", None, "positive"]
    assert table["intensity"].to_pylist() == [1.0, None, 0.5]


def test_a_head_whose_labels_a_set_does_not_have_is_null_there() -> None:
    labels = {"polarity": LabelColumn(column="mood")}
    table = conform(reviews(mood=["positive", None, "neutral"]), ExampleColumns(), where="a", labels=labels)
    assert table["polarity"].to_pylist() == ["positive", None, "neutral"]
    assert table["intensity"].null_count == 3


def test_labels_of_a_column_win_over_those_of_stars() -> None:
    labels = {"intensity": LabelColumn(column="strength", high=3, signed=True)}
    columns = ExampleColumns(rating="stars")
    table = conform(reviews(stars=[3, 3, 3], strength=[-3, 6, 1]), columns, where="a", labels=labels)
    assert table["intensity"].to_pylist() == pytest.approx([1.0, 1.0, 1 / 3])
    assert table["polarity"].to_pylist() == ["neutral"] * 3


def test_there_is_a_column_for_each_head_and_none_for_others() -> None:
    heads = {"mood": HeadLabels(kind="one", labels=("glad", "sad")), "force": HeadLabels(kind="number")}
    labels = {"mood": LabelColumn(column="mood")}
    table = conform(
        reviews(mood=["sad", "glad", None], stars=[1, 2, 3]),
        ExampleColumns(rating="stars"),
        where="a",
        labels=labels,
        heads=heads,
    )
    assert table.schema == examples_schema(heads)
    assert table["mood"].to_pylist() == ["sad", "glad", None]
    assert table["force"].null_count == 3


def test_columns_that_are_kept_follow_as_strings_and_have_to_be_there() -> None:
    shops = reviews(shop=[7, None, 9], mood=["angry", "calm", None])
    table = conform(shops, ExampleColumns(), where="a.csv", keep=("shop", "mood"))
    assert table.column_names == [*EXAMPLES_SCHEMA.names, "shop", "mood"]
    assert table["shop"].to_pylist() == ["7", None, "9"]
    with pytest.raises(ContractError, match="no column 'town'; found body, shop, mood"):
        conform(shops, ExampleColumns(), where="a.csv", keep=("town",))


@pytest.mark.parametrize("kind", [pa.int8(), pa.int64(), pa.float32(), pa.decimal128(3, 1)])
def test_stars_of_any_number_type_are_read(kind: pa.DataType) -> None:
    table = conform(reviews(stars=pa.array([1, 3, 5], kind)), ExampleColumns(rating="stars"), where="a")
    assert table["rating"].to_pylist() == [1.0, 3.0, 5.0]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int8(), pa.string())])
def test_text_of_any_string_type_is_read(kind: pa.DataType) -> None:
    table = conform(
        reviews(headline=pa.array(["a", None, "b"]).cast(kind)), ExampleColumns(title="headline"), where="a"
    )
    assert table["title"].to_pylist() == ["a", None, "b"]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (ExampleColumns(body="text"), "a.csv: no column 'text'; found body, stars, mood"),
        (ExampleColumns(rating="stars"), "a.csv: row 1: column 'stars' is 7, expected 1 to 5 stars"),
        (ExampleColumns(rating="body"), "a.csv: column 'body' is string, expected numbers; row 0 cannot"),
    ],
)
def test_what_cannot_be_a_label_is_refused_by_name(columns: ExampleColumns, message: str) -> None:
    table = reviews(stars=[1, 7, 2], mood=["a", "b", "c"])
    with pytest.raises(ContractError, match=message.replace(".", r"\.")):
        conform(table, columns, where="a.csv")


TEXT = "Ring me on 415-555-0133 or write to anna@example.org, then we talk about this kettle."


@pytest.mark.parametrize(
    ("columns", "labels"),
    [
        (ExampleColumns(rating="text"), {}),
        (ExampleColumns(title="nothing"), {}),
        (ExampleColumns(), {"intensity": LabelColumn(column="text")}),
        (ExampleColumns(), {"polarity": LabelColumn(column="text")}),
    ],
)
def test_an_error_quotes_no_piece_of_a_review(
    columns: ExampleColumns, labels: dict[str, LabelColumn]
) -> None:
    table = reviews(text=[TEXT] * 3, **{TEXT: [1, 2, 3]})
    with pytest.raises(ContractError) as refused:
        conform(table, columns, where="a.csv", labels=labels)
    assert "415" not in str(refused.value)
    assert "@" not in str(refused.value)
    assert refused.value.__suppress_context__ or refused.value.__context__ is None
