import numpy as np
import pyarrow as pa
from tiny import make_reviews, make_tokenizer

from reviewmine.contract.examples import ExampleColumns, conform, examples_schema
from reviewmine.examples.encoded import encode_examples
from reviewmine.model.head_specs import ClassificationSpec, MultilabelSpec, OrdinalSpec, TokensSpec
from reviewmine.text.encode import TextEncoder

COLUMNS = ExampleColumns(body="text", title="title", rating="stars")


def test_the_token_ids_of_training_are_those_of_the_one_text_encoder() -> None:
    table = conform(make_reviews(50), COLUMNS, where="here")
    encoder = TextEncoder(make_tokenizer().backend_tokenizer, max_tokens=64)
    examples = encode_examples(table, encoder, pad_id=0)
    annotated = encoder.encode(table["title"].to_pylist(), table["body"].to_pylist())
    assert [ids.tolist() for ids in examples.with_title] == [review.token_ids for review in annotated]


def test_a_review_of_which_nothing_is_left_is_no_example() -> None:
    table = conform(
        pa.table({"text": ["<br>", "A lamp."], "title": ["x", "y"], "stars": [1, 5]}), COLUMNS, where="here"
    )
    examples = encode_examples(
        table, TextEncoder(make_tokenizer().backend_tokenizer, max_tokens=64), pad_id=0
    )
    assert len(examples) == 1
    assert examples.labels["polarity"].tolist() == [2.0]


HEADS = {
    "mood": ClassificationSpec(labels=("glad", "sad")),
    "topics": MultilabelSpec(labels=("price", "sound")),
    "force": OrdinalSpec(),
    "terms": TokensSpec(labels=("term",)),
}


def test_labels_of_every_kind_become_numbers_and_what_is_missing_is_none() -> None:
    rows = [
        {"title": "Great", "body": "The lamp is dim.", "terms": [{"start": 4, "end": 8, "label": "term"}]},
        {"title": "Great", "body": "No lamp.", "mood": "sad", "topics": ["sound"], "force": 0.5},
        {"title": None, "body": "<br>", "mood": "glad"},
    ]
    table = pa.Table.from_pylist(
        rows, schema=examples_schema({name: head.takes for name, head in HEADS.items()})
    )
    encoder = TextEncoder(make_tokenizer().backend_tokenizer, max_tokens=64)
    found = encode_examples(table, encoder, pad_id=0, heads=HEADS)
    nothing = np.nan
    np.testing.assert_array_equal(found.labels["mood"], [nothing, 1])
    np.testing.assert_array_equal(found.labels["topics"], [[nothing, nothing], [0, 1]])
    np.testing.assert_array_equal(found.labels["force"], [nothing, 0.5])
    with_spans, without = found.labels["terms"]
    tokens = make_tokenizer().convert_ids_to_tokens(found.with_title[0].tolist())
    assert tokens[:4] == ["[CLS]", "the", "lamp", "is"]
    np.testing.assert_array_equal(with_spans[:4], [nothing, 0, 1, 0])
    assert len(with_spans) == len(tokens)
    assert np.isnan(with_spans[-1])
    assert np.isnan(without).all()


def test_an_example_with_spans_is_read_without_its_title() -> None:
    heads = {"terms": HEADS["terms"]}
    schema = examples_schema({name: head.takes for name, head in heads.items()})
    table = pa.Table.from_pylist(
        [{"title": "Great", "body": "A lamp.", "terms": []}, {"title": "Great", "body": "A lamp."}],
        schema=schema,
    )
    encoder = TextEncoder(make_tokenizer().backend_tokenizer, max_tokens=64)
    found = encode_examples(table, encoder, pad_id=0, heads=heads)
    assert found.with_title[0].tolist() == found.without_title[0].tolist()
    assert len(found.with_title[1]) > len(found.without_title[1])
