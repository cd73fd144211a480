"""Summaries: a short review as it is, or the one or two sentences of a longer one that say the most.

For every summary `text == quote(body, spans)`: what it says stands in the review, at the spans that it names.
"""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from reviewmine.labels import SummaryMethod
from reviewmine.model.extractive import choose
from reviewmine.text.characters import ENTITY, IDEOGRAPH, TAG
from reviewmine.text.clean import clean
from reviewmine.text.mask import mask
from reviewmine.text.sentences import Span, join

SUMMARY_VERSION: Final = 2
"""Raised with every change to where sentences end, which are chosen or what is masked; part of a result_key."""

MOST_CHARACTERS: Final = 240
MOST_CHARACTERS_OF_CHINESE: Final = 120

_MARKUP_ALLOWANCE: Final = 4
"""A raw text so many times longer than a summary is not cleaned just to see that it is too long."""

_QUESTION: Final = 0.5
_ASIDE: Final = 0.7
_QUESTION_MARKS: Final = ("?", "？")
_CLOSERS: Final = "\"'”’)]」』）!！ "
_ASIDE_OPENING = re.compile(
    r"\W{0,8}(?:(?:so|and|but|well|also|then|now|first|originally|actually|since|when|after|before|because|as|though"
    r"|although|while),?\s{1,2})?(?:I|my|we|our|if)\b",
    re.IGNORECASE,
)
"""English sentences on the reviewer or on a condition: by Hu and Liu's labels a third of them carry an opinion on the
product, against half of the others."""

_CHINESE_SHARE: Final = 0.3
_SAMPLE_CHARACTERS: Final = 400
_IDEOGRAPHS = re.compile(f"{IDEOGRAPH}+")

_LONGEST_WORD: Final = 30
_LONGEST_DATUM: Final = 80
"""Characters that a mail address, a number or a link with a secret in it rarely exceeds."""

_PAUSE = re.compile("[\\s，、；：]")
_EXTENSION = re.compile("[\u0300-\u036f\u200d\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]")


class Summary(NamedTuple):
    """One or two sentences, how they were found, and where in the raw body they stand."""

    text: str
    method: SummaryMethod
    spans: tuple[Span, ...]


def summarize(
    body: str,
    sentences: Sequence[Span],
    sentence_vectors: NDArray[np.floating],
    worth: NDArray[np.floating] | None = None,
) -> Summary:
    """The summary of a raw body: at most two sentences, and never longer than the body.

    `sentences` [S] are the spans that the network read, `sentence_vectors` [S, H] the means of the states of
    their tokens, `worth` [S] what else speaks for each of them. Without any sentence there is no summary. Two
    sentences that stand without a space between are joined with one, and still never outgrow the body: two that
    are all of it and fit are `verbatim`.
    """
    if not sentences:
        return Summary("", "none", ())
    if not wants_choice(body, sentences):
        whole = Span(sentences[0].start, sentences[-1].end)
        return Summary(quote(body, [whole]), "verbatim", (whole,))
    limit = _most_characters(body)
    chosen = choose(
        sentence_vectors,
        [end - start for start, end in sentences],
        most_characters=limit,
        worth=statement(body, sentences) if worth is None else worth * statement(body, sentences),
    )
    spans = [sentences[index] for index in sorted(chosen)]
    text = quote(body, spans)
    if len(spans) == 1 and len(text) > limit:
        spans = [_cut(body, spans[0], limit)]
        text = quote(body, spans)
    return Summary(text, "extractive", tuple(spans))


def wants_choice(body: str, sentences: Sequence[Span]) -> bool:
    """Whether the body is too long, or read in part only, to be its own summary."""
    if not sentences:
        return False
    whole = Span(sentences[0].start, sentences[-1].end)
    is_summary = (
        len(sentences) <= 2 and _is_all(body, whole) and _is_short(body, whole, _most_characters(body))
    )
    return not is_summary


