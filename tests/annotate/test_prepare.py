from pathlib import Path

import pyarrow as pa
import pytest
from tiny_checkpoint import MAX_TOKENS, make_conformed

from reviewmine.annotate.prepare import PREPARED_FIELDS, Preparer
from reviewmine.contract.reviews import REVIEWS_SCHEMA
from reviewmine.errors import CheckpointError
from reviewmine.text.clean import clean

LISTS = [field.name for field in PREPARED_FIELDS if field.name != "status"]


@pytest.fixture(scope="module")
def prepare(checkpoint: Path) -> Preparer:
    return Preparer(checkpoint)


def statuses(prepared: pa.Table) -> list[str]:
    found: list[str] = prepared["status"].to_pylist()
    return found


def test_a_prepared_review_keeps_its_columns_and_gains_those_of_preparing(prepare: Preparer) -> None:
    reviews = make_conformed(["The sound is great. The strap is poor."], first_row=7)
    prepared = prepare(reviews)
    assert prepared.schema == pa.schema([*REVIEWS_SCHEMA, *PREPARED_FIELDS])
    assert prepared.select(REVIEWS_SCHEMA.names) == reviews
    assert statuses(prepared) == ["ok"]


def test_sentences_are_ranges_of_the_body_and_of_the_tokens(prepare: Preparer) -> None:
    body = "The <b>sound</b> is great!<br>It was poor."
    (row,) = prepare(make_conformed([body])).to_pylist()
    spans = list(zip(row["sentence_starts"], row["sentence_ends"], strict=True))
    assert [clean(body[start:end]) for start, end in spans] == ["The sound is great!", "It was poor."]
    assert row["sentence_first_tokens"] == [1, row["sentence_last_tokens"][0]]
    assert row["sentence_last_tokens"][1] == len(row["token_ids"]) - 1


def test_a_title_is_read_before_the_body(prepare: Preparer) -> None:
    bare, titled = prepare(make_conformed(["It is okay."] * 2, title=[None, "Weak cable"])).to_pylist()
    assert len(titled["token_ids"]) == len(bare["token_ids"]) + 3
    assert titled["sentence_starts"] == bare["sentence_starts"] == [0]


@pytest.mark.parametrize("body", [None, "", " \n\t", "<br><p></p>", "\u200b\u200b", "https://example.com/a"])
def test_a_body_of_nothing_but_noise_is_empty_whatever_its_title(prepare: Preparer, body: str | None) -> None:
    prepared = prepare(make_conformed([body, "Good."], title=["Great sound", None], language=[None, "en"]))
    assert statuses(prepared) == ["empty", "ok"]
    assert prepared["language"].to_pylist() == ["und", "en"]
    assert all(prepared[name][0].as_py() == [] for name in LISTS)


def test_a_body_longer_than_the_network_reads_is_truncated(prepare: Preparer) -> None:
    (row,) = prepare(make_conformed(["The case is very good and it is nice. " * 50])).to_pylist()
    assert row["status"] == "truncated"
    assert len(row["token_ids"]) == MAX_TOKENS
    assert row["sentence_last_tokens"][-1] == MAX_TOKENS - 1


def test_a_review_of_repaired_bytes_is_repaired_even_if_it_is_too_long(prepare: Preparer) -> None:
    prepared = prepare(
        make_conformed([b"Great caf\xe9.", b"Lone \xed\xa0\x80 one.", b"\xff good " * 200, b"Fine."])
    )
    assert statuses(prepared) == ["repaired", "repaired", "repaired", "ok"]


def test_a_title_that_fills_the_network_leaves_the_first_sentence_to_speak(prepare: Preparer) -> None:
    (row,) = prepare(make_conformed(["Good case. Nice lamp."], title=["very good " * 100])).to_pylist()
    assert row["status"] == "truncated"
    assert (row["sentence_starts"], row["sentence_ends"]) == ([0], [10])
    assert (row["sentence_first_tokens"], row["sentence_last_tokens"]) == ([0], [MAX_TOKENS])


