"""Sentences: where the sentences of a raw review stand, in English and Chinese, and how clean ones are joined.

Offsets are code points of the raw text, so that a summary can show its evidence in the review as it was read.
Tags, entities, URLs and addresses are never cut; line breaks, bullets and block tags always end a sentence.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from reviewmine.text.characters import (
    BLOCK_TAGS,
    ENTITY,
    IDEOGRAPH,
    IMAGE_TAGS,
    SILENT,
    TAG,
    URL,
    has_url,
)
from reviewmine.text.clean import clean
from reviewmine.text.stops import STOP, STOP_START, ends_sentence


class Span(NamedTuple):
    """A half-open range of code points of the raw text."""

    start: int
    end: int


_NEW_LINES = "\n\r\v\f\x85\u2028\u2029"
_BULLETS = "•●▪◦‣✅✔❌✗✘➤►▶👉"
_LANDMARK = re.compile(f"[<&@{_NEW_LINES}{_BULLETS}]|{STOP_START}")
_BULLETED = re.compile(f"[{_BULLETS}]\ufe0f?\\s?\\w")
_ADDRESS = re.compile(r"@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}")
_ESCAPED_BREAK = re.compile(r"&(?:amp;)*lt;/?(?i:br|p|li|div|h[1-6]|hr|[ou]l|t[rd])\s{0,8}/?&(?:amp;)*gt;")


def split_sentences(text: str) -> list[Span]:
    """The sentences of a raw text, in order and disjoint; left out is only what `clean` leaves nothing of."""
    return [span for span, _ in cleaned_sentences(text)]


def cleaned_sentences(text: str) -> Iterator[tuple[Span, str]]:
    """The spans of `split_sentences`, one by one, each with its clean text: stop reading and the rest is free."""
    start = 0
    for end, resume in _breaks(text):
        yield from _cleaned(text, start, end)
        start = resume
    yield from _cleaned(text, start, len(text))


def _cleaned(text: str, start: int, end: int) -> Iterator[tuple[Span, str]]:
    raw = text[start:end]
    start += len(raw) - len(raw.lstrip())
    raw = raw.strip()
    if raw and (cleaned := clean(raw)):
        yield Span(start, start + len(raw)), cleaned


def _breaks(text: str) -> Iterator[tuple[int, int]]:
    """(end of a sentence, start of the next), left to right; what lies between the two is markup."""
    urls = [match.span() for match in URL.finditer(text)][::-1] if has_url(text) else []
    sentence_start = position = 0
    while landmark := _LANDMARK.search(text, position):
        at = landmark.start()
        while urls and urls[-1][1] <= at:
            urls.pop()
        if urls and urls[-1][0] <= at:
            position = urls[-1][1]
            continue
        position, ends_at = _read_landmark(text, at, sentence_start)
        if ends_at is not None:
            yield ends_at, position
            sentence_start = position


def _read_landmark(text: str, at: int, sentence_start: int) -> tuple[int, int | None]:
    """(where to read on, where the sentence ends or None if it goes on) for the landmark at `at`."""
    first = text[at]
    if first in _NEW_LINES:
        return at + 1, at
    if first == "<":
        return _read_tag(text, at)
    if first == "&":
        if escaped := _ESCAPED_BREAK.match(text, at):
            return escaped.end(), at
        return _end_of(ENTITY.match(text, at), at), None
    if first == "@":
        return _end_of(_ADDRESS.match(text, at), at), None
    if first in _BULLETS and _BULLETED.match(text, at):
        return (at + 1, None) if not text[sentence_start:at].strip() else (at, at)
    stop = STOP.match(text, at)
    if stop is None:
        return at + 1, None
    return stop.end(), stop.end() if ends_sentence(text, stop, sentence_start) else None


def _read_tag(text: str, at: int) -> tuple[int, int | None]:
    if silent := SILENT.match(text, at):
        return silent.end(), None
    tag = TAG.match(text, at)
    if tag is None:
        return at + 1, None
    name = tag[1].lower()
    return tag.end(), at if name in BLOCK_TAGS and name not in IMAGE_TAGS else None


def _end_of(match: re.Match[str] | None, at: int) -> int:
    return match.end() if match else at + 1


# Joining ------------------------------------------------------------------------------------------------

_FIRST_LETTER = re.compile(r"[^\W_]")
_IS_IDEOGRAPH = re.compile(IDEOGRAPH)


def join(parts: Sequence[str]) -> str:
    """Clean sentences as one text: a space between two, nothing where Chinese or Japanese meets its like."""
    return "".join(separator(left, right) + right for left, right in zip(["", *parts], parts, strict=False))


def separator(left: str, right: str) -> str:
    """What stands between two clean sentences: decided by the last letter of one and the first of the other."""
    if not left or not right:
        return ""
    if left.isascii() or right.isascii():
        return " "
    first = _FIRST_LETTER.search(right)
    last = next((character for character in reversed(left) if character.isalnum()), " ")
    return "" if first and _IS_IDEOGRAPH.match(first[0]) and _IS_IDEOGRAPH.match(last) else " "
