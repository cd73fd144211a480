import pyarrow as pa
from tiny import make_reviews, make_tokenizer

from reviewmine.contract.examples import ExampleColumns, conform
from reviewmine.examples.encoded import encode_examples
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