@pytest.mark.parametrize("written", ["en", "EN", "en-US", "eng"])
def test_a_language_column_is_believed_and_reduced_to_its_code(prepare: Preparer, written: str) -> None:
    prepared = prepare(make_conformed(["Das ist nicht gut, aber es war sehr billig."], language=[written]))
    assert prepared["language"].to_pylist() == ["en"]
    assert statuses(prepared) == ["ok"]


@pytest.mark.parametrize("written", [None, "", "und", "English"])
def test_where_no_code_is_given_the_language_is_identified(prepare: Preparer, written: str | None) -> None:
    bodies = ["The sound of this lamp is very good and I like it.", "音质很好，电池也很耐用。"]
    prepared = prepare(make_conformed(bodies, language=pa.array([written] * 2, pa.string())))
    assert prepared["language"].to_pylist() == ["en", "zh"]
    assert statuses(prepared) == ["ok", "unsupported_language"]


def test_markup_does_not_speak_english(prepare: Preparer) -> None:
    body = "<div class='review'><span>很好</span></div>"
    assert prepare(make_conformed([body], language=[""]))["language"].to_pylist() == ["zh"]


def test_an_unsupported_language_is_annotated_only_when_asked(checkpoint: Path, prepare: Preparer) -> None:
    reviews = make_conformed(["Sehr gut.", ""], language=["de", "de"])
    kept = prepare(reviews)
    assert statuses(kept) == ["unsupported_language", "empty"]
    assert kept["language"].to_pylist() == ["de", "de"]
    assert kept["token_ids"].to_pylist() == [[], []]
    assert statuses(Preparer(checkpoint, annotate_unsupported=True)(reviews)) == ["ok", "empty"]


def test_reviews_of_any_kind_keep_their_rows(prepare: Preparer) -> None:
    bodies = ["😀😀😀", "Good. " * 180_000, "x" * 50_000, None, "отлично", "ok", "ok"]
    prepared = prepare(make_conformed(bodies, language=[None] * 7))
    assert prepared["source_row"].to_pylist() == list(range(7))
    assert prepared["body"].to_pylist() == bodies
    assert statuses(prepared)[1:4] == ["truncated", "ok", "empty"]
    assert all(len(ids) <= MAX_TOKENS for ids in prepared["token_ids"].to_pylist())


def test_equal_texts_are_prepared_alike_each_by_its_own_language(prepare: Preparer) -> None:
    prepared = prepare(make_conformed(["Gut."] * 3, language=["en", "de", "en"]))
    assert statuses(prepared) == ["ok", "unsupported_language", "ok"]
    first, _, third = prepared["token_ids"].to_pylist()
    assert first == third != []


def test_failed_rows_come_out_as_failed_and_untouched(prepare: Preparer) -> None:
    prepared = prepare(make_conformed(["Good."] * 3, first_row=100), frozenset({101, 7}))
    assert statuses(prepared) == ["ok", "failed", "ok"]
    assert prepared["token_ids"][1].as_py() == []
    assert prepared["language"].to_pylist() == ["en", "und", "en"]


def test_carried_columns_stay_behind(prepare: Preparer) -> None:
    reviews = make_conformed(["Good."]).append_column("carried:rating", pa.array([5], pa.int32()))
    assert prepare(reviews)["carried:rating"].to_pylist() == [5]


def test_a_table_without_rows_has_the_same_columns(prepare: Preparer) -> None:
    prepared = prepare(make_conformed([]))
    assert prepared.num_rows == 0
    assert prepared.schema == pa.schema([*REVIEWS_SCHEMA, *PREPARED_FIELDS])


def test_another_digest_than_the_expected_one_is_refused(checkpoint: Path) -> None:
    with pytest.raises(CheckpointError, match="expected 00"):
        Preparer(checkpoint, expected_digest="00")
