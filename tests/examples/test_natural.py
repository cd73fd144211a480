"""Which labels natural shares say something about, by the language of rows and the sets that label a head."""

import pyarrow as pa

from reviewmine.contract.examples import examples_schema
from reviewmine.contract.label_columns import HeadLabels
from reviewmine.examples.natural import is_like_natural, parted
from reviewmine.examples.sets import ExampleSet
from reviewmine.labels import POLARITIES

HEADS = {
    "polarity": HeadLabels(kind="one", labels=POLARITIES),
    "mood": HeadLabels(kind="one", labels=("glad", "sad")),
    "things": HeadLabels(kind="spans", labels=("thing",)),
}
SPAN = [{"start": 0, "end": 4, "label": "thing"}]


def a_set(name: str, *heads: str, natural: bool = False) -> ExampleSet:
    labels = {head: {"column": head} for head in heads}
    return ExampleSet.model_validate(
        {"name": name, "path": name, "licence": "own", "labels": labels, "natural": natural}
    )


SETS = (
    a_set("shop", "polarity", natural=True),
    a_set("german", "polarity", "things"),
    a_set("moods", "mood"),
)


def rows(*given: dict[str, object]) -> pa.Table:
    schema = examples_schema(HEADS).append(pa.field("set", pa.string()))
    return pa.Table.from_pylist(list(given), schema=schema)


EXAMPLES = rows(
    {"set": "shop", "body": "a", "language": "en", "polarity": "positive"},
    {"set": "german", "body": "b", "language": "de", "polarity": "negative", "things": SPAN},
    {"set": "german", "body": "c", "language": "de", "polarity": "negative"},
    {"set": "moods", "body": "d", "mood": "sad"},
    {"set": "moods", "body": "e", "language": "fr", "mood": "glad"},
    {"set": "moods", "body": "f", "polarity": "neutral"},
)


def labels(table: pa.Table, head: str) -> dict[str, object]:
    return {row["body"]: row[head] for row in table.to_pylist() if row[head] is not None}


def test_heads_that_no_natural_set_labels_are_judged_on_all_their_rows() -> None:
    like, unlike = parted(EXAMPLES, SETS, HEADS)
    assert labels(like, "mood") == {"d": "sad", "e": "glad"}
    assert labels(like, "things") == {"b": SPAN}
    assert labels(unlike, "mood") == labels(unlike, "things") == {}


def test_labels_of_other_languages_stand_apart_for_the_heads_that_a_natural_set_labels() -> None:
    like, unlike = parted(EXAMPLES, SETS, HEADS)
    assert labels(like, "polarity") == {"a": "positive", "f": "neutral"}
    assert labels(unlike, "polarity") == {"b": "negative", "c": "negative"}
    assert like["body"].to_pylist() == ["a", "b", "d", "e", "f"]
    assert unlike["body"].to_pylist() == ["b", "c"]


def test_a_language_that_is_not_known_is_no_other_language() -> None:
    assert is_like_natural(EXAMPLES, SETS, "polarity").to_pylist() == [True, False, False, True, False, True]
    unknown = rows({"set": "shop", "body": "a"}, {"set": "german", "body": "b", "language": "de"})
    assert is_like_natural(unknown, SETS, "polarity").to_pylist() == [True, True]
