import hashlib

import pyarrow as pa
import pytest

from reviewmine.demo import personal
from reviewmine.demo.archive import demo_reviews
from reviewmine.demo.wording import Chance, expand
from reviewmine.model.summarizer import quote
from reviewmine.text.mask import mask
from reviewmine.text.sentences import Span, cleaned_sentences

SENTENCES = (*personal.TYPED, *personal.PASTED, *personal.PASTED_IN_CHINESE)
REMAINS = (
    "@",
    "555-01",
    "7946",
    "4111",
    "5500",
    "620000",
    "13800138000",
    "0013",
    "110105",
    "de89",
    "192.0.2",
)
"""What would be left of a datum however it was typed, in small letters; nothing else in the archive has any of it."""


@pytest.fixture(scope="module")
def reviews() -> pa.Table:
    return demo_reviews(seed=7, rows=3000)


def test_every_datum_is_in_the_archive_and_about_one_review_in_thirty_holds_one(reviews: pa.Table) -> None:
    bodies = [body or "" for body in reviews["body"].to_pylist()]
    holding = [body for body in bodies if any(datum in body for datum in personal.PERSONAL_DATA)]
    assert {datum for datum in personal.PERSONAL_DATA if not any(datum in body for body in bodies)} == set()
    assert 0.02 < len(holding) / len(bodies) < 0.04
    assert sum(any("\u4e00" <= c <= "\u9fff" for c in body) for body in holding) >= 5


@pytest.mark.parametrize("template", SENTENCES)
def test_a_sentence_gives_away_what_is_listed_and_nothing_else(template: str) -> None:
    for seed in range(30):
        text = expand(template, {}, Chance(seed))
        given_away = [datum for datum in personal.PERSONAL_DATA if datum in text]
        assert given_away
        for datum in given_away:
            text = text.replace(datum, "")
        assert mask(text) == text


def test_what_is_pasted_changes_no_other_review(reviews: pa.Table) -> None:
    ids = "".join(reviews["review_id"].to_pylist())
    assert hashlib.sha256(ids.encode()).hexdigest().startswith("d16f894deee17e35")


def test_no_summary_of_the_archive_holds_a_personal_datum(reviews: pa.Table) -> None:
    for body in filter(None, reviews["body"].to_pylist()):
        for span in (Span(0, len(body)), *(span for span, _ in cleaned_sentences(body))):
            summary = quote(body, [span]).lower()
            assert [datum for datum in personal.PERSONAL_DATA if datum.lower() in summary] == []
            assert [remains for remains in REMAINS if remains in summary] == []


def test_no_log_line_that_quotes_a_review_of_the_archive_holds_a_personal_datum(reviews: pa.Table) -> None:
    """Raw bodies, with their mark-up and their links, as a library might quote them in an error."""
    for body in filter(None, reviews["body"].to_pylist()):
        told = mask(f"cannot read {body!r}")
        assert [datum for datum in personal.PERSONAL_DATA if datum.lower() in told.lower()] == []
        assert "token=" not in told
