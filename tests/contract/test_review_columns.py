import pyarrow as pa
import pytest
from pydantic import ValidationError

from reviewmine.contract.review_columns import ReviewColumns, check_mapping, check_schema
from reviewmine.errors import ContractError

REQUIRED = [("review_id", pa.string()), ("body", pa.string())]


def check(*fields: tuple[str, pa.DataType], columns: ReviewColumns | None = None) -> dict[str, str]:
    return check_schema(pa.schema(list(fields)), columns or ReviewColumns(), where="a/b.parquet")


def test_the_least_archive_has_an_id_and_a_body() -> None:
    assert check(*REQUIRED) == {"review_id": "review_id", "body": "body"}


@pytest.mark.parametrize("missing", ["review_id", "body"])
def test_a_missing_required_column_names_file_found_expected_and_the_fix(missing: str) -> None:
    fields = [field for field in REQUIRED if field[0] != missing]
    with pytest.raises(ContractError) as broken:
        check(*fields, ("stars", pa.int8()))
    message = str(broken.value)
    assert message.startswith("a/b.parquet: found ")
    assert "stars" in message
    assert f"expected a column '{missing}'" in message
    assert f"[columns] {missing} = " in message


def test_optional_fields_are_found_under_their_well_known_names() -> None:
    found = check(*REQUIRED, ("stars", pa.int8()), ("review_date", pa.date32()), ("reviewer_id", pa.int64()))
    assert found["rating"] == "stars"
    assert found["reviewed_at"] == "review_date"
    assert found["user_id"] == "reviewer_id"


def test_the_contracts_own_name_comes_before_other_well_known_names() -> None:
    found = check(*REQUIRED, ("date", pa.date32()), ("reviewed_at", pa.timestamp("us")))
    assert found["reviewed_at"] == "reviewed_at"


def test_the_run_file_maps_fields_to_columns() -> None:
    columns = ReviewColumns(review_id="key", body="text", title="headline")
    fields = [
        ("key", pa.int64()),
        ("text", pa.large_string()),
        ("headline", pa.string()),
        ("title", pa.bool_()),
    ]
    assert check(*fields, columns=columns) == {"review_id": "key", "body": "text", "title": "headline"}


def test_a_field_mapped_to_nothing_is_not_read() -> None:
    assert "title" not in check(*REQUIRED, ("title", pa.string()), columns=ReviewColumns(title=""))


def test_a_file_may_lack_a_mapped_optional_column_but_the_archive_may_not() -> None:
    columns = ReviewColumns(title="headline")
    bare, full = pa.schema(REQUIRED), pa.schema([*REQUIRED, ("headline", pa.string())])
    assert "title" not in check(*REQUIRED, columns=columns)
    check_mapping([bare, full], columns)
    with pytest.raises(ContractError, match=r'title = "headline".* found body, review_id'):
        check_mapping([bare], columns)


@pytest.mark.parametrize(
    ("name", "column_type"),
    [
        ("body", pa.int64()),
        ("body", pa.struct([("text", pa.string())])),
        ("body", pa.list_(pa.string())),
        ("review_id", pa.bool_()),
        ("review_id", pa.timestamp("us")),
        ("title", pa.float64()),
        ("rating", pa.bool_()),
        ("rating", pa.list_(pa.int32())),
        ("reviewed_at", pa.int64()),
        ("reviewed_at", pa.time32("s")),
        ("language", pa.map_(pa.string(), pa.string())),
    ],
)
def test_a_column_of_the_wrong_type_names_file_type_and_expectation(
    name: str, column_type: pa.DataType
) -> None:
    fields = dict(REQUIRED) | {name: column_type}
    with pytest.raises(
        ContractError, match=rf"a/b\.parquet: column '{name}' is of type .*; expected .*{name}"
    ):
        check(*fields.items())


def test_integers_are_dates_once_the_run_file_says_what_they_count() -> None:
    found = check(*REQUIRED, ("date", pa.int32()), columns=ReviewColumns(epoch_unit="s"))
    assert found["reviewed_at"] == "date"


def test_dictionary_encoding_does_not_matter() -> None:
    encoded = pa.dictionary(pa.int32(), pa.string())
    assert check(("review_id", encoded), ("body", encoded), ("rating", pa.dictionary(pa.int8(), pa.int8())))


def test_a_column_that_occurs_twice_is_refused_only_if_it_is_read() -> None:
    assert check(*REQUIRED, ("note", pa.string()), ("note", pa.string()))
    with pytest.raises(ContractError, match="found 2 columns named 'body'"):
        check(*REQUIRED, ("body", pa.string()))


def test_a_long_list_of_columns_is_cut_short_in_the_message() -> None:
    with pytest.raises(ContractError, match="c19 and 30 more"):
        check(*((f"c{i}", pa.int8()) for i in range(50)))


def test_the_mapping_is_closed_and_frozen() -> None:
    with pytest.raises(ValidationError):
        ReviewColumns.model_validate({"boddy": "text"})
    with pytest.raises(ValidationError):
        ReviewColumns.model_validate({"body": ""})
