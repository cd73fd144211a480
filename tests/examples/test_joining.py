import numpy as np
import pyarrow as pa
from tiny import make_reviews

from reviewmine.contract.examples import ExampleColumns, conform
from reviewmine.examples.joining import JOINED_AT_LEAST, joined

COLUMNS = ExampleColumns(body="text", title="title", rating="stars", language="lang")


def examples(*rows: tuple[str, int | None, str]) -> pa.Table:
    bodies, stars, languages = zip(*rows, strict=True)
    table = pa.table({"text": bodies, "stars": pa.array(stars, pa.int8()), "lang": languages})
    return conform(table, ExampleColumns(body="text", rating="stars", language="lang"), where="here")


def join(table: pa.Table, max_words: int = 60, seed: int = 0) -> pa.Table:
    return joined(table, max_words, np.random.default_rng(seed))


def test_joined_reviews_have_equal_stars_enough_words_no_title_and_no_text_twice() -> None:
    table = conform(make_reviews(400), COLUMNS, where="here")
    stars_of = dict(zip(table["body"].to_pylist(), table["rating"].to_pylist(), strict=True))
    long = join(table)
    used: list[str] = []
    for body, stars in zip(long["body"].to_pylist(), long["rating"].to_pylist(), strict=True):
        parts = [part for part in stars_of if part in body]
        assert {stars_of[part] for part in parts} == {stars}
        assert " ".join(parts) == body
        used += parts
    lengths = [len(body.split()) for body in long["body"].to_pylist()]
    assert len(used) == len(set(used)) > 0.9 * len(stars_of)
    assert JOINED_AT_LEAST <= min(lengths) < 20 < 40 < max(lengths) <= 60
    assert long["title"].null_count == long.num_rows
    assert long.schema == table.schema


def test_texts_are_told_apart_by_full_stops_where_they_have_no_mark_of_their_own() -> None:
    long = join(
        examples(
            ("Nice lamp ", 5, "en"),
            ("it works!", 5, "en"),
            ("so so", 3, "en"),
            ("for the price I paid", 5, "en"),
        ),
        max_words=9,
    )
    assert long["body"].to_pylist() == ["Nice lamp. it works! for the price I paid."]
    assert long["polarity"].to_pylist() == ["positive"]


def test_languages_are_never_joined_and_reviews_without_stars_are_left_out() -> None:
    words = "one two three four five"
    long = join(examples((words, 5, "en"), (words, 5, "de"), (words, None, "en"), (words, 5, "de")), 10)
    assert long["language"].to_pylist() == ["de"]


def test_a_review_that_is_longer_than_a_join_may_be_stays_alone() -> None:
    short, long = "a few words of praise here", " ".join(["word"] * 30)
    found = join(examples((short, 5, "en"), (long, 5, "en"), (short, 5, "en")), 20)["body"].to_pylist()
    assert found == [f"{long}."]
