"""Results: equal keys exactly where the same would be written."""

import pyarrow as pa
import pytest

from reviewmine.backfill.result import Result, result_of
from reviewmine.contract.reviews import ReviewColumns

SAME = {
    "checkpoint_digest": "abc",
    "columns": ReviewColumns(),
    "carried": (pa.field("rating", pa.int32()),),
    "partition_by": None,
    "annotate_unsupported": False,
}


def test_the_same_ingredients_have_the_same_key():
    assert result_of(**SAME).key == result_of(**SAME).key
    reordered = dict(reversed(result_of(**SAME).ingredients.items()))
    assert Result(reordered).key == result_of(**SAME).key


@pytest.mark.parametrize(
    ("name", "other", "told"),
    [
        ("checkpoint_digest", "abd", "checkpoint"),
        ("columns", ReviewColumns(body="text"), "column mapping"),
        ("carried", (), "carried columns"),
        ("carried", (pa.field("rating", pa.int64()),), "carried columns"),
        ("partition_by", "day", "partition by"),
        ("annotate_unsupported", True, "unsupported languages"),
    ],
)
def test_any_other_ingredient_has_another_key_and_is_told(name, other, told):
    one, another = result_of(**SAME), result_of(**{**SAME, name: other})
    assert one.key != another.key
    assert another.changed_since(one.ingredients) == (told,)


@pytest.mark.parametrize(
    ("name", "other", "keeps", "told"),
    [
        ("checkpoint_digest", "abd", False, "checkpoint changed (full pass)"),
        ("annotate_unsupported", True, False, "unsupported languages changed (full pass)"),
        ("columns", ReviewColumns(body="text"), True, "column mapping changed (no new model work)"),
        ("carried", (), True, "carried columns changed (no new model work)"),
        ("partition_by", "day", True, "partition by changed (no new model work)"),
    ],
)
def test_rows_are_kept_where_nothing_changed_that_decides_what_a_model_makes_of_them(
    name, other, keeps, told
):
    before, now = result_of(**SAME).ingredients, result_of(**{**SAME, name: other})
    assert now.keeps_rows_of(before) == keeps
    assert now.reasons_since(before) == [told]


@pytest.mark.parametrize(
    ("name", "keeps"),
    [
        ("clean version", False),
        ("summary version", False),
        ("contract version", True),
        ("of a later release", False),
    ],
)
def test_rows_of_other_versions_are_kept_only_where_these_make_the_same_of_a_review(name, keeps):
    result = result_of(**SAME)
    assert result.keeps_rows_of({**result.ingredients, name: "0"}) == keeps
    assert result.keeps_rows_of(result.ingredients)


def test_an_ingredient_that_an_older_run_did_not_know_counts_as_changed():
    before = dict(result_of(**SAME).ingredients)
    del before["partition by"]
    assert result_of(**SAME).changed_since(before) == ("partition by",)