def statement(body: str, sentences: Sequence[Span]) -> NDArray[np.float32]:
    """Whether each sentence [S] states something of the product: 1, or less if it asks, or opens with `I` or `If`."""
    texts = [body[start:end] for start, end in sentences]
    return np.array([_statement(text) for text in texts], np.float32)


def _statement(text: str) -> float:
    if text.rstrip(_CLOSERS).endswith(_QUESTION_MARKS):
        return _QUESTION
    return _ASIDE if _ASIDE_OPENING.match(text) else 1.0


def quote(body: str, spans: Sequence[Span]) -> str:
    """What the spans of the raw body say: the equation of the contract."""
    return mask(join([clean(body[start:end]) for start, end in spans]))


def _most_characters(body: str) -> int:
    """The length of a summary, half of it where text is written in Chinese or Japanese characters."""
    sample = body[:_SAMPLE_CHARACTERS]
    if sample.isascii():
        return MOST_CHARACTERS
    num_ideographs = sum(map(len, _IDEOGRAPHS.findall(sample)))
    return MOST_CHARACTERS_OF_CHINESE if num_ideographs > _CHINESE_SHARE * len(sample) else MOST_CHARACTERS


def _is_all(body: str, span: Span) -> bool:
    """Whether the body says nothing outside the span: the network may have read a part only."""
    return not clean(body[: span.start]) and not clean(body[span.end :])


def _is_short(body: str, span: Span, limit: int) -> bool:
    num_characters = span.end - span.start
    if num_characters <= limit:
        return True
    return num_characters <= _MARKUP_ALLOWANCE * limit and len(clean(body[span.start : span.end])) <= limit


# Cutting ------------------------------------------------------------------------------------------------


def _cut(body: str, span: Span, limit: int) -> Span:
    """The beginning of a sentence too long for a summary, about `limit` clean characters, up to a pause."""
    end = span.start
    for _ in range(_MARKUP_ALLOWANCE):
        room = limit - len(clean(body[span.start : end]))
        reach = min(span.end, end + room)
        if reach < span.end:
            reach = _last_pause(body, end, reach, span.end)
        if reach <= end:
            break
        end = reach
    if end < span.end:
        end = _before_private_data(body, span, _back_to_a_pause(body, span.start, end))
    end = span.start + len(body[span.start : end].rstrip())
    return Span(span.start, end) if clean(body[span.start : end]) else span


def _back_to_a_pause(body: str, start: int, end: int) -> int:
    """`end`, or the pause a little before it: what was filled up to the limit may stop within a word."""
    pauses = [match.start() for match in _PAUSE.finditer(body, max(start + 1, end - _LONGEST_WORD), end + 1)]
    return pauses[-1] if pauses else end


def _before_private_data(body: str, span: Span, end: int) -> int:
    """`end`, or a place before it where no half of what masking replaces is left over: no rule would find that."""
    goes_on = quote(body, [Span(span.start, min(span.end, end + _LONGEST_DATUM))])
    for stop in range(end, max(span.start, end - _LONGEST_DATUM), -1):
        if goes_on.startswith(quote(body, [Span(span.start, stop)])):
            return stop
    return end


def _last_pause(body: str, least: int, most: int, sentence_end: int) -> int:
    """Where to stop between `least` and `most`: before a pause if there is a late one, and within no markup."""
    pauses = [match.start() for match in _PAUSE.finditer(body, (least + most) // 2, most + 1)]
    stop = pauses[-1] if pauses else most
    opened = body.rfind("<", least, stop)
    if opened >= 0 and (tag := TAG.match(body, opened, sentence_end)) and tag.end() > stop:
        return opened if opened > least else tag.end()
    opened = body.rfind("&", least, stop)
    if opened > least and (entity := ENTITY.match(body, opened)) and entity.end() > stop:
        return opened
    while stop > least + 1 and _EXTENSION.match(body, stop):
        stop -= 1
    return stop
