"""Encoding: the one road from the title and body of a review to token ids, for training and inference alike.

What the model reads is the clean title, a full stop where it has none, and the clean sentences of the body.
The tokens of each sentence are known by number, so that its vector can be taken from the same encoder pass.
"""

import copy
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tokenizers import Encoding, Tokenizer

from reviewmine.text.clean import clean
from reviewmine.text.sentences import Span, cleaned_sentences, separator

_REVIEWS_AT_ONCE = 256
"""Reviews per call of the tokenizer, whose results take some 100 bytes for every character."""

_CHARACTERS_PER_TOKEN = 16
"""So much of a long body is read at first for each token of the limit; four or five is what a token takes."""


@dataclass(frozen=True, slots=True)
class EncodedReview:
    """What the model reads of one review; no token ids at all where cleaning leaves nothing."""

    token_ids: list[int]
    """Ids with the special tokens, at most `max_tokens`."""
    truncated: bool
    """Whether the review goes on where the token ids end."""
    sentences: list[Span]
    """The sentences of the raw body of which at least one token was read."""
    sentence_tokens: list[tuple[int, int]]
    """For each of `sentences` the half-open range of its tokens in `token_ids`."""


class TokenPlace(NamedTuple):
    """Where a token of the body stands: the number of its sentence, and code points of that sentence when clean."""

    sentence: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Reading:
    """The beginning of one review as text to encode, and where in it each sentence begins."""

    text: str
    sentences: list[Span]
    starts: list[int]
    complete: bool


class TextEncoder:
    """Encodes reviews with one tokenizer, which it copies, and one limit of tokens per review."""

    def __init__(self, tokenizer: Tokenizer, *, max_tokens: int) -> None:
        special_tokens = tokenizer.num_special_tokens_to_add(is_pair=False)
        if max_tokens <= special_tokens:
            raise ValueError(
                f"max_tokens {max_tokens}: expected more than the {special_tokens} special tokens"
            )
        self.max_tokens = max_tokens
        self._tokenizer = copy.deepcopy(tokenizer)
        self._tokenizer.enable_truncation(max_tokens)
        self._tokenizer.no_padding()
        # A reviewer who types [SEP] means five characters.
        self._tokenizer.encode_special_tokens = True

    def encode(self, titles: Sequence[str | None], bodies: Sequence[str | None]) -> list[EncodedReview]:
        """One encoded review per title and body, in order; None is an empty one."""
        return [_encoded(reading, encoding) for reading, encoding in self._encodings(titles, bodies)]

    def places(self, bodies: Sequence[str | None]) -> list[list[TokenPlace | None]]:
        """Where each token of `encode` of bodies without titles stands; None for special tokens.

        Sentences are numbered as `cleaned_sentences` of the body gives them.
        """
        untitled = [None] * len(bodies)
        return [_places(reading, encoding) for reading, encoding in self._encodings(untitled, bodies)]

    def _encodings(
        self, titles: Sequence[str | None], bodies: Sequence[str | None]
    ) -> Iterator[tuple[_Reading, Encoding]]:
        if len(titles) != len(bodies):
            raise ValueError(
                f"{len(titles)} titles and {len(bodies)} bodies: expected as many of one as of the other"
            )
        reviews = [(title or "", body or "") for title, body in zip(titles, bodies, strict=True)]
        for first in range(0, len(reviews), _REVIEWS_AT_ONCE):
            yield from self._encode_some(reviews[first : first + _REVIEWS_AT_ONCE])

    def _encode_some(self, reviews: Sequence[tuple[str, str]]) -> Iterator[tuple[_Reading, Encoding]]:
        window = self.max_tokens * _CHARACTERS_PER_TOKEN
        readings = [_read(title, body, window) for title, body in reviews]
        encodings = self._tokenizer.encode_batch([reading.text for reading in readings])
        for (title, body), first_reading, first_encoding in zip(reviews, readings, encodings, strict=True):
            reading, encoding, wider = first_reading, first_encoding, window
            while not (reading.complete or encoding.overflowing):
                wider *= 8
                reading = _read(title, body, wider)
                encoding = self._tokenizer.encode(reading.text)
            yield reading, encoding


def _read(title: str, body: str, window: int) -> _Reading:
    """As many sentences as begin in the first `window` characters, cut there at a space."""
    text = clean(title)
    if text:
        text += ". " if text[-1].isalnum() else " "
    pieces, length, last = [text], len(text), ""
    sentences: list[Span] = []
    starts: list[int] = []
    complete = True
    for span, sentence in cleaned_sentences(body):
        if length > window:
            complete = False
            break
        gap = separator(last, sentence)
        pieces += (gap, sentence)
        sentences.append(span)
        starts.append(length + len(gap))
        length += len(gap) + len(sentence)
        last = sentence
    text = "".join(pieces).rstrip()
    if len(text) > window:
        cut = text.rfind(" ", 0, window)
        text, complete = text[: cut if cut > 0 else window], False
    return _Reading(text, sentences, starts, complete)


def _encoded(reading: _Reading, encoding: Encoding) -> EncodedReview:
    if not reading.text:
        return EncodedReview([], False, [], [])
    specials = encoding.special_tokens_mask
    first_token = specials.index(0) if 0 in specials else len(specials)
    token_starts = [
        start for (start, _), special in zip(encoding.offsets, specials, strict=True) if not special
    ]
    bounds = [first_token + bisect_left(token_starts, start) for start in reading.starts]
    ranges = list(zip(bounds, [*bounds[1:], first_token + len(token_starts)], strict=False))
    read = [
        (span, tokens)
        for span, tokens in zip(reading.sentences, ranges, strict=True)
        if tokens[0] < tokens[1]
    ]
    return EncodedReview(
        token_ids=encoding.ids,
        truncated=bool(encoding.overflowing) or not reading.complete,
        sentences=[span for span, _ in read],
        sentence_tokens=[tokens for _, tokens in read],
    )


def _places(reading: _Reading, encoding: Encoding) -> list[TokenPlace | None]:
    if not reading.text:
        return []
    found: list[TokenPlace | None] = []
    for (start, end), special in zip(encoding.offsets, encoding.special_tokens_mask, strict=True):
        sentence = bisect_right(reading.starts, start) - 1
        if special or sentence < 0:
            found.append(None)
        else:
            begins = reading.starts[sentence]
            found.append(TokenPlace(sentence, start - begins, end - begins))
    return found
