import numpy as np
import pytest
from tiny import make_tokenizer

from reviewmine.examples.spans import token_classes
from reviewmine.text.encode import TextEncoder

CLASSES = ("O", "B-term", "I-term")
TOKENIZER = make_tokenizer()


def tokens_of(body: str, *terms: str) -> dict[str, list[str]]:
    """The tokens that are of some class, by class; the terms are looked for from left to right in the raw body."""
    encoder = TextEncoder(TOKENIZER.backend_tokenizer, max_tokens=64)
    spans, at = [], 0
    for term in terms:
        at = body.index(term, at)
        spans.append({"start": at, "end": at + len(term), "label": "term"})
        at += len(term)
    classes = token_classes(body, spans, encoder.places([body])[0], CLASSES)
    tokens = TOKENIZER.convert_ids_to_tokens(encoder.encode([None], [body])[0].token_ids)
    assert len(tokens) == len(classes)
    found: dict[str, list[str]] = {name: [] for name in (*CLASSES, "none")}
    for token, number in zip(tokens, classes, strict=True):
        found["none" if np.isnan(number) else CLASSES[int(number)]].append(token)
    return found


def test_the_first_token_of_a_span_begins_it_the_others_continue_it_and_special_tokens_have_no_class() -> (
    None
):
    found = tokens_of("The lamp cable is nice and the zip is poor.", "lamp cable", "zip")
    assert found["B-term"] == ["lamp", "zip"]
    assert found["I-term"] == ["cable"]
    assert found["none"] == ["[CLS]", "[SEP]"]


@pytest.mark.parametrize(
    "body",
    [
        "<b>The</b> lamp is  nice &amp; the cable is poor.",
        "It is okay!!!!!! The lamp is nice. It is it.<br/>The cable is very poor.",
        "   The lamp, https://example.com/lamp is nice \u2014 the cable, it is poor",
    ],
)
def test_spans_are_found_again_in_what_cleaning_leaves(body: str) -> None:
    assert tokens_of(body, "lamp", "cable")["B-term"] == ["lamp", "cable"]


def test_of_two_equal_words_the_one_that_was_meant_is_found() -> None:
    body = "The  lamp is nice and the lamp is poor and the lamp is okay."
    start = body.index("lamp", 12)
    encoder = TextEncoder(TOKENIZER.backend_tokenizer, max_tokens=64)
    span = {"start": start, "end": start + 4, "label": "term"}
    classes = token_classes(body, [span], encoder.places([body])[0], CLASSES)
    assert np.flatnonzero(classes == 1).tolist() == [7]


def test_a_span_over_two_sentences_goes_on_in_the_second() -> None:
    found = tokens_of("The lamp is nice. The zip is poor.", "nice. The zip")
    assert found["B-term"] == ["nice"]
    assert found["I-term"] == [".", "the", "zip"]


def test_a_sentence_in_which_a_span_cannot_be_found_again_has_no_classes() -> None:
    found = tokens_of("The lamp is nice. The zi&#112; is poor.", "112;")
    assert found["B-term"] == []
    assert found["O"] == ["the", "lamp", "is", "nice", "."]
    assert found["none"] == ["[CLS]", "the", "zip", "is", "poor", ".", "[SEP]"]
